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
from searchkbd.index.directory import files_of
from searchkbd.index.files import IndexFile
from searchkbd.index.hashing import key_hash
from searchkbd.index.hubness import MIN_ROWS, read_anchors
from searchkbd.index.reader import IndexReader
from searchkbd.index.texts import TextFile
from searchkbd.index.vectors import Partition
from searchkbd.text.forms import search_key


@dataclass(slots=True)
class Verification:
    """What was checked, what is wrong, and what merely lies about."""

    sentences: int = 0
    vector_files: int = 0
    text_files: int = 0
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
        _check_database(reader, result)
        vectors, texts = _check_files(reader, result, progress)
        _check_rows(reader, vectors, texts, result)
        _check_hubness(reader, result)
        known = {file.name for file in (*reader.vector_files, *reader.named_text_files)}
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


def _check_files(
    reader: IndexReader, result: Verification, progress: Progress | None
) -> tuple[_Rows, _Rows]:
    """Check each file against its checksum; return the rows that each language's files hold."""
    files: list[tuple[type[Partition] | type[TextFile], Path, IndexFile]] = [
        (Partition, schema.vectors_path(reader.directory), file) for file in reader.vector_files
    ]
    files += [
        (TextFile, schema.texts_path(reader.directory), file) for file in reader.named_text_files
    ]
    total = sum(file.bytes for _, _, file in files)
    done = 0
    vectors: _Rows = {}
    texts: _Rows = {}
    for kind, folder, file in files:
        opened = _opened(kind, folder, file, result)
        if kind is Partition:
            result.vector_files += 1
        else:
            result.text_files += 1
        if opened is not None:
            rows = vectors if kind is Partition else texts
            rows.setdefault(file.lang, []).append(opened.rows)
        if isinstance(opened, Partition) and opened.dim != reader.dim:
            result.problems.append(f"{file.name}: {opened.dim} dimensions, {reader.dim} expected")
        done += file.bytes
        if progress:
            progress(done, total)
    return vectors, texts


def _opened(
    kind: type[Partition] | type[TextFile], folder: Path, file: IndexFile, result: Verification
) -> Partition | TextFile | None:
    try:
        if file_digest(folder / file.name) != file.sha256:
            result.problems.append(f"{file.name}: its content is not what was written (checksum)")
        return kind(folder, file)
    except OSError as error:
        result.problems.append(f"{file.name}: {error.strerror}")
    except IndexDamagedError as error:
        result.problems.append(str(error))
    return None


def _check_rows(
    reader: IndexReader, vectors: _Rows, texts: _Rows, result: Verification
) -> None:
    """Check that each sentence is once in the files of its language, and its key."""
    stored: dict[str, list[int]] = {}
    wrong_keys = 0
    try:
        for row, lang, text, key, hashed in reader.connection.execute(
            "SELECT row, lang, text, key, key_hash FROM sentences ORDER BY row"
        ):
            stored.setdefault(lang, []).append(row)
            wrong_keys += key != search_key(text) or hashed != key_hash(key)
        result.sentences = sum(map(len, stored.values()))
        for name in schema.FULL_TEXT:
            (entries,) = reader.connection.execute(
                f"SELECT count(*) FROM {name}_docsize"
            ).fetchone()
            if entries != result.sentences:
                result.problems.append(
                    f"{name}: {entries} full-text entries for {result.sentences} sentences"
                )
    except sqlite3.DatabaseError as error:
        result.problems.append(f"{schema.DATABASE}: {error}")
        return
    if wrong_keys:
        result.problems.append(
            f"{wrong_keys} sentences have a search key that this searchkbd would not give them; "
            "rebuild the index with --replace"
        )
    for what, rows in (("vector", vectors), ("text", texts)):
        for lang in sorted(set(stored) | set(rows)):
            have = np.sort(np.concatenate(rows[lang])) if lang in rows else np.empty(0, np.int64)
            want = np.array(stored.get(lang, []), dtype=np.int64)
            if not np.array_equal(have, want):
                lost = len(np.setdiff1d(want, have))
                extra = len(have) - len(np.intersect1d(have, want))
                result.problems.append(
                    f"{lang}: {len(want)} sentences, {len(have)} in {what} files "
                    f"({lost} sentences without a {what}, {extra} {what}s without a sentence)"
                )


def _check_hubness(reader: IndexReader, result: Verification) -> None:
    """Check the anchors against their checksum, and that no hubness is beyond a cosine."""
    try:
        measured = read_anchors(reader.connection, reader.directory) is not None
        (wrong,) = reader.connection.execute(
            "SELECT count(*) FROM sentences WHERE hubness NOT BETWEEN -1 AND 1"
            " OR (hubness <> 0 AND NOT ?)",
            (measured,),
        ).fetchone()
    except (IndexDamagedError, sqlite3.DatabaseError) as error:
        result.problems.append(str(error))
        return
    if not measured and result.sentences >= MIN_ROWS:
        result.problems.append(f"{schema.DATABASE}: no anchors; rebuild the index with --replace")
    if wrong:
        result.problems.append(
            f"{wrong} sentences have an impossible hubness; rebuild the index with --replace"
        )
