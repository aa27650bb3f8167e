"""Deleting and changing sentences of an index, encoding only what changed.

Files are immutable: a deleted sentence is marked in its segment, and a changed one is marked too
and written into a new segment of its own, under the same row. Compaction drops what is marked.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from searchkbd.corpus.sentence import UNWANTED
from searchkbd.errors import SearchkbdError
from searchkbd.index import hubness, schema
from searchkbd.index.checksums import SENTENCE_COLUMNS, row_checksum
from searchkbd.index.compaction import maintain
from searchkbd.index.files import damaged
from searchkbd.index.hashing import key_hash
from searchkbd.index.reader import IndexReader, StoredSentence, check_encoder, read_meta
from searchkbd.index.segments import Segment, dead_bits
from searchkbd.index.transaction import WriteTransaction, now
from searchkbd.index.writer import add_full_text, origin_row
from searchkbd.text.forms import loosen, search_key, stored_form

if TYPE_CHECKING:
    from searchkbd.encoders.base import Encoder

MAX_CHARS = 20_000
"""Characters of a sentence, as of those that are imported."""

_BATCH = 500


class EditError(SearchkbdError):
    """A change that cannot be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """What was deleted: ``sentences`` in all, and in each language; groups that were left empty."""

    sentences: int
    languages: dict[str, int]
    groups: int


def delete_rows(directory: str | Path, ids: Collection[str]) -> Deletion:
    """Delete the sentences with these *ids*; those that are not there (any more) are passed over.

    All or nothing. Raises what WriteTransaction does.
    """
    with _opened(directory) as transaction:
        connection = transaction.connection
        doomed = _doomed(connection, ids)
        _require_intact(transaction, doomed)
        _bury(transaction, doomed)
        groups = _delete(connection, doomed)
        languages: dict[str, int] = {}
        for lang, _, _ in doomed.values():
            languages[lang] = languages.get(lang, 0) + 1
        if doomed:
            transaction.commit()
    if doomed:
        maintain(directory)
    return Deletion(len(doomed), languages, groups)


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
        _require_intact(transaction, [row])
        if origin is not None:
            connection.execute(
                "UPDATE sentences SET origin_row = ? WHERE row = ?",
                (origin_row(connection, origin), row),
            )
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
            add_full_text(connection, [(row, new_key)])
            _bury(transaction, {row: (lang, key, group_row)})
            rows = np.array([row], dtype=np.int64)
            segment = transaction.write_segment(lang, rows, vector[None], [new_key])
            hubness.write_row_files(transaction, {segment: rows})
        _set_checksum(connection, row)
        transaction.commit()
    maintain(directory)
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


def _require_intact(transaction: WriteTransaction, rows: Collection[int]) -> None:
    """Raise IndexDamagedError unless these sentences are what was written.

    What is damaged must not get a new checksum, nor be forgotten by the key that it has now.
    """
    wanted = list(rows)
    intact = 0
    for start in range(0, len(wanted), _BATCH):
        batch = wanted[start : start + _BATCH]
        marks = ",".join("?" * len(batch))
        for *said, checksum in transaction.connection.execute(
            f"SELECT row, {', '.join(SENTENCE_COLUMNS)}, checksum FROM sentences"
            f" WHERE row IN ({marks})",
            batch,
        ):
            intact += row_checksum(said) == checksum
    if intact != len(wanted):
        path = schema.database_path(transaction.directory)
        raise damaged(path, "a sentence is not what was written (checksum)")


def _bury(transaction: WriteTransaction, doomed: _Doomed) -> None:
    """Mark the rows of *doomed* in their segments."""
    wanted = np.array(sorted(doomed), dtype=np.int64)
    languages = {lang for lang, _, _ in doomed.values()}
    buried = 0
    for entry in transaction.segments():
        if entry.lang not in languages:
            continue
        segment = Segment(transaction.directory, entry, transaction.dim)
        _, places = segment.places(wanted)
        if len(places):
            segment.halves(places)  # checks that they are the rows that they say
            live = np.ones(len(segment), dtype=bool) if segment.live is None else segment.live
            live[places] = False
            buried += len(places)
            transaction.connection.execute(
                "UPDATE segments SET dead = ?, live = ? WHERE row = ?",
                (dead_bits(live), int(live.sum()), entry.row),
            )
    if buried != len(wanted):
        path = schema.database_path(transaction.directory)
        raise damaged(path, f"{len(wanted) - buried} sentences are in no segment")


def _delete(connection: sqlite3.Connection, doomed: _Doomed) -> int:
    """Delete the rows of *doomed* and the groups that are empty then; return how many groups."""
    for row, (_, key, _) in doomed.items():
        _delete_full_text(connection, row, key)
    connection.executemany("DELETE FROM sentences WHERE row = ?", [(row,) for row in doomed])
    before = connection.total_changes
    connection.executemany(
        "DELETE FROM groups WHERE row = ?1 AND NOT EXISTS"
        " (SELECT 1 FROM sentences WHERE group_row = ?1)",
        [(group,) for group in {group for _, _, group in doomed.values()}],
    )
    return connection.total_changes - before


def _set_checksum(connection: sqlite3.Connection, row: int) -> None:
    values = connection.execute(
        f"SELECT row, {', '.join(SENTENCE_COLUMNS)} FROM sentences WHERE row = ?", (row,)
    ).fetchone()
    connection.execute(
        "UPDATE sentences SET checksum = ? WHERE row = ?", (row_checksum(values), row)
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
