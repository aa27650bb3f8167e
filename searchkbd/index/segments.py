"""Segments: sentences of one language that were written together, and which of them are gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.errors import IndexDamagedError
from searchkbd.index import schema
from searchkbd.index.codes import CodesEntry, read_entry
from searchkbd.index.files import IndexFile, damaged
from searchkbd.index.rows import RowFile, row_sums
from searchkbd.index.texts import TextFile
from searchkbd.index.vectors import VectorFile

SEGMENT_ROWS = 65_536
"""Sentences in one segment at the most: bounds the memory of a build to a few hundred MB."""


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """A row of ``segments`` and the files that belong to it, by kind."""

    row: int
    lang: str
    rows: int
    live: int
    dead: bytes | None
    files: dict[str, IndexFile]


class Segment:
    """A segment whose files are mapped when they are first needed.

    What maps them raises IndexDamagedError.
    """

    def __init__(self, directory: Path, entry: SegmentEntry, dim: int) -> None:
        self.directory = directory
        self.entry = entry
        self.lang = entry.lang
        self._dim = dim

    def __len__(self) -> int:
        return self.entry.rows

    @cached_property
    def live(self) -> NDArray[np.bool_] | None:
        """bool [n]: which sentences are still there; None: all of them."""
        if self.entry.dead is None:
            return None
        bits = np.frombuffer(self.entry.dead, dtype=np.uint8)
        if len(bits) != -(-self.entry.rows // 8):
            raise self._damaged("the list of deleted sentences has another length")
        live = np.unpackbits(bits, count=self.entry.rows, bitorder="little") == 0
        if int(live.sum()) != self.entry.live:
            raise self._damaged("the list of deleted sentences has another number of them")
        return live

    @cached_property
    def row_file(self) -> RowFile:
        """Row numbers, sums and hubness of the sentences."""
        return RowFile(self.directory, self._file("rows"), self.entry.rows)

    @cached_property
    def vector_file(self) -> VectorFile:
        """The vectors."""
        return self.read_vectors()

    @cached_property
    def text_file(self) -> TextFile:
        """What translation memory and concordance read."""
        return TextFile(self.directory, self._file("texts"), self.lang, self.entry.rows, self.live)

    def read_vectors(self) -> VectorFile:
        """Return the vectors, mapped anew: for who reads all of them, which should not stay mapped
        and count as memory afterwards."""
        return VectorFile(self.directory, self._file("vectors"), self.entry.rows, self._dim)

    def places(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Return which of *rows* are here and live, bool [m], and the places of those."""
        own = self.row_file.rows
        at = np.searchsorted(own, rows)
        at[at == len(own)] = 0
        here = own[at] == rows
        if self.live is not None:
            here &= self.live[at]
        return here, at[here]

    def halves(self, places: NDArray[np.int64]) -> NDArray[np.uint16]:
        """Return uint16 [m, dim], the half-precision vectors at *places*, checked."""
        known = self.row_file
        found = self.vector_file.halves[places]
        self.check(found, known.rows[places], known.hubness[places], known.sums[places])
        return found

    def check(
        self,
        halves: NDArray[np.uint16],
        rows: NDArray[np.int64],
        hubness: NDArray[np.float16],
        sums: NDArray[np.uint64],
    ) -> None:
        """Raise IndexDamagedError unless these are what was written together."""
        if not np.array_equal(row_sums(halves, rows, hubness), sums):
            path = self._file("vectors").path(self.directory)
            raise damaged(path, "a vector, or its row, is not what was written (checksum)")

    def _file(self, kind: str) -> IndexFile:
        if kind not in self.entry.files:
            raise self._damaged(f"no file of {kind} is named")
        return self.entry.files[kind]

    def _damaged(self, why: str) -> IndexDamagedError:
        return IndexDamagedError(
            f"{schema.database_path(self.directory)}: segment {self.entry.row}: {why}; "
            "rebuild the index with --replace"
        )


def dead_bits(live: NDArray[np.bool_]) -> bytes | None:
    """Return ``segments.dead`` for *live*, bool [n]."""
    return None if live.all() else np.packbits(~live, bitorder="little").tobytes()


def read_segments(connection: sqlite3.Connection) -> list[SegmentEntry]:
    """Return the segments in the order of their rows."""
    files: dict[int, dict[str, IndexFile]] = {}
    for file in _files(connection):
        if file.kind != "codes":
            files.setdefault(file.owner, {})[file.kind] = file
    return [
        SegmentEntry(*row, files.get(row[0], {}))
        for row in connection.execute(
            "SELECT row, lang, rows, live, dead FROM segments ORDER BY row"
        )
    ]


def read_codes(connection: sqlite3.Connection) -> list[tuple[CodesEntry, IndexFile]]:
    """Return the codes and their files; raises ValueError for a row that makes no sense."""
    files = {file.owner: file for file in _files(connection) if file.kind == "codes"}
    entries = [
        read_entry(*row)
        for row in connection.execute(
            "SELECT row, lang, kind, segments, settings FROM codes ORDER BY row"
        )
    ]
    missing = [entry.row for entry in entries if entry.row not in files]
    if missing:
        raise ValueError(f"codes {missing[0]}: no file is named")
    return [(entry, files[entry.row]) for entry in entries]


def _files(connection: sqlite3.Connection) -> Iterator[IndexFile]:
    for row in connection.execute(
        "SELECT name, kind, owner, bytes, sha256, word_sum FROM files ORDER BY name"
    ):
        yield IndexFile(*row)
