"""What a translation-memory look-up returns."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any


class MatchKind(str, Enum):
    """Why a unit matched: same key, few edits away, or near in meaning only."""

    EXACT = "exact"
    FUZZY = "fuzzy"
    SEMANTIC = "semantic"


@dataclass(frozen=True, slots=True)
class Match:
    """One translation unit for a segment.

    *quality* says how few edits turn the unit's source into the segment, 0–100; *similarity* is
    the cosine of the two. A translator reads the first as effort and the second as a hint; one
    never stands for the other.
    """

    rank: int
    quality: int
    similarity: float
    kind: MatchKind
    source: str
    target: str
    source_id: str
    target_id: str
    origin: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """The matches for one segment."""

    segment: str
    source_lang: str
    target_lang: str
    matches: tuple[Match, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the shape of ``searchkbd tm lookup --json`` (docs/json.md)."""
        matches = []
        for match in self.matches:
            shape = asdict(match)
            shape["kind"] = match.kind.value
            shape["similarity"] = round(match.similarity, 4)
            matches.append(shape)
        return {
            "segment": self.segment,
            "from": self.source_lang,
            "to": self.target_lang,
            "matches": matches,
        }
