"""The regression gate: other languages must not pay for what a model learns of one.

A model that is trained on a few languages forgets the others, and what is measured of the few
does not show it. So the pairs of the held languages are searched before the first step and after,
and accuracy@1 may not fall by more than some points in any direction.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import Sentence
from searchkbd.resources import PHRASEBOOK
from searchkbd.training.finetune.data import TextPair, pair_texts
from searchkbd.training.finetune.evaluators import DevFigures, DirectionFigures

HELD = ("ru", "en", "fr", "tr")
"""Languages that must not get worse."""

LIMIT = 0.5
"""Percentage points that accuracy@1 may fall."""

_ROUNDING = 1e-9
_NAMED = 3  # directions that a message tells


@dataclass(frozen=True, slots=True)
class Fall:
    """A direction in which accuracy@1 changed: shares *before* and *after*, of *sources* texts."""

    source: str
    target: str
    before: float
    after: float
    sources: int

    @property
    def points(self) -> float:
        """Percentage points lost; negative where some were gained."""
        return 100 * (self.before - self.after)

    @property
    def sentences(self) -> int:
        """How many more texts miss their translation."""
        return round((self.before - self.after) * self.sources)

    def __str__(self) -> str:
        return (
            f"{self.source}→{self.target} {100 * self.before:.1f} → {100 * self.after:.1f} "
            f"({0 - self.points:+.1f} points, {-self.sentences:+d} of {self.sources:,} sentences)"
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says of a model: ``falls`` are the directions that fell too far, the worst
    first, and ``worst`` is what the direction that lost most did (None when none is guarded)."""

    passed: bool
    falls: tuple[Fall, ...]
    worst: Fall | None
    limit: float

    @property
    def lost(self) -> float:
        """Points that the worst direction lost; 0 when none lost any."""
        return max(0.0, self.worst.points) if self.worst else 0.0

    def __str__(self) -> str:
        if self.worst is None:
            return "nothing was guarded: no pairs of two held languages were measured"
        if math.isinf(self.limit):
            return f"not applied; the direction that lost most: {self.worst}"
        if self.passed:
            return f"passed: no direction lost more than {self.limit:g} points; worst {self.worst}"
        more = len(self.falls) - _NAMED
        return (
            f"failed: {len(self.falls)} lost more than {self.limit:g} points: "
            + "; ".join(map(str, self.falls[:_NAMED]))
            + (f"; {more} more" if more > 0 else "")
        )


class Gate:
    """Judges figures by those of the base model, *baseline*, measured before the first step.

    In no direction between two of the languages *held* may accuracy@1 fall by more than *limit*
    percentage points. An infinite limit only reports. Raises ValueError for a negative one.
    """

    def __init__(
        self, baseline: DevFigures, limit: float = LIMIT, held: Collection[str] = HELD
    ) -> None:
        if math.isnan(limit) or limit < 0:
            raise ValueError(f"the gate's limit must be 0 points or more, not {limit:g}")
        self.limit = limit
        self.guarded: tuple[DirectionFigures, ...] = tuple(
            one for one in baseline.directions if set(one.langs) <= set(held)
        )

    def verdict(self, figures: DevFigures) -> Verdict:
        """Return whether *figures* pass. Raises ValueError when they are of other pairs."""
        changes = []
        for one in self.guarded:
            now = figures.of(*one.langs)
            if now is None or (now.sources, now.candidates) != (one.sources, one.candidates):
                raise ValueError(
                    f"{'→'.join(one.langs)}: not measured on the pairs of the baseline"
                )
            changes.append(Fall(*one.langs, one.accuracy_at_1, now.accuracy_at_1, one.sources))
        changes.sort(key=lambda change: -change.points)
        falls = tuple(one for one in changes if one.points > self.limit + _ROUNDING)
        return Verdict(not falls, falls, changes[0] if changes else None, self.limit)

    def remarks(self) -> list[str]:
        """Return what this gate cannot see, in sentences for the user; empty when it sees all."""
        if not self.guarded:
            return [
                "The gate guards nothing: there are no pairs of two of the languages it holds. "
                "Give some: --dev FILE with, for instance, Russian and English in one row."
            ]
        if self.limit == 0 or math.isinf(self.limit):
            return []
        coarse = [one for one in self.guarded if 100 / one.sources > self.limit + _ROUNDING]
        if not coarse:
            return []
        least = min(coarse, key=lambda one: one.sources)
        names = _listed(["→".join(one.langs) for one in coarse])
        needed = math.ceil(100 / self.limit - _ROUNDING)
        return [
            f"The gate cannot tell a fall of {self.limit:g} points in {names}: of "
            f"{least.sources:,} sentences one is {100 / least.sources:.2g} points, so that one "
            f"that is missed fails it. Give {needed:,} pairs of a language pair: --dev FILE."
        ]


@dataclass(frozen=True, slots=True)
class HeldPairs:
    """Pairs to add to the development pairs so that the gate has something to guard.

    ``built_in``: whether they are the phrasebook's, as there were none of the user's.
    """

    pairs: tuple[TextPair, ...]
    built_in: bool


def held_pairs(dev: Iterable[TextPair], held: Collection[str] = HELD) -> HeldPairs:
    """Return what *dev* lacks for the gate: the phrasebook's pairs of the languages *held*.

    Nothing where *dev* has a pair of two of them. Where the phrasebook's Russian side is among
    what is trained on, these pairs still show what the training does to the languages, and
    somewhat flatter it.
    """
    if any({one.lang_a, one.lang_b} <= set(held) for one in dev):
        return HeldPairs((), built_in=False)
    items = (
        item for item in read_corpus(PHRASEBOOK, ReadOptions())
        if isinstance(item, Sentence) and item.lang in held
    )
    # The phrasebook has every group in every language, so nothing is rejected.
    return HeldPairs(tuple(pair_texts(items, lambda _: None).pairs), built_in=True)


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
