"""Quality: how few edits turn a memory's source into the segment, and every term of it.

Edits are counted over the words alone (base forms, searchkbd.text.segment); what else differs
costs a small deduction, and what is known of where a unit comes from a penalty. The numbers are
those of docs/memory.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from searchkbd.text.segment import Segment

PUNCTUATION = 1
NUMBERS = 2
PLACEHOLDERS = 3
TAGS = 2
PLACEMENT = 1
"""The same words, numbers, punctuation ... but in other places or with other spacing."""

CONTEXT_BONUS = 1


@dataclass(frozen=True, slots=True)
class Term:
    """Points taken off, and what for."""

    reason: str
    points: int


@dataclass(frozen=True, slots=True)
class Score:
    """Every term of a quality.

    *edits* is the Levenshtein distance of the two base forms, *length* that of the longer;
    *context* says what of the context is the same, ``key`` or ``neighbours``, None if nothing.
    """

    edits: int
    length: int
    deductions: tuple[Term, ...] = ()
    penalties: tuple[Term, ...] = ()
    context: str | None = None

    @property
    def edit_quality(self) -> int:
        """100 × (1 − edits / length), rounded down."""
        return 100 * (self.length - self.edits) // self.length if self.length else 100

    @property
    def penalty(self) -> int:
        return sum(term.points for term in self.penalties)

    @property
    def same(self) -> bool:
        """Whether the segment is the source: no edit, nothing deducted."""
        return not self.edits and not self.deductions

    @property
    def quality(self) -> int:
        """0–101: what is left of the edit quality, and 1 more for the same context."""
        deducted = sum(term.points for term in self.deductions)
        bonus = CONTEXT_BONUS if self.context else 0
        return max(0, self.edit_quality - deducted - self.penalty + bonus)

    def to_dict(self) -> dict[str, Any]:
        return {
            "edits": self.edits,
            "length": self.length,
            "edit_quality": self.edit_quality,
            "deductions": [{"reason": t.reason, "points": t.points} for t in self.deductions],
            "penalties": [{"reason": t.reason, "points": t.points} for t in self.penalties],
            "context": self.context,
            "quality": self.quality,
        }


def compare(
    segment: Segment,
    source: Segment,
    *,
    segment_tags: tuple[str, ...] = (),
    source_tags: tuple[str, ...] = (),
) -> Score:
    """Return the score of *source* for *segment*, without context and penalties."""
    from rapidfuzz.distance import Levenshtein

    edits = Levenshtein.distance(segment.base, source.base)
    deductions = [
        Term(reason, points)
        for reason, points, differs in (
            ("punctuation", PUNCTUATION, segment.punctuation != source.punctuation),
            ("numbers", NUMBERS, segment.numbers != source.numbers),
            ("placeholders", PLACEHOLDERS, segment.placeholders != source.placeholders),
            ("tags", TAGS, segment_tags != source_tags),
        )
        if differs
    ]
    if not edits and not deductions and segment.key != source.key:
        deductions.append(Term("placement", PLACEMENT))
    return Score(edits, max(len(segment.base), len(source.base)), tuple(deductions))
