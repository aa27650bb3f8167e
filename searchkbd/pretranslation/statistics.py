"""The analysis of a file, as tools for translators print it, and what was done with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from searchkbd.memory.match import Match
from searchkbd.pretranslation.filling import Filling

BANDS = ((101, "101"), (100, "100"), (95, "95-99"), (85, "85-94"), (75, "75-84"), (50, "50-74"))
"""Least quality of a row, and its name; but for 100, the rows of matches by edits."""

FLOOR = BANDS[-1][0]
"""Quality below which a match counts as none."""

REPETITIONS, SEMANTIC, NONE = "repetitions", "semantic", "none"
ROWS = ("101", "100", REPETITIONS, "95-99", "85-94", "75-84", "50-74", SEMANTIC, NONE)


@dataclass(slots=True)
class Count:
    segments: int = 0
    words: int = 0

    def add(self, words: int) -> None:
        self.segments += 1
        self.words += words


@dataclass(slots=True)
class Summary:
    """What a file holds and what was put into it.

    *rows* counts every segment to translate once, by its best match; *kept* the segments that
    have a translation already. *translated*, *review* and *semantic* count what was put in (in a
    dry run: would be): as a translation, to be reviewed, and of the latter by meaning alone;
    *tags_lost* those whose tags could not be placed; *others* the texts that are not in the
    source language, or not to be translated.
    """

    rows: dict[str, Count] = field(default_factory=lambda: {row: Count() for row in ROWS})
    source: str | None = None
    kept: int = 0
    others: int = 0
    translated: int = 0
    review: int = 0
    semantic: int = 0
    tags_lost: int = 0
    rejected: int = 0

    @property
    def total(self) -> Count:
        counts = self.rows.values()
        return Count(sum(c.segments for c in counts), sum(c.words for c in counts))

    def count(
        self, text: str, best: Match | None, filled: Filling | None, *, repeated: bool
    ) -> None:
        """Count a segment: its best match by edits, what is put in, and whether it is one that
        the file had before."""
        self.rows[_row(best, filled, repeated)].add(word_count(text))
        if filled is None:
            return
        if filled.review:
            self.review += 1
        else:
            self.translated += 1
        self.semantic += filled.by_meaning
        self.tags_lost += filled.tags_lost

    def percent(self, row: str) -> float:
        """Return the share of *row* in all words, 0 to 100."""
        words = self.total.words
        return 100 * self.rows[row].words / words if words else 0.0

    def to_dict(self) -> dict[str, Any]:
        total = self.total
        return {
            "segments": total.segments,
            "words": total.words,
            "rows": [
                {
                    "match": row,
                    "segments": count.segments,
                    "words": count.words,
                    "percent": round(self.percent(row), 1),
                }
                for row, count in self.rows.items()
            ],
            "translated": self.translated,
            "review": self.review,
            "semantic": self.semantic,
            "tags_lost": self.tags_lost,
            "kept": self.kept,
            "others": self.others,
            "rejected": self.rejected,
        }


def word_count(text: str) -> int:
    """Return how many of the pieces between spaces have a letter or digit."""
    return sum(any(char.isalnum() for char in word) for word in text.split())


def _row(best: Match | None, filled: Filling | None, repeated: bool) -> str:
    quality = best.quality if best else 0
    if repeated and quality <= 100:
        return REPETITIONS
    for least, row in BANDS:
        if quality >= least:
            return row
    return SEMANTIC if filled else NONE
