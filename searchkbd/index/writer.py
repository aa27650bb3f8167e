"""Writing an index: vector files first, then one transaction that makes them real.

Killed at any point, the directory opens as it was before: an uncommitted transaction is rolled
back by SQLite, and vector files that no committed row names are swept by the next writer.
"""

from __future__ import annotations

import contextlib
import errno
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from searchkbd.corpus.sentence import Reject, Sentence
from searchkbd.errors import (
    IndexBusyError,
    IndexDamagedError,
    IndexExistsError,
    NothingToBuildError,
)
from searchkbd.index import hubness, schema
from searchkbd.index.directory import check_place, holds_nothing, remove_files, sweep
from searchkbd.index.reader import check_encoder, key_hash, read_meta, require_own_tables
from searchkbd.index.vectors import VectorFile, sync_directory, write_vectors
from searchkbd.text.forms import loosen, search_key
from searchkbd.text.languages import LANGUAGES

if TYPE_CHECKING:
    from searchkbd.encoders.base import Encoder

ENCODE_BATCH = 2048
"""Sentences read, deduplicated and encoded at a time."""

FILE_ROWS = 32_768
"""Vectors in one file: bounds the memory of a build to a few hundred MB."""


class Mode(Enum):
    """What a build may find in its directory."""

    NEW = "new"
    ADD = "add"
    REPLACE = "replace"


@dataclass(slots=True)
class BuildSummary:
    """What a build did; the counts of one build, not of the whole index."""

    read: int = 0
    added: int = 0
    merged: int = 0
    rejected: int = 0
    repaired: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    total: int = 0

    @property
    def foreign(self) -> dict[str, int]:
        """Sentences added in languages that the encoders were not made for."""
        return {lang: n for lang, n in self.languages.items() if lang not in LANGUAGES}


Progress = Callable[[BuildSummary], None]
OnReject = Callable[["Reject"], None]


def build_index(
    directory: str | Path,
    items: Iterable[Sentence | Reject],
    encoder: Encoder,
    *,
    mode: Mode = Mode.NEW,
    on_reject: OnReject | None = None,
    progress: Progress | None = None,
) -> BuildSummary:
    """Encode the sentences among *items* into the index at *directory*, all or nothing.

    Sentences with the search key, language and group of one already there are merged into it;
    rejects, and sentences whose id already stands for another text, go to *on_reject*.

    Raises IndexExistsError, EncoderMismatchError, IndexBusyError, NothingToBuildError (no
    sentence was accepted; the directory is left as it was) and OSError (full disk, no
    permission). Whatever is raised, an index that was there before is still there, unchanged.
    """
    writer = IndexWriter(Path(directory), encoder, mode)
    with writer:
        chunk: list[Sentence] = []
        for item in items:
            if isinstance(item, Reject):
                writer.reject(item, on_reject)
                continue
            chunk.append(item)
            if len(chunk) == ENCODE_BATCH:
                writer.add(chunk, on_reject)
                chunk = []
                if progress:
                    progress(writer.summary)
        writer.add(chunk, on_reject)
        writer.commit()
    if progress:
        progress(writer.summary)
    return writer.summary


