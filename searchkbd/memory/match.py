"""What a translation-memory look-up returns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from searchkbd.memory.diff import Change
from searchkbd.memory.quality import Score


class MatchKind(str, Enum):
    """Why a unit matched, best kind first.

    The same segment in the same context; the same segment; few edits away; through a sentence
    in a third language; near in meaning only; a part of the one is like a part of the other.
    """

    CONTEXT = "context"
    EXACT = "exact"
    FUZZY = "fuzzy"
    PIVOT = "pivot"
    SEMANTIC = "semantic"
    PART = "part"


@dataclass(frozen=True, slots=True)
class Step:
    """A sentence on the way of a pivot match."""

    lang: str
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """Which characters of the segment are like which of the source: [start, end) of each."""

    segment: tuple[int, int]
    source: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Match:
    """One translation unit for a segment.

    *quality* says how few edits turn the unit's source into the segment, 0–101, after penalties
    (*score* explains it); *similarity* is the cosine of the two, None where nothing was encoded.
    A translator reads the first as effort and the second as a hint; one never stands for the
    other.

    *origin* is that of the target. *suggestion* is the target with the numbers of the segment in
    place of those of the source, None where that is not to be had. *path* are the sentences that
    a pivot match goes through, source and target included. *below* says that the match does not
    reach the thresholds and is given because nothing does. Quality, score and *diff* of a part
    match are those of the two parts.
    """

    rank: int
    quality: int
    similarity: float | None
    kind: MatchKind
    source: str
    target: str
    source_id: str
    target_id: str
    origin: str
    source_origin: str
    suggestion: str | None
    source_markup: str | None
    target_markup: str | None
    source_date: str
    target_date: str
    score: Score
    diff: tuple[Change, ...]
    path: tuple[Step, ...] = ()
    part: Part | None = None
    below: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the shape of a match in ``searchkbd tm lookup --json`` (docs/json.md)."""
        return {
            "rank": self.rank,
            "quality": self.quality,
            "similarity": None if self.similarity is None else round(self.similarity, 4),
            "kind": self.kind.value,
            "source": self.source,
            "target": self.target,
            "source_id": self.source_id,
            "target_id": self.target_id,
            "origin": self.origin,
            "source_origin": self.source_origin,
            "suggestion": self.suggestion,
            "source_markup": self.source_markup,
            "target_markup": self.target_markup,
            "source_date": self.source_date,
            "target_date": self.target_date,
            "penalty": self.score.penalty,
            "score": self.score.to_dict(),
            "diff": [{"op": change.op, "text": change.text} for change in self.diff],
            "path": [{"lang": s.lang, "id": s.id, "text": s.text} for s in self.path],
            "part": self.part
            and {"segment": list(self.part.segment), "source": list(self.part.source)},
            "below": self.below,
        }


@dataclass(frozen=True, slots=True)
class Lookup:
    """The matches for one segment."""

    segment: str
    source_lang: str
    target_lang: str
    matches: tuple[Match, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the shape of ``searchkbd tm lookup --json`` (docs/json.md)."""
        return {
            "segment": self.segment,
            "from": self.source_lang,
            "to": self.target_lang,
            "matches": [match.to_dict() for match in self.matches],
        }
