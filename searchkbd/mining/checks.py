"""What makes a pair doubtful, told from its two texts alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from searchkbd.corpus.sentence import UNDETERMINED
from searchkbd.text.identify import CLASSES, identify_batch
from searchkbd.text.languages import LANGUAGES

COPIED = "copied"
LANGUAGE = "language"
LENGTH = "length"
NUMBERS = "numbers"
DUPLICATE = "duplicate"
FLAGS = (COPIED, LANGUAGE, LENGTH, NUMBERS, DUPLICATE)
"""Everything a pair can be flagged for, in the order in which flags are written."""

COPIED_SIMILARITY = 0.8
COPIED_CHARS = 12
"""Shorter keys are copied only when they are equal: neighbouring languages share words."""

SURE = 0.95
SURE_WORDS = 4
"""Languages are told right in 99.9 % of sentences of as many words (resources/lid.card.md)."""

MAX_Z = 3.5
MIN_PAIRS = 30
MAX_RATIO = 4.0
SHORT = 10
_LEAST_SPREAD = 0.05  # else, in a file of made-up sentences, a word more would be unusual

# A separator before three digits, or within a number: 1 000,5.
_SEPARATOR = re.compile(r"(?<=\d)(?:[ \u00a0\u202f'](?=\d{3}(?!\d))|[.,](?=\d))", re.ASCII)
_NUMBER = re.compile(r"\d+", re.ASCII)


def is_copied(key_a: str, key_b: str) -> bool:
    """Return whether two search keys are equal or, if long enough, nearly: 1 − edits / longer."""
    if key_a == key_b:
        return True
    if min(len(key_a), len(key_b)) < COPIED_CHARS:
        return False
    similarity = Levenshtein.normalized_similarity(
        key_a, key_b, score_cutoff=COPIED_SIMILARITY
    )
    return similarity >= COPIED_SIMILARITY


def numbers(key: str) -> tuple[str, ...]:
    """Return the numbers written in digits in a search key, sorted, their separators dropped.

    ``1,000``, ``1.000`` and ``1 000`` are one number, and so are ``3.5`` and ``3,5``. A palochka
    written ``1`` is a letter in a search key.
    """
    found = _NUMBER.findall(_SEPARATOR.sub("", key))
    return tuple(sorted(one.lstrip("0") or "0" for one in found))


def in_wrong_language(texts: Sequence[str], langs: Sequence[str]) -> list[bool]:
    """Return for each text whether it is, surely, in another language than its code says.

    Only texts of :data:`SURE_WORDS` words and more are judged, and those of :data:`SURE`
    confidence. A language that the identifier does not know is contradicted only by one of ours.
    """
    judged = [at for at, text in enumerate(texts) if len(text.split()) >= SURE_WORDS]
    wrong = [False] * len(texts)
    for at, found in zip(judged, identify_batch([texts[at] for at in judged]), strict=True):
        if found.confidence >= SURE:
            wrong[at] = _contradicts(found.lang, langs[at])
    return wrong


def _contradicts(found: str, said: str) -> bool:
    if said in CLASSES:
        return found != said
    return said != UNDETERMINED and found in LANGUAGES


def unusual_lengths(logs: NDArray[np.float64], shorter: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return bool ``[n]``: which pairs have a ratio of lengths unlike the others'.

    *logs* are log(length of one / length of the other), always the same way round, *shorter* the
    length of the shorter text. Of 30 pairs and more, the robust z, 0.6745 × (log − median) / MAD,
    must not exceed 3.5 (Iglewicz and Hoaglin 1993, "How to Detect and Handle Outliers"), and the
    ratio over the median ratio not 4; of fewer, the ratio itself not 4. Where the shorter text has
    fewer than 10 characters nothing is unusual.
    """
    limit, centre = np.log(MAX_RATIO), 0.0
    if len(logs) >= MIN_PAIRS:
        centre = float(np.median(logs))
        spread = max(float(np.median(np.abs(logs - centre))), _LEAST_SPREAD)
        limit = min(limit, MAX_Z * spread / 0.6745)
    return (np.abs(logs - centre) > limit) & (shorter >= SHORT)
