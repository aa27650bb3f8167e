"""A search in one direction: source texts, the texts searched, and which of them are right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from searchkbd.errors import SearchkbdError
from searchkbd.evaluation.pairs import PairSet, Side
from searchkbd.text.forms import search_key

MAX_RELEVANT = 50_000_000
"""Most (source, right target) pairs of one direction; more are no translation groups."""


@dataclass(frozen=True)
class Relevance:
    """Which targets are right for which source: pairs of places, in order of source.

    ``sources`` and ``targets`` are intp ``[r]``; ``start`` is intp ``[n + 1]``: those of source
    *i* are at ``start[i]`` to ``start[i + 1]``.
    """

    sources: NDArray[np.intp]
    targets: NDArray[np.intp]
    start: NDArray[np.intp]

    @classmethod
    def of(cls, sources: NDArray[np.intp], targets: NDArray[np.intp], count: int) -> Relevance:
        """Return the relevance of *count* sources from places in any order, repeated or not."""
        pairs = np.unique(np.stack([sources, targets], axis=1), axis=0).reshape(-1, 2)
        start = np.searchsorted(pairs[:, 0], np.arange(count + 1))
        return cls(pairs[:, 0], pairs[:, 1], start)


@dataclass(frozen=True)
class Retrieval:
    """One direction of a set: every source text is to find a target of its groups.

    Texts with one search key are one text, on either side: a target that stands twice is one
    candidate, and a source that stands twice has the targets of both. ``rows`` (intp ``[n]``)
    gives the place in ``sources`` of each row of the file, over which figures are averaged.
    """

    name: str
    langs: tuple[str, str]
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    target_keys: frozenset[str]
    rows: NDArray[np.intp]
    relevance: Relevance


def both_directions(pairs: PairSet) -> tuple[Retrieval, Retrieval]:
    """Return the two retrievals of a set."""
    a, b = pairs.sides
    return _retrieval(pairs.name, a, b), _retrieval(pairs.name, b, a)


def _retrieval(name: str, source: Side, target: Side) -> Retrieval:
    sources, rows = _unique(source.texts)
    targets, columns = _unique(target.texts)
    members: dict[str, list[int]] = {}
    for group, column in zip(target.groups, columns, strict=True):
        members.setdefault(group, []).append(column)
    count = sum(len(members[group]) for group in source.groups)
    if count > MAX_RELEVANT:
        raise SearchkbdError(
            f"{name}: groups are too large to be translations ({count:,} pairs of "
            f"{source.lang} and {target.lang})"
        )
    left = np.repeat(rows, [len(members[group]) for group in source.groups])
    right = np.fromiter((c for g in source.groups for c in members[g]), np.intp, count)
    return Retrieval(
        name, (source.lang, target.lang), tuple(sources.values()), tuple(targets.values()),
        frozenset(targets), np.array(rows, np.intp), Relevance.of(left, right, len(sources)),
    )  # fmt: skip


def _unique(texts: Sequence[str]) -> tuple[dict[str, str], list[int]]:
    """Return the different texts by key, in order, and the place among them of each text."""
    found: dict[str, str] = {}
    place: dict[str, int] = {}
    places = []
    for text in texts:
        key = search_key(text)
        places.append(place.setdefault(key, len(place)))
        found.setdefault(key, text)
    return found, places


def without(pool: Iterable[str], keys: frozenset[str], count: int) -> list[str]:
    """Return the first *count* texts of *pool* whose search key is not among *keys*."""
    left = []
    for text in pool:
        if len(left) == count:
            break
        if search_key(text) not in keys:
            left.append(text)
    return left
