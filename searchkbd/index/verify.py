"""Checking an index: every byte against its checksum, every row against its vector."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from searchkbd.encoders.directory import file_digest
from searchkbd.errors import IndexDamagedError
from searchkbd.index import schema
from searchkbd.index.checksums import SENTENCE_COLUMNS, row_checksum
from searchkbd.index.codes import Codes
from searchkbd.index.directory import database_bytes, files_of
from searchkbd.index.files import IndexFile
from searchkbd.index.full_text import full_text_problems
from searchkbd.index.hashing import key_hash
from searchkbd.index.hubness import MIN_ROWS, read_anchors
from searchkbd.index.reader import IndexReader
from searchkbd.index.rows import row_sums
from searchkbd.index.segments import Segment
from searchkbd.text.forms import search_key


@dataclass(slots=True)
class Verification:
    """What was checked, what is wrong, and what merely lies about."""

    sentences: int = 0
    segments: int = 0
    files: int = 0
    problems: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the index is sound; orphan files cost space but change no answer."""
        return not self.problems


Progress = Callable[[int, int], None]


def verify_index(directory: str | Path, progress: Progress | None = None) -> Verification:
    """Read all of an index and compare it with what its database says.

    *progress* is called with bytes read and bytes in all. Raises IndexNotFoundError when
    *directory* is no index; damage is reported, not raised, except where the database itself
    cannot be opened (IndexDamagedError).
    """
    result = Verification()
    with IndexReader(directory) as reader:
        report = _Report(reader, progress)
        _check_database(reader, result)
        _check_files(reader, result, report)
        segments = [Segment(reader.directory, entry, reader.dim) for entry in reader.segments]
        result.segments = len(segments)
        rows = _check_segments(segments, result)
        _check_codes(reader, segments, result)
        _check_sentences(reader, rows, result, report)
        _check_full_text(reader, result, report)
        _check_other_rows(reader, result)
        _check_anchors(reader, result)
        known = {file.name for file in _files(reader)}
        report.finish()
    result.orphans = sorted(
        path.name
        for folder in schema.folders(Path(directory))
        for path in files_of(folder)
        if schema.is_index_file(path) and path.name not in known
    )
    return result


def _check_database(reader: IndexReader, result: Verification) -> None:
    try:
        answers = reader.connection.execute("PRAGMA integrity_check(20)").fetchall()
        result.problems += [f"{schema.DATABASE}: {text}" for (text,) in answers if text != "ok"]
        broken = reader.connection.execute("PRAGMA foreign_key_check").fetchall()
        result.problems += [f"{schema.DATABASE}: a row of {b[0]} points nowhere" for b in broken]
    except sqlite3.DatabaseError as error:
        result.problems.append(f"{schema.DATABASE}: {error}")


_Rows = dict[str, list[np.ndarray]]
"""By language, the rows of the live sentences in each segment."""


def _files(reader: IndexReader) -> list[IndexFile]:
    files = [file for entry in reader.segments for file in entry.files.values()]
    return files + [file for _, file in reader.codes]


class _Report:
    """Tells of progress: files by their bytes, and the database each time that its sentences are
    gone through: once for themselves, once for each full-text table."""

    def __init__(self, reader: IndexReader, progress: Progress | None) -> None:
        self._progress = progress
        self._done = self._told = 0.0
        passes = 1 + len(schema.FULL_TEXT)
        sentences = sum(entry.live for entry in reader.segments)
        database = database_bytes(reader.directory)
        self._per_sentence = database / max(1, passes * sentences)
        self._total = sum(file.bytes for file in _files(reader)) + database

    def read(self, count: int) -> None:
        """Say that *count* bytes were read."""
        self._add(count)

    def compared(self, sentences: int) -> None:
        """Say that *sentences* were gone through."""
        self._add(sentences * self._per_sentence)

    def finish(self) -> None:
        """Say that all is done."""
        if self._progress:
            self._progress(self._total, self._total)

    def _add(self, count: float) -> None:
        self._done = min(self._done + count, self._total)
        if self._progress and self._done - self._told >= self._total / 1000:
            self._told = self._done
            self._progress(int(self._done), self._total)


def _check_files(reader: IndexReader, result: Verification, report: _Report) -> None:
    """Check each file against its checksum."""
    for file in _files(reader):
        result.files += 1
        path = file.path(reader.directory)
        try:
            if file_digest(path) != file.sha256:
                result.problems.append(
                    f"{file.name}: its content is not what was written (checksum)"
                )
        except OSError as error:
            result.problems.append(f"{file.name}: {error.strerror}")
        report.read(file.bytes)


def _check_segments(segments: list[Segment], result: Verification) -> _Rows:
    """Check that the files of each segment fit together."""
    rows: _Rows = {}
    for segment in segments:
        try:
            known, texts = segment.row_file, segment.text_file
            if not np.array_equal(known.rows, texts.rows):
                result.problems.append(
                    f"segment {segment.entry.row}: rows and texts are of different sentences"
                )
            if (np.diff(known.rows) <= 0).any():
                result.problems.append(f"segment {segment.entry.row}: rows are out of order")
            halves = segment.read_vectors().halves
            if not np.array_equal(row_sums(halves, known.rows, known.hubness), known.sums):
                result.problems.append(
                    f"segment {segment.entry.row}: vectors are not those that its rows are of"
                )
            if not (np.abs(known.hubness) <= 1).all():
                result.problems.append(
                    f"segment {segment.entry.row}: a hubness that no cosine can have"
                )
            live = known.rows if segment.live is None else known.rows[segment.live]
            rows.setdefault(segment.lang, []).append(live)
        except IndexDamagedError as error:
            result.problems.append(str(error))
    return rows


