"""Segments and language codes, as clients write them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from searchkbd.api import Index, has_words
from searchkbd.memory.match import Match
from searchkbd.memory.query import LookupOptions
from searchkbd.text.forms import stored_form
from searchkbd.text.languages import LANGUAGES, UnknownLanguageError, normalize_language

# What Weblate puts in place of placeholders before it asks, and takes away from the answer.
_MASKED = re.compile(r"\[(X\d{1,4}X)\]")
# Encoding and modifier of a POSIX locale: ru_RU.UTF-8, kbd_RU@latin.
_POSIX = re.compile(r"[.@]")


@dataclass(frozen=True, slots=True)
class Pair:
    """The languages of a look-up, in codes that the index knows."""

    source: str
    target: str


def language_of(tag: str) -> str | None:
    """Return the code of the language that a client means, None where it is no language.

    Besides what ``normalize_language`` takes, names of POSIX locales are understood.
    """
    try:
        return normalize_language(_POSIX.split(tag, 1)[0])
    except UnknownLanguageError:
        return None


def pair_of(source: str, target: str) -> Pair | None:
    """Return the pair that two tags name; None where one is no language, or both are the same."""
    first, second = language_of(source), language_of(target)
    if first is None or second is None or first == second:
        return None
    return Pair(first, second)


def known_languages(index: Index) -> list[str]:
    """Return the codes of the languages that can be looked up, ours first."""
    known = [code for code in index.languages if language_of(code)]
    return sorted(known, key=lambda code: (code not in LANGUAGES, code))


def by_edits(
    index: Index, texts: list[str], pair: Pair, *, k: int, min_quality: int
) -> list[tuple[Match, ...]]:
    """Return up to *k* matches of each of *texts* by edits alone, of a quality of *min_quality*.

    Pivots are among them; near meaning is not looked for. A text without letters, and a language
    that the index lacks, has none. Raises ValueError for a text that is too long.
    """
    segments = [_segment(text) for text in texts]
    asked = [segment for segment in segments if has_words(segment)]
    if not asked or not {pair.source, pair.target} <= set(known_languages(index)):
        return [()] * len(texts)
    options = LookupOptions(
        k=k, min_quality=min_quality, semantic=False, parts=False, step_down=False
    )
    found = iter(index.look_up(asked, pair.source, pair.target, options=options))
    return [next(found).matches if has_words(segment) else () for segment in segments]


def target_of(match: Match) -> str:
    """Return what to put in for the segment: the target, with the segment's numbers in it where
    only those differ."""
    return match.suggestion or match.target


def _segment(text: str) -> str:
    # Braces make a placeholder of it, which is compared as one: it costs what another placeholder
    # does, and no word.
    return stored_form(_MASKED.sub(r"{{\1}}", text.replace("\r", " ")))
