"""What stands before and after a sentence in its document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from searchkbd.corpus.rows import UNIDENTIFIED
from searchkbd.corpus.sentence import Reject, Sentence

EDGE = ""
"""The text before the first and after the last unit of a document."""


def with_neighbours(units: Iterable[list[Sentence | Reject]]) -> Iterator[Sentence | Reject]:
    """Yield the items of *units*, a document, in order, with ``previous`` and ``next`` filled in.

    A neighbour is the text in the same language of the unit before or after; None where that
    unit has none, :data:`EDGE` where there is no unit. What a sentence says of its neighbours
    itself is kept, one whose language is not known yet gets none, and an empty unit does not count.
    Three units are held at a time.
    """
    before: list[Sentence | Reject] | None = None
    unit: list[Sentence | Reject] | None = None
    for after in units:
        if not after:
            continue
        if unit is not None:
            yield from _filled(before, unit, after)
        before, unit = unit, after
    if unit is not None:
        yield from _filled(before, unit, None)


def _filled(
    before: list[Sentence | Reject] | None,
    unit: list[Sentence | Reject],
    after: list[Sentence | Reject] | None,
) -> Iterator[Sentence | Reject]:
    for item in unit:
        if isinstance(item, Sentence) and item.lang != UNIDENTIFIED:
            previous, next_ = item.previous, item.next
            if previous is None:
                previous = _text(before and before[::-1], item.lang)
            if next_ is None:
                next_ = _text(after, item.lang)
            item = replace(item, previous=previous, next=next_)
        yield item


def _text(unit: list[Sentence | Reject] | None, lang: str) -> str | None:
    """Return the text of the first sentence of *unit* in *lang*, None if it has none."""
    if unit is None:
        return EDGE
    return next(
        (item.text for item in unit if isinstance(item, Sentence) and item.lang == lang), None
    )
