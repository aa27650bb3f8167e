"""What an evaluation says: figures with their intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over sources and its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """Return the numbers rounded to six places."""
        return {"value": round(self.value, 6), "low": round(self.low, 6),
                "high": round(self.high, 6)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One row of a report: a file, searched in one direction, under one scoring.

    ``sources`` counts the sentences searched for, ``candidates`` the different texts searched
    through, ``distractors`` those of them that are nobody's translation. ``gain_at_1`` is, for
    margin scoring, the difference of accuracy@1 from cosine scoring of the same sources.
    """

    name: str
    source: str
    target: str
    scoring: str
    sources: int
    candidates: int
    distractors: int
    accuracy_at_1: Estimate
    accuracy_at_5: Estimate
    accuracy_at_10: Estimate
    mrr_at_10: Estimate
    gain_at_1: Estimate | None = None

    @property
    def langs(self) -> tuple[str, str]:
        """The direction: source and target language."""
        return self.source, self.target

    def to_dict(self) -> dict[str, Any]:
        """Return the row as docs/json.md describes it."""
        return {
            "file": self.name,
            "from": self.source,
            "to": self.target,
            "scoring": self.scoring,
            "sources": self.sources,
            "candidates": self.candidates,
            "distractors": self.distractors,
            "accuracy_at_1": self.accuracy_at_1.to_dict(),
            "accuracy_at_5": self.accuracy_at_5.to_dict(),
            "accuracy_at_10": self.accuracy_at_10.to_dict(),
            "mrr_at_10": self.mrr_at_10.to_dict(),
            "gain_at_1": self.gain_at_1.to_dict() if self.gain_at_1 else None,
        }
