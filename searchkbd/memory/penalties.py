"""What a match loses for where it comes from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from searchkbd.corpus.machine import is_machine
from searchkbd.index.reader import StoredSentence
from searchkbd.memory.quality import Term

MT = 10
"""Machine translation: an origin ``mt``, or one that begins with ``mt:``, ``mt-`` or ``mt/``."""

FUZZY = 15
"""A translation that its file marks as unfinished: an origin that ends with ``:fuzzy``."""

PIVOT = 5
"""Through a third language; the name ``pivot`` stands for it among the user's penalties."""

INDIRECT = 2
"""Sentences of one Tatoeba group that are not linked to each other."""

_BY_NAME = re.compile(r"(?:^|[/:])penalty-(\d{1,3})(?=$|[/:])")

Penalties = Sequence[tuple[str, int]]
"""(pattern of origins, points); the last pattern that fits holds."""


def penalty_of(sentence: StoredSentence, penalties: Penalties) -> Term | None:
    """Return what a sentence costs the unit that it is part of, None for nothing.

    What the user says of its origin holds before what was said when its file was added, and that
    before what the name of the origin says.
    """
    origin = sentence.origin
    points = _chosen(origin, penalties)
    if points is None:
        points = sentence.penalty
    if points is None:
        return _by_name(origin)
    return Term(_label(origin), points) if points else None


def unit_penalty(sentences: Sequence[StoredSentence], penalties: Penalties) -> Term | None:
    """Return the largest penalty among the sentences of one unit, the first of equal ones."""
    found = [term for s in sentences if (term := penalty_of(s, penalties))]
    return max(found, key=lambda term: term.points, default=None)


def pivot_penalty(penalties: Penalties) -> Term | None:
    """Return what the way through a third language costs."""
    points = _chosen("pivot", penalties)
    points = PIVOT if points is None else points
    return Term("pivot", points) if points else None


def _chosen(origin: str, penalties: Penalties) -> int | None:
    for pattern, points in reversed(penalties):
        if fnmatchcase(origin, pattern):
            return points
    return None


def _by_name(origin: str) -> Term | None:
    """Return the largest penalty that the name of an origin calls for."""
    found = [Term(match[0].strip("/:"), min(int(match[1]), 100))
             for match in _BY_NAME.finditer(origin)]
    if is_machine(origin):
        found.append(Term("mt", MT))
    if origin.endswith(":fuzzy"):
        found.append(Term("fuzzy", FUZZY))
    best = max(found, key=lambda term: term.points, default=None)
    return best if best and best.points else None


def _label(origin: str) -> str:
    """Return what a chosen penalty is shown as: the reason, where the name tells, or the origin."""
    term = _by_name(origin)
    return term.reason if term else origin
