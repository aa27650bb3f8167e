"""Parts: what is like a segment that has no match as a whole.

Either a part of the segment is a whole unit of the memory, or the segment is like a part of a
longer unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from searchkbd.index import sketches
from searchkbd.index.reader import StoredSentence
from searchkbd.memory.candidates import Asked, Candidate, best_first, read_query, scored
from searchkbd.memory.match import Part
from searchkbd.memory.quality import Score, compare
from searchkbd.memory.query import Query
from searchkbd.memory.units import UnitFinder
from searchkbd.text.segment import base_form, blank_placeholders, read_segment
from searchkbd.text.spans import align

if TYPE_CHECKING:
    from searchkbd.index.texts import TextFile

MAX_WORDS = 200
"""Words of a segment among which its parts are looked for; the rest of a longer one is not."""

MAX_SPAN = 12
"""Words of the longest such part."""

MAX_ROWS = 20
"""Units that are looked at of those whose source is the same part."""

MIN_LETTERS = 4
"""Letters of a part that is a single word: shorter ones are of no help."""

MIN_LIKENESS = 85
"""Least likeness of the segment and a part of a longer unit, before penalties."""

_WORD = re.compile(r"\w+")


class PartFinder:
    """Finds the parts of segments in one index, *files* being its texts in their language.

    The quality of a part, after penalties, is *min_quality* or more.
    """

    def __init__(
        self,
        files: Sequence[TextFile],
        units: UnitFinder,
        min_quality: int,
    ) -> None:
        self._files = files
        self._units = units
        self._min_quality = min_quality

    def find(
        self, asked: Asked, k: int, sharing: Callable[[], Sequence[StoredSentence]]
    ) -> list[Candidate]:
        """Return up to *k* candidates: first parts of the segment, then parts of longer units.

        The longer units are looked for among the sources that *sharing* gives.
        """
        words = read_words(asked.segment.text)
        found = self._of_segment(asked.segment.text, words)
        if len(found) < k:
            found += self._of_longer(asked, words, sharing())
        return found[:k]

    def _of_segment(self, text: str, words: Words) -> list[Candidate]:
        """Return what the memory has of a segment, longest part first; no two overlap."""
        taken: list[tuple[int, int]] = []
        found = []
        for (first, last), rows in known_spans(self._files, words).items():
            if any(first < end and start < last for start, end in taken):
                continue
            start, end = words.span(first, last)
            units = self._units.units(rows[:MAX_ROWS])
            best = best_first(scored(read_query(Query(text[start:end])), units))
            if best and best[0].quality >= self._min_quality:
                taken.append((first, last))
                whole = (0, len(best[0].unit.source.text))
                found.append(replace(best[0], part=Part((start, end), whole)))
        return found

    def _of_longer(
        self, asked: Asked, words: Words, sources: Sequence[StoredSentence]
    ) -> list[Candidate]:
        """Return longer units a part of which is like the segment, the most alike first."""
        from rapidfuzz.fuzz import partial_ratio

        text, base = asked.segment.text, asked.segment.base
        alike: dict[int, tuple[Part, Score]] = {}
        for source in sources:
            other = base_form(source.key)
            if len(other) <= len(base) or not partial_ratio(base, other, score_cutoff=MIN_LIKENESS):
                continue
            longer = read_words(source.text)
            place = best_part(words, longer)
            if place is None:
                continue
            start, end = longer.span(*place)
            score = compare(asked.segment, read_segment(source.text[start:end]))
            if score.quality >= MIN_LIKENESS:
                alike[source.row] = Part((0, len(text)), (start, end)), score
        found = []
        for unit in self._units.units(alike):
            part, score = alike[unit.source.row]
            found.append(Candidate(unit, replace(score, penalties=unit.penalties), part))
        return best_first(c for c in found if c.quality >= self._min_quality)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text as base forms have them, and where each stands: [start, end)."""

    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]

    def base(self, first: int, last: int) -> str:
        """Return the base form of the words *first* to *last*, the latter left out."""
        return " ".join(self.words[first:last])

    def span(self, first: int, last: int) -> tuple[int, int]:
        return self.spans[first][0], self.spans[last - 1][1]


def read_words(text: str) -> Words:
    """Find the words of *text*."""
    key, spans = align(text)
    found = [
        match
        for match in _WORD.finditer(blank_placeholders(key))
        if not match[0].isdecimal()
    ]
    return Words(
        tuple(match[0] for match in found),
        tuple((spans[match.start()][0], spans[match.end() - 1][1]) for match in found),
    )


def known_spans(
    files: Sequence[TextFile], words: Words
) -> dict[tuple[int, int], list[int]]:
    """Return the rows that are what the words [first, last) of a segment are, longest span first.

    Spans of two words and more; single long words only where there is no such span. The segment
    as a whole is none of its parts.
    """
    count = min(len(words.words), MAX_WORDS)
    found = _whole(files, words, [
        (first, last)
        for first in range(count)
        for last in range(first + 2, min(first + MAX_SPAN, count) + 1)
        if last - first < len(words.words)
    ])  # fmt: skip
    if not found and len(words.words) > 1:
        found = _whole(files, words, [
            (at, at + 1) for at in range(count) if len(words.words[at]) >= MIN_LETTERS
        ])  # fmt: skip
    return dict(sorted(found.items(), key=lambda item: (item[0][0] - item[0][1], item[0])))


def _whole(
    files: Sequence[TextFile], words: Words, spans: list[tuple[int, int]]
) -> dict[tuple[int, int], list[int]]:
    bases = {span: words.base(*span) for span in spans}
    known = sketches.same_base(files, list(dict.fromkeys(bases.values())))
    return {span: known[base] for span, base in bases.items() if base in known}


def best_part(words: Words, longer: Words) -> tuple[int, int] | None:
    """Return which words [first, last) of *longer* are most like *words*, None if none are."""
    from rapidfuzz.fuzz import partial_ratio_alignment

    found = partial_ratio_alignment(
        words.base(0, len(words.words)),
        longer.base(0, len(longer.words)),
        score_cutoff=MIN_LIKENESS,
    )
    if found is None:
        return None
    inside: list[int] = []
    start = 0
    for at, word in enumerate(longer.words):
        end = start + len(word)
        # A word of which the alignment has cut off more than half is not meant.
        if 2 * (min(end, found.dest_end) - max(start, found.dest_start)) > len(word):
            inside.append(at)
        start = end + 1
    return (inside[0], inside[-1] + 1) if inside else None
