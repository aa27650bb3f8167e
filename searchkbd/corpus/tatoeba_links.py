"""The links of a Tatoeba export: which sentences translate which, directly and by way of others.

All links of Tatoeba, 25 million rows, take one 64-bit number each while they are sorted; of the
sentences, only the numbers are held.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from searchkbd.corpus.decompress import DamagedError, byte_chunks, shown
from searchkbd.corpus.events import Stage
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import MAX_RAW, CorpusError, Reject

if TYPE_CHECKING:
    from searchkbd.corpus.rows import RowReader

MAX_ID = 2**31 - 1
"""The largest number of a sentence that is understood."""

MAX_LINKS = 50
"""Direct translations that are noted of a sentence."""

_PIECE = 1 << 20
_WELL_FORMED = re.compile(rb"(?:[0-9]{1,9}\t[0-9]{1,9}\n)*")
_LINK = re.compile(rb"([0-9]{1,10})\t([0-9]{1,10})")


class Links:
    """The sentences *ids* (sorted, int32, each once) and what is known of their translations."""

    def __init__(self, ids: np.ndarray) -> None:
        self._ids = ids
        self._parents = np.arange(len(ids), dtype=np.int32)
        self._edges: list[np.ndarray] = []
        self._froms = self._tos = np.empty(0, np.int32)

    def add(self, pairs: np.ndarray) -> None:
        """Join the sentences of each row of *pairs*, int64 [n, 2]; those of others are nothing."""
        if not len(self._ids):
            return
        pairs = np.where(pairs > MAX_ID, 0, pairs).astype(np.int32)  # as what it is looked up in
        at = np.searchsorted(self._ids, pairs).clip(max=len(self._ids) - 1)
        known = (self._ids[at] == pairs).all(axis=1)
        at = at[known & (pairs[:, 0] != pairs[:, 1])]
        if len(at):
            self._edges.append(at.min(axis=1) << 32 | at.max(axis=1))
            self._join(at[:, 0], at[:, 1])

    def close(self) -> None:
        """Make what was added ready to be asked for."""
        edges = np.concatenate(self._edges) if self._edges else np.empty(0, np.int64)
        self._edges = []
        edges.sort()
        edges = edges[np.diff(edges, prepend=-1) != 0]  # most links are told from both sides
        edges = np.concatenate([edges, edges << 32 | edges >> 32])
        edges.sort()
        self._froms = (edges >> 32).astype(np.int32)
        self._tos = (edges & 0xFFFFFFFF).astype(np.int32)

    def roots(self, ids: np.ndarray) -> np.ndarray:
        """Return, of each of *ids* (int32), the smallest number that it is joined to."""
        return self._ids[self._find(np.searchsorted(self._ids, ids))]

    def direct(self, ids: np.ndarray) -> list[list[int]]:
        """Return the sentences that each of *ids* is linked to, at most :data:`MAX_LINKS`."""
        at = np.searchsorted(self._ids, ids).astype(np.int32)
        starts = np.searchsorted(self._froms, at)
        ends = np.minimum(np.searchsorted(self._froms, at, "right"), starts + MAX_LINKS)
        return [
            self._ids[self._tos[start:end]].tolist()
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]

    def _find(self, at: np.ndarray) -> np.ndarray:
        """Return the roots of the nodes *at*."""
        roots = self._parents[at]
        while not np.array_equal(above := self._parents[roots], roots):
            roots = above
        self._parents[at] = roots
        return roots

    def _join(self, one: np.ndarray, other: np.ndarray) -> None:
        """Union of many pairs at once: each root is hung under the smallest it is joined to."""
        while len(one):
            one, other = self._find(one), self._find(other)
            apart = one != other
            one, other = one[apart], other[apart]
            np.minimum.at(self._parents, np.maximum(one, other), np.minimum(one, other))


def read_links(path: str, links: Links, options: ReadOptions, rows: RowReader) -> Iterator[Reject]:
    """Add the rows of the file *path*, two numbers each, to *links*; yield those that are none.

    Raises CorpusError when the first row is none.
    """
    number = 1
    carry = b""
    try:
        for chunk in byte_chunks(path):
            for start in range(0, len(chunk), _PIECE):
                piece = carry + chunk[start : start + _PIECE]
                end = piece.rfind(b"\n") + 1
                piece, carry = piece[:end], piece[end:]
                carry = carry[: 2 * _PIECE]  # a line that long is none, whatever its end
                yield from _piece(piece, number, path, links, rows)
                number += piece.count(b"\n")
                options.on_event(Stage("Reading links", "links", number - 1))
    except DamagedError as error:
        yield rows.reject(number, f"unreadable from here on: {error}", "")
    else:
        yield from _piece(carry + b"\n" if carry else b"", number, path, links, rows)


def _piece(piece: bytes, number: int, path: str, links: Links, rows: RowReader) -> Iterator[Reject]:
    if _WELL_FORMED.fullmatch(piece):
        if piece:
            links.add(np.fromstring(piece, np.int64, sep=" ").reshape(-1, 2))
        return
    pairs = []
    for line in piece.removesuffix(b"\n").split(b"\n"):
        line = line.removesuffix(b"\r")
        found = _LINK.fullmatch(line)
        if found:
            pairs.append((int(found[1]), int(found[2])))
        elif line:
            if number == 1:
                raise CorpusError(
                    f"{shown(path)} is no list of links: two numbers are expected in a line, "
                    "with a tab between them"
                )
            raw = line[:MAX_RAW].decode("utf-8", "backslashreplace")
            yield rows.reject(number, "wrong link: two numbers are expected", raw)
        number += 1
    if pairs:
        links.add(np.array(pairs, np.int64))
