"""Putting the numbers of a segment into the translation of a source that has other numbers."""

from __future__ import annotations

import re
from collections import Counter

from searchkbd.text.segment import Segment, number_spans

_SEPARATOR = re.compile(r"[.,:]")


def with_numbers_of(segment: Segment, source: Segment, target: str) -> str | None:
    """Return *target*, a translation of *source*, with the numbers of *segment*.

    Numbers of source and segment correspond by their order, those of source and target by their
    digits, and decimal separators are written as the target does (1,5 and 1.5). None where the
    numbers are the same, or where it is not certain what goes where: another count of numbers, a
    number that the target has not as often as the source, a repeated number that becomes two
    different ones, a decimal separator of which the target shows no example.
    """
    ours, wanted = source.numbers, segment.numbers
    if ours == wanted or len(ours) != len(wanted):
        return None
    becomes: dict[tuple[str, ...], str] = {}
    for old, new in zip(ours, wanted, strict=True):
        if becomes.setdefault(_digits(old), new) != new:
            return None
    spelt = {_digits(old): old for old in ours}
    counts = Counter(map(_digits, ours))
    places = [(span, _digits(target[slice(*span)])) for span in number_spans(target)]
    there = Counter(digits for _, digits in places)
    pieces, end = [], 0
    for (start, stop), digits in places:
        if digits not in becomes or becomes[digits] == spelt[digits]:
            continue
        new = _separated_like(target[start:stop], spelt[digits], becomes[digits])
        if new is None:
            return None
        pieces += (target[end:start], new)
        end = stop
    changed = {_digits(old) for old, new in zip(ours, wanted, strict=True) if old != new}
    if any(there[digits] != counts[digits] for digits in changed):
        return None
    return "".join([*pieces, target[end:]])


def _digits(number: str) -> tuple[str, ...]:
    return tuple(_SEPARATOR.split(number))


def _separated_like(theirs: str, ours: str, new: str) -> str | None:
    """Return *new*, written as *ours* is, as *theirs* is written; None where that is not known."""
    known: dict[str, str] = {":": ":"}
    for own, their in zip(_SEPARATOR.findall(ours), _SEPARATOR.findall(theirs), strict=True):
        known[own] = their
    separators = _SEPARATOR.findall(new)
    if any(separator not in known for separator in separators):
        return None
    return _SEPARATOR.sub(lambda match: known[match[0]], new)
