"""Files as Tatoeba's exports: ``sentences.csv`` and ``links.csv``, with tabs, without a header."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import permutations

from searchkbd.corpus.sentence import UNDETERMINED
from searchkbd.corpus.tatoeba import ORIGIN
from searchkbd.corpus.tatoeba_links import MAX_ID
from searchkbd.export.options import ExportError, ExportSummary
from searchkbd.export.tables import one_line
from searchkbd.export.units import Unit
from searchkbd.index.reader import IndexReader, StoredSentence

FILES = ("sentences.csv", "links.csv")

MAX_LINKED = 100
"""Sentences of a unit up to which each is linked to each; of a larger one, all to the first."""

_PREFIX = f"{ORIGIN}:"
_NUMBERED = re.compile(rf"{_PREFIX}([1-9][0-9]{{0,9}})")


def largest_number(reader: IndexReader) -> int:
    """Return the largest number that a sentence of the index has in Tatoeba, 0 without one."""
    (found,) = reader.connection.execute(
        "SELECT max(CAST(substr(id, ?) AS INTEGER)) FROM sentences WHERE id GLOB ?",
        (len(_PREFIX) + 1, f"{_PREFIX}[1-9]*"),
    ).fetchone()
    return found or 0


def tatoeba(
    units: Iterable[Unit], summary: ExportSummary, largest: int
) -> Iterator[tuple[str, str]]:
    """Yield, for each unit, its lines of the one file and of the other.

    A sentence from Tatoeba keeps its number; to the row numbers of others *largest* is added. Two
    sentences from there are linked if they are there, all others of a unit each to each.
    """
    for unit in units:
        numbers = [_number(sentence, largest) for sentence in unit.sentences]
        lines = []
        for number, sentence in zip(numbers, unit.sentences, strict=True):
            text = one_line(sentence.text)
            summary.altered += text != sentence.text
            lines.append(f"{number}\t{_code(sentence.lang)}\t{text}\n")
        links = "".join(f"{a}\t{b}\n" for a, b in _links(unit.sentences, numbers))
        yield "".join(lines), links


def _number(sentence: StoredSentence, largest: int) -> int:
    match = _NUMBERED.fullmatch(sentence.id)
    number = int(match[1]) if match else largest + sentence.row
    if number > MAX_ID:
        raise ExportError(
            f"the number of {sentence.id!r} would be {number}, more than Tatoeba's files can hold; "
            "write another format"
        )
    return number


@lru_cache(maxsize=10_000)
def _code(lang: str) -> str:
    """Return the ISO 639-3 code of a language, ``\\N`` where it is not known."""
    from langcodes import Language

    if lang == UNDETERMINED:
        return r"\N"
    try:
        return Language.get(lang).to_alpha3()
    except LookupError:  # it has none, and stands for itself
        return lang


def _links(sentences: tuple[StoredSentence, ...], numbers: list[int]) -> list[tuple[int, int]]:
    """Return the links of a unit, both ways, in order."""
    known = [_direct(sentence) for sentence in sentences]
    if not any(known) and len(numbers) <= MAX_LINKED:
        return sorted(permutations(numbers, 2))
    members = set(numbers)
    linked: dict[int, set[int]] = {number: set() for number in numbers}
    for number, others in zip(numbers, known, strict=True):
        for other in members & others:
            linked[number].add(other)
            linked[other].add(number)
    first = numbers[0]
    reached = _reach(first, linked, set())
    for number in numbers:  # what lay between may have been left out
        if number not in reached:
            _reach(number, linked, reached)
            linked[first].add(number)
            linked[number].add(first)
    return [(number, other) for number in sorted(linked) for other in sorted(linked[number])]


def _direct(sentence: StoredSentence) -> set[int]:
    """Return the numbers of the translations that Tatoeba has of a sentence."""
    said = sentence.meta.get("tatoeba")
    return set(said.get("links", ())) if isinstance(said, dict) else set()


def _reach(start: int, linked: dict[int, set[int]], reached: set[int]) -> set[int]:
    """Add all that links lead to from *start* to *reached*, and return it."""
    open_ = [start]
    while open_:
        number = open_.pop()
        if number not in reached:
            reached.add(number)
            open_ += linked[number]
    return reached
