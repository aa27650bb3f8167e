"""Which pairs are made, and how, as the user said it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from searchkbd.corpus.sentence import CorpusError
from searchkbd.mining import checks
from searchkbd.mining.units import language_order

Langs = tuple[str, str]
"""Two languages, the first as ``language_order`` has it."""

TRAIN, DEV, TEST = SPLITS = ("train", "dev", "test")

DROPPED = (checks.COPIED, checks.LANGUAGE, checks.LENGTH)
"""Flags (searchkbd.mining.checks) for which pairs are left out when nobody says otherwise."""

FLAGS = (checks.COPIED, checks.LANGUAGE, checks.LENGTH, checks.NUMBERS)


@dataclass(frozen=True, slots=True)
class Amount:
    """So many pairs, or so many per cent of them."""

    value: float
    percent: bool = False

    def of(self, pairs: int) -> int:
        """Return the number of pairs, of *pairs* in all."""
        return round(self.value * pairs / 100) if self.percent else int(self.value)


@dataclass(frozen=True, slots=True)
class PrepareOptions:
    """Everything about the pairs that the sources do not say; see docs/pairs.md.

    * ``only``: languages of the pairs that are taken, all when empty;
    * ``machine``: take what a machine translated;
    * ``per_group``: pairs that a group makes in two languages at most;
    * ``min_words``, ``max_words``: words of either text; ``max_words`` None is no limit;
    * ``drop``: flags of :data:`FLAGS` for which a pair is left out;
    * ``near``: per cent, see :mod:`searchkbd.pairs.near`; None leaves near duplicates in;
    * ``per_target``: pairs in two languages with one and the same text, at most; None: any number;
    * ``dev``, ``test``: how many pairs are held out;
    * ``apart``: per cent, from which on two texts are copies (:mod:`searchkbd.pairs.alike`);
    * ``mix``: languages → their share of the training pairs, in any unit;
    * ``temperature``: shares in proportion to n^(1/T); needs ``most``;
    * ``cap``: training pairs of two languages, ``most``: training pairs in all, at most;
    * ``seed``: where chance begins.
    """

    only: tuple[Langs, ...] = ()
    machine: bool = True
    per_group: int = 16
    min_words: int = 1
    max_words: int | None = None
    drop: frozenset[str] = frozenset(DROPPED)
    near: float | None = None
    per_target: int | None = None
    dev: Amount = Amount(0)
    test: Amount = Amount(0)
    apart: float = 85
    mix: Mapping[Langs, float] = field(default_factory=lambda: MappingProxyType({}))
    temperature: float | None = None
    cap: int | None = None
    most: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        unknown = self.drop - set(FLAGS)
        if unknown:
            raise ValueError(f"no flag is called {min(unknown)!r}: one of {', '.join(FLAGS)}")
        if self.mix and self.temperature is not None:
            raise CorpusError("--mix and --temperature both say the shares; give one of them")
        if self.temperature is not None and self.most is None:
            raise CorpusError(
                "--temperature shares out a number of pairs, none of which is repeated; say how "
                "many: --max N"
            )


def in_order(lang_a: str, lang_b: str) -> Langs:
    """Return two languages in our order."""
    first, second = sorted((lang_a, lang_b), key=language_order)
    return first, second


def name_of(langs: Langs) -> str:
    """Return ``kbd-ru``."""
    return "-".join(langs)