def _check_codes(reader: IndexReader, segments: list[Segment], result: Verification) -> None:
    sizes = {segment.entry.row: (segment.lang, len(segment)) for segment in segments}
    seen: set[str] = set()
    for entry, file in reader.codes:
        if entry.lang in seen:
            result.problems.append(f"{entry.lang}: more than one set of codes")
        seen.add(entry.lang)
        if any(sizes.get(row, ("", 0))[0] != entry.lang for row in entry.segments):
            result.problems.append(f"{file.name}: its segments are not there")
            continue
        total = sum(sizes[row][1] for row in entry.segments)
        try:
            Codes(reader.directory, file, entry, total, reader.dim)
        except IndexDamagedError as error:
            result.problems.append(str(error))


def _check_sentences(
    reader: IndexReader, rows: _Rows, result: Verification, report: _Report
) -> None:
    """Check that each sentence is once in the segments of its language, and its columns."""
    stored: dict[str, list[int]] = {}
    wrong_keys = wrong_rows = 0
    try:
        for *said, checksum in reader.connection.execute(
            f"SELECT row, {', '.join(SENTENCE_COLUMNS)}, checksum FROM sentences ORDER BY row"
        ):
            row, _, lang, text, key, hashed = said[:6]
            stored.setdefault(lang, []).append(row)
            report.compared(1)
            wrong_rows += row_checksum(said) != checksum
            wrong_keys += key != search_key(text) or hashed != key_hash(key)
        result.sentences = sum(map(len, stored.values()))
    except sqlite3.DatabaseError as error:
        result.problems.append(f"{schema.DATABASE}: {error}")
        return
    if wrong_rows:
        result.problems.append(f"{wrong_rows} sentences are not what was written (checksum)")
    if wrong_keys:
        result.problems.append(
            f"{wrong_keys} sentences have a search key that this searchkbd would not give them; "
            "rebuild the index with --replace"
        )
    for lang in sorted(set(stored) | set(rows)):
        have = np.sort(np.concatenate(rows[lang])) if lang in rows else np.empty(0, np.int64)
        want = np.array(stored.get(lang, []), dtype=np.int64)
        if not np.array_equal(have, want):
            lost = len(np.setdiff1d(want, have))
            extra = len(have) - len(np.intersect1d(have, want))
            result.problems.append(
                f"{lang}: {len(want)} sentences, {len(have)} in segments "
                f"({lost} sentences in none, {extra} without a sentence)"
            )


def _check_full_text(reader: IndexReader, result: Verification, report: _Report) -> None:
    """Check that words are found where they are, and that there are entries of nothing else."""
    for name in schema.FULL_TEXT:
        try:
            (entries,) = reader.connection.execute(
                f"SELECT count(*) FROM {name}_docsize"
            ).fetchone()
            if entries != result.sentences:
                result.problems.append(
                    f"{name}: {entries} full-text entries for {result.sentences} sentences"
                )
            result.problems += full_text_problems(reader.connection, name, report.compared)
        except sqlite3.DatabaseError as error:
            result.problems.append(f"{schema.DATABASE}: {name}: {error}")


def _check_other_rows(reader: IndexReader, result: Verification) -> None:
    """Check the rows of groups and origins against their checksums."""
    for table, columns in (("groups", "row, name, meta"), ("origins", "row, name, penalty")):
        try:
            wrong = sum(
                row_checksum(values) != checksum
                for *values, checksum in reader.connection.execute(
                    f"SELECT {columns}, checksum FROM {table}"
                )
            )
        except sqlite3.DatabaseError as error:
            result.problems.append(f"{schema.DATABASE}: {error}")
            continue
        if wrong:
            result.problems.append(f"{wrong} {table} are not what was written (checksum)")
    try:
        (wrong,) = reader.connection.execute(
            "SELECT count(*) FROM groups g WHERE members <>"
            " (SELECT count(*) FROM sentences WHERE group_row = g.row)"
        ).fetchone()
    except sqlite3.DatabaseError:
        return  # said above
    if wrong:
        result.problems.append(f"{wrong} groups have another number of sentences than they say")


def _check_anchors(reader: IndexReader, result: Verification) -> None:
    """Check the anchors against their checksum, and that there are some where there must be."""
    try:
        measured = read_anchors(reader.connection, reader.directory) is not None
    except (IndexDamagedError, sqlite3.DatabaseError) as error:
        result.problems.append(str(error))
        return
    if not measured and result.sentences >= MIN_ROWS:
        # Deletions never take anchors away.
        result.problems.append(f"{schema.DATABASE}: no anchors; rebuild the index with --replace")
