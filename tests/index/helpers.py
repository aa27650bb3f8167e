"""Segments and codes made of given vectors, and small changes to the database of an index."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.index import schema
from searchkbd.index.checksums import (
    CATALOG_KEY,
    SENTENCE_COLUMNS,
    catalog_checksum,
    row_checksum,
)
from searchkbd.index.codes import TARGETS, Codes, CodesEntry, Effort, Recall, make_codes
from searchkbd.index.files import write_file
from searchkbd.index.partition import Partition
from searchkbd.index.reader import IndexReader
from searchkbd.index.rows import row_sums, write_rows
from searchkbd.index.segments import Segment, SegmentEntry, dead_bits
from searchkbd.index.texts import write_texts
from searchkbd.index.vectors import write_vectors


def unit(vectors: NDArray) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def clustered(
    rng: np.random.Generator, count: int, dim: int, size: int = 20, spread: float = 0.6
) -> NDArray[np.float32]:
    """Return unit vectors, [count, dim], in clusters of some *size*: real neighbours, as sentences
    have and noise has not."""
    centres = rng.normal(size=(-(-count // size), dim))
    near = centres[rng.integers(0, len(centres), count)]
    return unit(near + spread * rng.normal(size=(count, dim)))


def empty_directory(directory: Path) -> Path:
    """Make the folders of an index, which ``write_file`` wants."""
    for folder in schema.folders(directory):
        folder.mkdir(parents=True, exist_ok=True)
    return directory


def segment(
    directory: Path,
    number: int,
    vectors: NDArray[np.floating],
    rows: Sequence[int] | NDArray[np.int64],
    *,
    dead: Collection[int] = (),
    hubness: NDArray[np.floating] | None = None,
    lang: str = "ru",
) -> Segment:
    """Write the files of a segment; *dead* are places in it."""
    rows = np.asarray(rows, dtype=np.int64)
    halves = vectors.astype(np.float16)
    hubness = np.zeros(len(rows)) if hubness is None else hubness
    hubness = np.asarray(hubness, dtype=np.float16)
    sums = row_sums(halves.view(np.uint16), rows, hubness)
    live = np.ones(len(rows), dtype=bool)
    live[list(dead)] = False
    files = [
        write_vectors(directory, lang, number, halves),
        write_rows(directory, lang, number, rows, sums, hubness),
        write_texts(directory, lang, number, rows, [f"слово {row}" for row in rows]),
    ]
    entry = SegmentEntry(
        number, lang, len(rows), int(live.sum()), dead_bits(live), {f.kind: f for f in files}
    )
    return Segment(directory, entry, vectors.shape[1])


def codes_of(
    directory: Path,
    segments: Sequence[Segment],
    dim: int,
    effort: Effort | Mapping[Recall, Effort] = Effort(50, 4, 1.0),  # noqa: B008 (immutable)
) -> Codes:
    """Make and open the codes of *segments*, searched with *effort* at every level."""
    lang = segments[0].lang
    kind, data = make_codes(segments, dim)
    efforts = dict.fromkeys(TARGETS, effort) if isinstance(effort, Effort) else effort
    entry = CodesEntry(1, lang, kind, tuple(s.entry.row for s in segments), efforts)
    file = write_file(directory, "codes", lang, 1, data)
    return Codes(directory, file, entry, sum(map(len, segments)), dim)


def partition_of(
    directory: Path, vectors: NDArray[np.float32], effort: Effort | None = None
) -> Partition:
    """Return a partition of one segment, with codes, whose rows count from 1."""
    made = segment(empty_directory(directory), 1, vectors, np.arange(1, len(vectors) + 1))
    dim = vectors.shape[1]
    codes = codes_of(directory, [made], dim, effort or Effort(50, 4, 1.0))
    return Partition(made.lang, dim, [made], [], codes)


def sentences(first: int, last: int, lang: str = "ru") -> list[Sentence]:
    """Return a sentence for each number, in a group of its own."""
    return [
        Sentence(f"{lang}{n}", lang, f"номер {n}", f"{lang}{n}", "t", None, Place("t", n))
        for n in range(first, last)
    ]


class VectorEncoder:
    """The encoder of ``sentences``: gives each the vector of its number."""

    name, fingerprint = "vectors", "vectors-1"

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self.vectors = vectors
        self.dim = vectors.shape[1]

    def encode(
        self, texts: Sequence[str], langs: Sequence[str] | None = None
    ) -> NDArray[np.float32]:
        return self.vectors[[int(text.split()[-1]) for text in texts]]


def execute(directory: Path, sql: str, *parameters: object, sealed: bool = False) -> None:
    """Change the database; *sealed*: so that its own checksum of what it says holds."""
    connection = sqlite3.connect(schema.database_path(directory))
    with connection:
        connection.execute(sql, parameters)
        if sealed:
            connection.execute(
                "UPDATE meta SET value = ? WHERE key = ?",
                (catalog_checksum(connection), CATALOG_KEY),
            )
    connection.close()


def reseal_sentences(directory: Path) -> None:
    """Make the checksums of sentences those of what they are now, as if it had been written so."""
    columns = f"row, {', '.join(SENTENCE_COLUMNS)}"
    connection = sqlite3.connect(schema.database_path(directory))
    with connection:
        for values in connection.execute(f"SELECT {columns} FROM sentences").fetchall():
            connection.execute(
                "UPDATE sentences SET checksum = ? WHERE row = ?",
                (row_checksum(values), values[0]),
            )
    connection.close()


def live_hubness(directory: Path) -> dict[int, float]:
    """Return what is stored of each sentence's hubness, by row."""
    with IndexReader(directory) as reader:
        found: dict[int, float] = {}
        for each in reader.partitions:
            for part in each.segments:
                rows, values = part.row_file.rows, part.row_file.hubness
                live = slice(None) if part.live is None else part.live
                found.update(zip(rows[live].tolist(), values[live].tolist(), strict=True))
        return found
