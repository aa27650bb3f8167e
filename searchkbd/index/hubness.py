"""Hubness: how near a sentence is to everything, kept so that searches can make up for it.

In a space of many dimensions some sentences, short and general ones above all, are among the
nearest neighbours of very many others and push the right ones down. The mean cosine of a sentence
to its ten nearest among rows drawn from the whole index says how much (the target half of CSLS:
Conneau et al. 2018, "Word Translation Without Parallel Data", section 2.3). Those drawn rows, the
anchors, are stored, so that sentences added later are measured by the same ones.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from searchkbd.errors import IndexDamagedError
from searchkbd.index import schema
from searchkbd.index.rows import row_sums
from searchkbd.index.segments import Segment
from searchkbd.index.vectors import widen

if TYPE_CHECKING:
    from searchkbd.index.transaction import WriteTransaction

NEIGHBOURS = 10
MAX_ANCHORS = 4096
MIN_ROWS = 256
"""Rows below which nothing is measured: the ten nearest of a few rows are no crowd."""

GROWTH = 4
"""Times the rows that the anchors were drawn from, after which they are drawn again and all rows
measured anew: by then the index may be about other things, in other languages."""

SAME = 0.999
"""Cosine from which an anchor is the sentence itself, or its repetition, and does not count."""

_CHUNK = 1024  # with 4,096 anchors, 16 MB of cosines


@dataclass(frozen=True)
class Anchors:
    """``vectors`` float32 [n, dim], unit rows, drawn from an index of ``drawn_from`` sentences."""

    vectors: NDArray[np.float32]
    drawn_from: int


def hubness(vectors: NDArray[np.float32], anchors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return float32 [n]: the mean cosine of each row of *vectors* to its ten nearest *anchors*.

    Both are float32 [., dim] with unit rows. Anchors of a cosine of 0.999 and more are left out;
    a row with nothing else near has 0.
    """
    out = np.empty(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors), _CHUNK):
        scores = vectors[start : start + _CHUNK] @ anchors.T
        scores[scores >= SAME] = -np.inf
        if scores.shape[1] > NEIGHBOURS:
            scores = np.partition(scores, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS:]
        counted = np.isfinite(scores)
        sums = np.where(counted, scores, 0).sum(axis=1)
        out[start : start + _CHUNK] = sums / np.maximum(counted.sum(axis=1), 1)
    return out


def write_row_files(
    transaction: WriteTransaction, added: Mapping[int, NDArray[np.int64]]
) -> None:
    """Write the row files of new segments; of all segments when anchors are drawn.

    *added* holds the rows of each new segment, by the segment.
    """
    connection, directory = transaction.connection, transaction.directory
    segments = [Segment(directory, entry, transaction.dim) for entry in transaction.segments()]
    total = sum(segment.entry.live for segment in segments)
    anchors = read_anchors(connection, directory)
    measured = [segment for segment in segments if segment.entry.row in added]
    if total >= MIN_ROWS and (anchors is None or total >= GROWTH * anchors.drawn_from):
        anchors = Anchors(_draw(connection, segments, added), total)
        stored = anchors.vectors.astype("<f2").tobytes()
        connection.execute("DELETE FROM anchors")
        connection.execute(
            "INSERT INTO anchors (row, drawn_from, vectors, sha256) VALUES (1, ?, ?, ?)",
            (total, stored, hashlib.sha256(stored).hexdigest()),
        )
        measured = segments
        for lang in {segment.lang for segment in segments}:
            transaction.drop_codes(lang)  # they know what hubness was; compaction makes new ones
    for segment in measured:
        number = segment.entry.row
        known = added.get(number)
        vectors = segment.read_vectors()
        if known is None:  # what is damaged must not get new sums
            segment.row_file.check()
            vectors.check()
        rows = segment.row_file.rows if known is None else known
        halves = vectors.halves
        values: list[NDArray[np.float32]] = []
        for start in range(0, len(rows), 8 * _CHUNK):
            part = halves[start : start + 8 * _CHUNK]
            values.append(
                hubness(widen(part), anchors.vectors)
                if anchors is not None
                else np.zeros(len(part), dtype=np.float32)
            )
        measures = np.concatenate(values).astype(np.float16)
        transaction.write_row_file(
            segment.lang, number, rows, row_sums(halves, rows, measures), measures
        )


def read_anchors(connection: sqlite3.Connection, directory: Path) -> Anchors | None:
    """Return the stored anchors, None when the index has none.

    Raises IndexDamagedError when they are not what was written.
    """
    found = connection.execute("SELECT drawn_from, vectors, sha256 FROM anchors").fetchone()
    if found is None:
        return None
    drawn_from, stored, digest = found
    dim = int(connection.execute("SELECT value FROM meta WHERE key = 'dim'").fetchone()[0])
    if not stored or len(stored) % (2 * dim) or hashlib.sha256(stored).hexdigest() != digest:
        raise IndexDamagedError(
            f"{schema.database_path(directory)}: the anchors are not what was written (checksum); "
            "rebuild the index with --replace"
        )
    vectors = np.frombuffer(stored, dtype="<f2").reshape(-1, dim).astype(np.float32)
    return Anchors(vectors, drawn_from)


def _draw(
    connection: sqlite3.Connection,
    segments: Sequence[Segment],
    added: Mapping[int, NDArray[np.int64]],
) -> NDArray[np.float32]:
    """Return the vectors of different texts, the same ones for the same sentences."""
    # In the order of a hash of the text, which is as good as chance.
    wanted = np.array([row for (row,) in connection.execute(
        "SELECT min(row) FROM sentences GROUP BY key_hash ORDER BY key_hash LIMIT ?",
        (MAX_ANCHORS,),
    )], dtype=np.int64)  # fmt: skip
    parts = []
    for segment in segments:
        rows = added.get(segment.entry.row)
        rows = segment.row_file.rows if rows is None else rows
        places = np.flatnonzero(np.isin(rows, wanted))
        if segment.live is not None:
            places = places[segment.live[places]]
        parts.append(widen(segment.read_vectors().halves[places]))
    # As they are stored: later additions must be measured by the very same numbers.
    return np.concatenate(parts)
