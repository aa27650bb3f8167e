"""Texts of known language for training the identifier, their split, and what users do to them."""

from __future__ import annotations

import csv
import hashlib
import random
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from searchkbd.text.forms import fold_palochka, loose_key, words
from searchkbd.text.languages import normalize_language

KINDS: tuple[str, ...] = ("words", "phrases", "sentences")

PALOCHKA_SPELLINGS: tuple[str, ...] = ("Ӏ", "ӏ", "1", "I", "i", "l", "І", "і", "|", "!")
"""How the palochka is typed: its two code points and the look-alikes of its data."""

TEST_SHARE = 0.05
TUNE_SHARE = 0.025

# Tatoeba's everlasting Tom would mark its sentences as other than Russian, say.
_STOCK_NAMES = re.compile(r"\b(?:Tom|Том)\w{0,3}\b")
_PALOCHKA_LANGUAGES = frozenset({"kbd", "ady"})
_NOT_OTHER = frozenset({"kbd", "ru", "en", "fr", "tr", "ady"})
_TURKISH_UPPER = str.maketrans("iı", "İI")
_TURKISH_ASCII = str.maketrans("çğıöşüâîûÇĞİÖŞÜÂÎÛ", "cgiosuaiuCGIOSUAIU")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text, its class, its kind (one of :data:`KINDS`) and, for a finer look, its source."""

    text: str
    lang: str
    kind: str
    source: str


Groups: TypeAlias = dict[tuple[str, str], dict[str, list[Labelled]]]
"""Texts by (class, kind), and by source within."""


@dataclass(frozen=True)
class Split:
    """Texts to fit on, to tune the prior on, and to report on; no text is in two of them."""

    train: list[Labelled]
    tune: list[Labelled]
    test: list[Labelled]


def read_training(data: Path) -> Iterator[Labelled]:
    """Yield the labelled texts in the folder *data*: ``train/``, ``lid/`` and the large corpus.

    Raises FileNotFoundError when one of them is missing.
    """
    paths = sorted((data / "train").glob("*.tsv"))
    if not paths:
        raise FileNotFoundError(f"no training files in {data / 'train'}")
    for path in paths:
        kind, _, source = path.stem.partition("_")
        for row in _rows(path):
            yield Labelled(row["text_a"], row["lang_a"], kind, source)
            yield Labelled(row["text_b"], row["lang_b"], kind, source)
    for row in _rows(data / "corpus" / "large.tsv"):
        # The rest of that corpus is a copy of the training pairs.
        if row["lang"] == "kbd" and row["origin"].startswith("oshhamaho"):
            yield Labelled(row["text"], "kbd", "sentences", "oshhamaho")
    for lang in ("kbd", "ady"):
        text = (data / "lid" / f"{lang}.txt").read_text(encoding="utf-8")
        for line in text.splitlines():
            yield Labelled(line, lang, "sentences", f"lid_{lang}")
    for row in _rows(data / "lid" / "other.tsv"):
        if normalize_language(row["lang"]) not in _NOT_OTHER:
            text = _STOCK_NAMES.sub("", row["text"])
            yield Labelled(text, "other", "sentences", row["lang"])


def read_dev(data: Path) -> Iterator[Labelled]:
    """Yield both columns of the development pairs, the file's name as the source."""
    for path in sorted((data / "dev").glob("*.tsv")):
        for row in _rows(path):
            yield Labelled(row["text_a"], row["lang_a"], "sentences", path.stem)
            yield Labelled(row["text_b"], row["lang_b"], "sentences", path.stem)


def split(texts: Iterable[Labelled], excluded: Collection[str] = (), seed: int = 0) -> Split:
    """Split *texts* by a hash of their loose key, dropping repeats within a class.

    *excluded* are loose keys kept out of all parts. A key is in one part whatever its class, so
    a loanword listed in two languages is never fitted on in one and reported in the other.
    """
    parts = Split([], [], [])
    seen: set[tuple[str, str]] = set()
    for item in texts:
        key = loose_key(item.text)
        if not any(char.isalpha() for char in key) or key in excluded:
            continue
        if (item.lang, key) in seen:
            continue
        seen.add((item.lang, key))
        digest = hashlib.blake2b(f"{seed} {key}".encode("utf-8", "replace"), digest_size=4)
        place = int.from_bytes(digest.digest(), "big") / 2**32
        if place < TEST_SHARE:
            parts.test.append(item)
        elif place < TEST_SHARE + TUNE_SHARE:
            parts.tune.append(item)
        else:
            parts.train.append(item)
    return parts


def loose_keys(texts: Iterable[Labelled]) -> set[str]:
    """Return the loose keys of *texts*."""
    return {loose_key(item.text) for item in texts}


def word_count(text: str) -> int:
    """Return the number of words with a letter in *text*."""
    return sum(1 for word in words(fold_palochka(text)) if any(char.isalpha() for char in word))


def truncate(item: Labelled, rng: random.Random, longest: int = 3) -> Labelled:
    """Return one to *longest* words of *item* in a row, as people type in a search box."""
    parts = item.text.split()
    length = rng.randint(1, longest)
    start = rng.randrange(max(1, len(parts) - length + 1))
    text = " ".join(parts[start : start + length])
    return replace(item, text=text) if any(char.isalpha() for char in text) else item


def respell(item: Labelled, rng: random.Random) -> Labelled:
    """Return *item* as somebody else might have typed it: palochka, case, accents."""
    text = item.text
    if item.lang in _PALOCHKA_LANGUAGES:
        chance = rng.random()
        if chance < 0.4:
            text = fold_palochka(text, rng.choice(PALOCHKA_SPELLINGS))
        elif chance < 0.6:
            text = drop_palochka(text)
    elif item.lang == "tr" and rng.random() < 0.15:
        text = text.translate(_TURKISH_ASCII)
    elif item.lang == "fr" and rng.random() < 0.15:
        text = strip_accents(text)
    if rng.random() < 0.1:
        text = to_upper(text, turkish=item.lang == "tr" and rng.random() < 0.5)
    if rng.random() < 0.1:
        text = text.replace("'", "").replace("\u2019", "")
    return replace(item, text=text)


def drop_palochka(text: str) -> str:
    """Return *text* without any palochka, as typed by who has Russian letters only."""
    return fold_palochka(text, "")


def strip_accents(text: str) -> str:
    """Return *text* without its combining marks."""
    parts = unicodedata.normalize("NFD", text)
    return "".join(char for char in parts if not unicodedata.combining(char))


def to_upper(text: str, turkish: bool = False) -> str:
    """Return *text* in capitals, by Turkish rules when *turkish*."""
    return (text.translate(_TURKISH_UPPER) if turkish else text).upper()


def group(texts: Iterable[Labelled]) -> Groups:
    """Return *texts* by (class, kind), and by source within."""
    groups: Groups = {}
    for item in texts:
        sources = groups.setdefault((item.lang, item.kind), {})
        sources.setdefault(item.source, []).append(item)
    return groups


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
