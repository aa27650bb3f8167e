"""Deleting and changing sentences of an index, encoding only what changed.

Files are immutable, so those that hold a sentence are written anew without it, or with its new
vector; all others stay, and nothing is encoded again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from searchkbd.corpus.sentence import UNWANTED
from searchkbd.errors import SearchkbdError
from searchkbd.index import hubness, schema
from searchkbd.index.files import IndexFile
from searchkbd.index.hashing import key_hash
from searchkbd.index.reader import IndexReader, StoredSentence, check_encoder, read_meta
from searchkbd.index.transaction import WriteTransaction, now
from searchkbd.index.vectors import Partition
from searchkbd.index.writer import add_full_text, origin_row
from searchkbd.text.forms import loosen, search_key, stored_form

if TYPE_CHECKING:
    from searchkbd.encoders.base import Encoder

MAX_CHARS = 20_000
"""Characters of a sentence, as of those that are imported."""

_BATCH = 500

Progress = Callable[[int, int], None]


class EditError(SearchkbdError):
    """A change that cannot be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """What was deleted: ``sentences`` in all, and in each language; groups that were left empty."""

    sentences: int
    languages: dict[str, int]
    groups: int
    files_written: int


def delete_rows(
    directory: str | Path, ids: Collection[str], progress: Progress | None = None
) -> Deletion:
    """Delete the sentences with these *ids*; those that are not there (any more) are passed over.

    All or nothing; *progress* is called with files done and files in all. Raises what
    WriteTransaction does.
    """
    with _opened(directory) as transaction:
        connection = transaction.connection
        doomed = _doomed(connection, ids)
        written = 0
        affected = _files_with(transaction, doomed)
        for number, (file, partition) in enumerate(affected, start=1):
            written += _write_without(transaction, file, partition, doomed)
            if progress:
                progress(number, len(affected))
        groups = _delete(connection, doomed)
        languages: dict[str, int] = {}
        for lang, _, _ in doomed.values():
            languages[lang] = languages.get(lang, 0) + 1
        if doomed:
            transaction.commit()
        return Deletion(len(doomed), languages, groups, written)


def edit_sentence(
    directory: str | Path,
    sentence_id: str,
    encoder: Encoder,
    *,
    text: str | None = None,
    origin: str | None = None,
) -> StoredSentence:
    """Give a sentence another *text*, another *origin*, or both; return what is stored then.

    Only that sentence is encoded. A new text takes the sentence's inline tags away, since nobody
    says where they belong in it, and sets the dates of its last change.

    Raises EditError when there is no such sentence or it cannot have this text,
    EncoderMismatchError, and what WriteTransaction does.
    """
    with _opened(directory) as transaction:
        connection = transaction.connection
        check_encoder(read_meta(connection, Path(directory)), encoder, Path(directory))
        found = connection.execute(
            "SELECT row, lang, key, group_row, meta FROM sentences WHERE id = ?", (sentence_id,)
        ).fetchone()
        if found is None:
            raise EditError(f"{directory}: no sentence has the id {sentence_id!r}")
        row, lang, key, group_row, meta = found
        if origin is not None:
            connection.execute(
                "UPDATE sentences SET origin_row = ? WHERE row = ?",
                (origin_row(connection, origin), row),
            )
            _drop_unused(connection, "origins", "origin_row")
        if text is not None:
            text = _checked(text)
            new_key = search_key(text)
            if connection.execute(
                "SELECT 1 FROM sentences WHERE group_row = ? AND lang = ? AND key_hash = ?"
                " AND row <> ?",
                (group_row, lang, key_hash(new_key), row),
            ).fetchone():
                raise EditError(f"{sentence_id}: its group has this {lang} sentence already")
            vector = encoder.encode([text], [lang])[0]
            _change_text(connection, row, text, new_key, meta)
            _delete_full_text(connection, row, key)
            add_full_text(connection, row, new_key)
            for file, partition in _files_with(transaction, {row: (lang, key, group_row)}):
                _write_with(transaction, file, partition, row, vector)
            anchors = hubness.read_anchors(connection, Path(directory))
            if anchors is not None:
                value = float(hubness.hubness(vector[None], anchors.vectors)[0])
                connection.execute("UPDATE sentences SET hubness = ? WHERE row = ?", (value, row))
        transaction.commit()
    with IndexReader(directory) as reader:
        return reader.sentences([row])[row]


_Doomed = dict[int, tuple[str, str, int]]
"""Row → language, search key and group of a sentence that goes."""


def _opened(directory: str | Path) -> WriteTransaction:
    directory = Path(directory)
    IndexReader(directory).close()  # says what is wrong with it before anything is locked
    return WriteTransaction(directory, make=False)


def _doomed(connection: sqlite3.Connection, ids: Collection[str]) -> _Doomed:
    wanted = list(dict.fromkeys(ids))
    doomed: _Doomed = {}
    for start in range(0, len(wanted), _BATCH):
        batch = wanted[start : start + _BATCH]
        marks = ",".join("?" * len(batch))
        for row, *rest in connection.execute(
            f"SELECT row, lang, key, group_row FROM sentences WHERE id IN ({marks})", batch
        ):
            doomed[row] = tuple(rest)
    return doomed