class IndexWriter:
    """One write transaction on an index directory; everything or nothing of it is kept."""

    def __init__(self, directory: Path, encoder: Encoder, mode: Mode) -> None:
        self.directory = directory
        self.encoder = encoder
        self.mode = mode
        self.summary = BuildSummary()
        self._files: list[VectorFile] = []
        self._pending: dict[str, tuple[list[np.ndarray], list[np.ndarray]]] = {}
        self._origins: dict[str, int] = {}
        self._committed = False
        self._connection: sqlite3.Connection | None = None
        self._made_directory = False

    def __enter__(self) -> IndexWriter:
        check_place(self.directory)
        self._made_directory = not self.directory.exists()
        try:
            schema.vectors_path(self.directory).mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                schema.database_path(self.directory), timeout=1.0, isolation_level=None
            )
            self._begin()
        except BaseException as error:
            self._abandon()
            self._explain(error)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _) -> None:
        if self._committed:
            self._connection.close()
            return
        self._abandon()
        if error is not None:
            self._explain(error)

    def reject(self, item: Reject, on_reject: OnReject | None = None) -> None:
        """Count a rejected row and hand it on."""
        self.summary.rejected += 1
        if on_reject:
            on_reject(item)

    def add(self, sentences: list[Sentence], on_reject: OnReject | None = None) -> None:
        """Insert and encode *sentences*; merge those already there."""
        new: list[tuple[int, Sentence]] = []
        for sentence in sentences:
            self.summary.read += 1
            self.summary.repaired += sentence.repaired
            row = self._insert(sentence, on_reject)
            if row is not None:
                new.append((row, sentence))
        if not new:
            return
        distinct: dict[tuple[str, str], int] = {}
        which = [distinct.setdefault((s.lang, s.text), len(distinct)) for _, s in new]
        vectors = self.encoder.encode(
            [text for _, text in distinct], [lang for lang, _ in distinct]
        )[which]
        langs = np.array([sentence.lang for _, sentence in new])
        rows = np.array([row for row, _ in new], dtype=np.int64)
        for lang in np.unique(langs):
            mask = langs == lang
            pending = self._pending.setdefault(str(lang), ([], []))
            pending[0].append(rows[mask])
            pending[1].append(vectors[mask])
            if sum(map(len, pending[0])) >= FILE_ROWS:
                self._flush(str(lang))

    def commit(self) -> None:
        """Make everything added durable and visible at once."""
        if not self.summary.added and not (self.mode is Mode.ADD and self.summary.merged):
            raise NothingToBuildError(self._nothing())
        for lang in list(self._pending):
            self._flush(lang)
        sync_directory(schema.vectors_path(self.directory))
        connection = self._connection
        connection.executemany(
            "INSERT INTO vector_files (name, lang, rows, bytes, sha256) VALUES (?, ?, ?, ?, ?)",
            [(f.name, f.lang, f.rows, f.bytes, f.sha256) for f in self._files],
        )
        hubness.update(connection, self.directory, self._files)
        if self.mode is not Mode.ADD:  # rewrites the whole table
            for name in schema.FULL_TEXT:
                connection.execute(f"INSERT INTO {name}({name}) VALUES ('optimize')")
        (self.summary.total,) = connection.execute("SELECT count(*) FROM sentences").fetchone()
        connection.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES ('updated', ?)", (_now(),)
        )
        connection.execute("COMMIT")
        self._committed = True
        # Give the space of the log and of replaced rows back; failing at it loses nothing.
        with contextlib.suppress(sqlite3.OperationalError, OSError):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if self.mode is Mode.REPLACE:
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.execute("BEGIN IMMEDIATE")  # keeps out a writer whose files are uncommitted
            sweep(connection, self.directory)
            connection.execute("ROLLBACK")

    def _begin(self) -> None:
        connection = self._connection
        connection.execute("PRAGMA journal_mode=WAL").fetchall()
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-65536")
        connection.execute("BEGIN IMMEDIATE")
        if not schema.database_path(self.directory).exists():
            raise self._busy()  # its writer failed, and removed it while this one waited
        was_empty = schema.is_empty(connection)
        if not was_empty:
            self._check_existing()
        # Before a table is dropped: until the commit, what the old rows name must stay.
        sweep(connection, self.directory)
        if self.mode is Mode.REPLACE:
            schema.drop_tables(connection)
        if was_empty or self.mode is Mode.REPLACE:
            schema.create_tables(connection)
            connection.executemany(
                "INSERT INTO meta (key, value) VALUES (?, ?)",
                [
                    ("format", str(schema.FORMAT_VERSION)),
                    ("encoder", self.encoder.name),
                    ("fingerprint", self.encoder.fingerprint),
                    ("dim", str(self.encoder.dim)),
                    ("created", _now()),
                ],
            )
        else:  # the same encoder may lie in another directory now
            connection.execute(
                "UPDATE meta SET value = ? WHERE key = 'encoder'", (self.encoder.name,)
            )
        (last,) = connection.execute("SELECT coalesce(max(row), 0) FROM sentences").fetchone()
        self._next_row = last + 1

    def _check_existing(self) -> None:
        """Refuse a build that the index already there does not allow."""
        if self.mode is Mode.REPLACE:
            # Any format may be replaced, also one that this version cannot read.
            require_own_tables(self._connection, self.directory)
            return
        meta = read_meta(self._connection, self.directory)
        if self.mode is Mode.NEW:
            raise IndexExistsError(
                f"{self.directory}: already an index; add to it with --add, "
                "or build it anew with --replace"
            )
        check_encoder(meta, self.encoder, self.directory)
        hubness.read_anchors(self._connection, self.directory)  # damage shows before the work

    def _insert(self, sentence: Sentence, on_reject: OnReject | None) -> int | None:
        """Insert one sentence and return its row, or None when it was merged or rejected."""
        connection = self._connection
        key = search_key(sentence.text)
        group = self._named("groups", sentence.group)
        hashed = key_hash(key)
        if connection.execute(
            "SELECT 1 FROM sentences WHERE group_row = ? AND lang = ? AND key_hash = ?",
            (group, sentence.lang, hashed),
        ).fetchone():
            self.summary.merged += 1
            return None
        row = self._next_row
        try:
            connection.execute(
                "INSERT INTO sentences"
                " (row, id, lang, text, key, key_hash, group_row, origin_row, meta)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    row,
                    self._free_id(sentence, row),
                    sentence.lang,
                    sentence.text,
                    key,
                    hashed,
                    group,
                    self._origin(sentence.origin),
                    json.dumps(sentence.meta, ensure_ascii=False) if sentence.meta else None,
                ),
            )
        except sqlite3.IntegrityError:
            self._reject_id(sentence, on_reject)
            return None
        loose = loosen(key)
        for name in schema.FULL_TEXT:
            connection.execute(f"INSERT INTO {name} (rowid, key) VALUES (?, ?)", (row, loose))
        self._next_row += 1
        self.summary.added += 1
        self.summary.languages[sentence.lang] += 1
        return row

    def _free_id(self, sentence: Sentence, row: int) -> str:
        """Return the sentence's id, changed if it was made of a line and is taken already.

        A file that was edited, or another standard input, has other sentences in the same lines.
        """
        taken = not sentence.own_id and self._connection.execute(
            "SELECT 1 FROM sentences WHERE id = ?", (sentence.id,)
        ).fetchone()
        return f"{sentence.id}~{row}" if taken else sentence.id

    def _reject_id(self, sentence: Sentence, on_reject: OnReject | None) -> None:
        (text,) = self._connection.execute(
            "SELECT text FROM sentences WHERE id = ?", (sentence.id,)
        ).fetchone()
        shown = text if len(text) <= 60 else text[:59] + "…"
        reason = (
            f"duplicate id: {sentence.id!r} already stands for {shown!r}; "
            "give each sentence an id of its own"
        )
        self.reject(Reject(sentence.source, reason, sentence.text), on_reject)

    def _named(self, table: str, name: str) -> int:
        """Return the row of *name* in groups or origins, made if new."""
        found = self._connection.execute(
            f"SELECT row FROM {table} WHERE name = ?", (name,)
        ).fetchone()
        if found:
            return found[0]
        return self._connection.execute(
            f"INSERT INTO {table} (name) VALUES (?)", (name,)
        ).lastrowid

    def _origin(self, name: str) -> int:
        if name not in self._origins:
            self._origins[name] = self._named("origins", name)
        return self._origins[name]

    def _flush(self, lang: str) -> None:
        rows, vectors = self._pending.pop(lang)
        self._files.append(
            write_vectors(
                schema.vectors_path(self.directory),
                lang,
                np.concatenate(rows),
                np.concatenate(vectors),
            )
        )

    def _abandon(self) -> None:
        """Leave the directory as it was found.

        Whether that is empty is asked of the database and not remembered: an interrupt that
        comes during the commit is raised only after it.
        """
        connection = self._connection
        # What fails here loses nothing: closing the connection drops the transaction too, and
        # the next writer sweeps.
        with contextlib.suppress(sqlite3.Error, OSError):
            if connection is not None and self._lock_again():
                if schema.is_empty(connection):
                    remove_files(self.directory, itself=self._made_directory)
                else:
                    sweep(connection, self.directory)
            elif self._made_directory and holds_nothing(self.directory):
                remove_files(self.directory, itself=True)
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _lock_again(self) -> bool:
        """Drop the transaction and keep other writers out; False where the disk is too full."""
        connection = self._connection
        connection.execute("PRAGMA busy_timeout=0")
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if _is_busy(error):
                raise
            return False
        return True

    def _busy(self) -> IndexBusyError:
        return IndexBusyError(
            f"{self.directory}: another process is writing to this index; "
            "wait for it to finish, then run this again"
        )

    def _explain(self, error: BaseException) -> None:
        """Raise a clearer error than SQLite's own, where there is one."""
        if not isinstance(error, sqlite3.Error):
            return
        text = str(error)
        if _is_busy(error):
            raise self._busy() from error
        where = str(self.directory)
        if "full" in text:
            raise OSError(
                errno.ENOSPC, "no space left on the disk; free some, then run this again", where
            ) from error
        if "disk I/O" in text:
            raise OSError(
                errno.EIO, "the disk refused a write: is it full, or over a quota?", where
            ) from error
        if "readonly" in text or "read-only" in text or "unable to open" in text:
            raise OSError(
                errno.EACCES, "cannot be written to (read-only?); choose another --index", where
            ) from error
        raise IndexDamagedError(
            f"{schema.database_path(self.directory)}: {error}; "
            "move it away, or build into another directory"
        ) from error

    def _nothing(self) -> str:
        summary = self.summary
        if summary.rejected:
            return f"nothing to build: all {summary.rejected} rows were rejected"
        return "nothing to build: no sentences"


def _is_busy(error: sqlite3.Error) -> bool:
    return "locked" in str(error) or "busy" in str(error)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
