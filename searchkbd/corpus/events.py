"""What a reader tells besides the sentences and rejects that it yields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """Work that gives no sentence yet: what is done, as ``Reading links``, and how far it is.

    ``unit`` is what is counted, in the plural; ``total`` is how many there are, None if unknown.
    """

    label: str
    unit: str
    done: int
    total: int | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Rows that were not wanted, and so are no rejects: their similarity is less than ``below``."""

    file: str
    rows: int
    below: float


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that the user should know of a file."""

    text: str


OnEvent = Callable[["Stage | LeftOut | Remark"], None]


def unheard(event: Stage | LeftOut | Remark) -> None:
    """Take an event and do nothing."""