def _files_with(
    transaction: WriteTransaction, rows: _Doomed
) -> list[tuple[IndexFile, Partition]]:
    """Return the vector files, opened, that hold one of *rows*."""
    wanted = np.array(sorted(rows), dtype=np.int64)
    languages = {lang for lang, _, _ in rows.values()}
    files = [
        IndexFile(*row)
        for row in transaction.connection.execute(
            "SELECT name, lang, rows, bytes, sha256 FROM vector_files ORDER BY name"
        )
    ]
    folder = schema.vectors_path(transaction.directory)
    opened = [(file, Partition(folder, file)) for file in files if file.lang in languages]
    return [(file, part) for file, part in opened if np.isin(part.rows, wanted).any()]


def _write_without(
    transaction: WriteTransaction, file: IndexFile, partition: Partition, doomed: _Doomed
) -> bool:
    """Write *file* anew without the doomed rows; return whether anything was left to write."""
    kept = partition.rows[~np.isin(partition.rows, np.array(sorted(doomed), dtype=np.int64))]
    _forget(transaction.connection, file)
    if not len(kept):
        return False
    _, vectors = partition.vectors(kept)
    transaction.write(file.lang, kept, vectors, _keys(transaction.connection, kept))
    return True


def _write_with(
    transaction: WriteTransaction,
    file: IndexFile,
    partition: Partition,
    row: int,
    vector: np.ndarray,
) -> None:
    """Write *file* anew with another vector, and the stored search key, of *row*."""
    _, vectors = partition.vectors(partition.rows)
    vectors[np.searchsorted(partition.rows, row)] = vector
    _forget(transaction.connection, file)
    keys = _keys(transaction.connection, partition.rows)
    transaction.write(file.lang, partition.rows, vectors, keys)


def _forget(connection: sqlite3.Connection, file: IndexFile) -> None:
    """Take the names of a vector file and of the text file of the same rows away."""
    prefix = file.name.rpartition("-")[0]  # language and first row, the same for both
    for table in schema.FILE_TABLES:
        connection.execute(
            f"DELETE FROM {table} WHERE substr(name, 1, ?) = ?", (len(prefix) + 1, f"{prefix}-")
        )


def _keys(connection: sqlite3.Connection, rows: np.ndarray) -> list[str]:
    """Return the search keys of *rows*, which ascend."""
    first, last = int(rows[0]), int(rows[-1])
    stored = dict(
        connection.execute(
            "SELECT row, key FROM sentences WHERE row BETWEEN ? AND ?", (first, last)
        )
    )
    return [stored[row] for row in rows.tolist()]


def _delete(connection: sqlite3.Connection, doomed: _Doomed) -> int:
    """Delete the rows of *doomed* and what only they needed; return how many groups went."""
    for row, (_, key, _) in doomed.items():
        _delete_full_text(connection, row, key)
    connection.executemany("DELETE FROM sentences WHERE row = ?", [(row,) for row in doomed])
    (before,) = connection.execute("SELECT count(*) FROM groups").fetchone()
    connection.executemany(
        "DELETE FROM groups WHERE row = ?1 AND NOT EXISTS"
        " (SELECT 1 FROM sentences WHERE group_row = ?1)",
        [(group,) for group in {group for _, _, group in doomed.values()}],
    )
    (after,) = connection.execute("SELECT count(*) FROM groups").fetchone()
    _drop_unused(connection, "origins", "origin_row")
    return before - after


def _drop_unused(connection: sqlite3.Connection, table: str, column: str) -> None:
    connection.execute(
        f"DELETE FROM {table} WHERE row NOT IN (SELECT DISTINCT {column} FROM sentences)"
    )


def _delete_full_text(connection: sqlite3.Connection, row: int, key: str) -> None:
    # A contentless table has to be told what it forgets.
    loose = loosen(key)
    for name in schema.FULL_TEXT:
        connection.execute(
            f"INSERT INTO {name} ({name}, rowid, key) VALUES ('delete', ?, ?)", (row, loose)
        )


def _change_text(
    connection: sqlite3.Connection, row: int, text: str, key: str, meta: str | None
) -> None:
    date = now()
    said = json.loads(meta) if meta else {}
    attributes = said.get("tmx", {}).get("attributes")
    if attributes is not None:
        attributes["changedate"] = date.replace("-", "").replace(":", "")
    connection.execute(
        "UPDATE sentences SET text = ?, key = ?, key_hash = ?, markup = NULL, date = ?, meta = ?"
        " WHERE row = ?",
        (
            text, key, key_hash(key), date,
            json.dumps(said, ensure_ascii=False) if said else None, row,
        ),
    )  # fmt: skip


def _checked(text: str) -> str:
    text = stored_form(text)
    if UNWANTED.search(text):
        raise EditError("the text has a control character")
    if len(text) > MAX_CHARS:
        raise EditError(f"the text has {len(text)} characters, {MAX_CHARS} are the most")
    if not any(char.isalnum() for char in text):
        raise EditError("the text has no letter or digit")
    return text
