"""One write transaction on an index directory: everything or nothing of it is kept.

Immutable files are written first and nothing refers to them; then one SQLite transaction makes
them real. Killed at any point, the directory opens as it was before: SQLite rolls an uncommitted
transaction back, and the next writer sweeps the files that no committed row names.
"""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from searchkbd.errors import IndexBusyError, IndexDamagedError
from searchkbd.index import schema
from searchkbd.index.directory import check_place, holds_nothing, remove_files, sweep
from searchkbd.index.files import IndexFile, sync_directory
from searchkbd.index.texts import write_texts
from searchkbd.index.vectors import write_vectors


class WriteTransaction:
    """A context manager that holds the write lock; what is not committed is undone.

    Raises IndexExistsError or IndexNotFoundError for a directory that is something else,
    IndexBusyError while another process writes, IndexDamagedError, and OSError (full disk, no
    permission). With *make*, a directory that is not there is made.
    """

    def __init__(self, directory: Path, *, make: bool) -> None:
        self.directory = directory
        self.connection: sqlite3.Connection
        self.was_empty = False
        self._make = make
        self._opened = False
        self._committed = False
        self._made_directory = False

    def __enter__(self) -> WriteTransaction:
        check_place(self.directory)
        self._made_directory = not self.directory.exists()
        try:
            if self._make:
                for folder in schema.folders(self.directory):
                    folder.mkdir(parents=True, exist_ok=True)
            self.connection = sqlite3.connect(
                schema.database_path(self.directory), timeout=1.0, isolation_level=None
            )
            self._opened = True
            self._begin()
        except BaseException as error:
            self._abandon()
            self._explain(error)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _) -> None:
        if self._committed:
            self.connection.close()
            return
        self._abandon()
        if error is not None:
            self._explain(error)

    def sweep(self) -> None:
        """Delete the files that nothing refers to; before anything is dropped, as they must
        stay until the commit."""
        sweep(self.connection, self.directory)

    def write(
        self, lang: str, rows: np.ndarray, vectors: np.ndarray, keys: Sequence[str]
    ) -> IndexFile:
        """Write the files of sentences of *lang* and name them; returns the vector file.

        *rows* is int64 [n], ascending, *vectors* float32 [n, dim], *keys* the search keys.
        """
        texts = write_texts(schema.texts_path(self.directory), lang, rows, keys)
        file = write_vectors(schema.vectors_path(self.directory), lang, rows, vectors)
        for table, entry in (("vector_files", file), ("text_files", texts)):
            self.connection.execute(
                f"INSERT INTO {table} (name, lang, rows, bytes, sha256) VALUES (?, ?, ?, ?, ?)",
                (entry.name, entry.lang, entry.rows, entry.bytes, entry.sha256),
            )
        return file

    def commit(self, *, shrink: bool = False) -> None:
        """Make everything durable and visible at once; *shrink* gives the space of rows back."""
        for folder in schema.folders(self.directory):
            sync_directory(folder)
        connection = self.connection
        connection.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES ('updated', ?)", (now(),)
        )
        connection.execute("COMMIT")
        self._committed = True
        # Failing at what follows loses nothing.
        with contextlib.suppress(sqlite3.OperationalError, OSError):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if shrink:
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.execute("BEGIN IMMEDIATE")  # keeps out a writer whose files are uncommitted
            sweep(connection, self.directory)
            connection.execute("ROLLBACK")

    def _begin(self) -> None:
        connection = self.connection
        connection.execute("PRAGMA journal_mode=WAL").fetchall()
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-65536")
        connection.execute("BEGIN IMMEDIATE")
        if not schema.database_path(self.directory).exists():
            raise self._busy()  # its writer failed, and removed it while this one waited
        self.was_empty = schema.is_empty(connection)

    def _abandon(self) -> None:
        """Leave the directory as it was found.

        Whether that is empty is asked of the database and not remembered: an interrupt that
        comes during the commit is raised only after it.
        """
        # What fails here loses nothing: closing the connection drops the transaction too, and
        # the next writer sweeps.
        with contextlib.suppress(sqlite3.Error, OSError):
            if self._opened and self._lock_again():
                if schema.is_empty(self.connection):
                    remove_files(self.directory, itself=self._made_directory)
                else:
                    sweep(self.connection, self.directory)
            elif self._made_directory and holds_nothing(self.directory):
                remove_files(self.directory, itself=True)
        if self._opened:
            with contextlib.suppress(sqlite3.Error):
                self.connection.close()

    def _lock_again(self) -> bool:
        """Drop the transaction and keep other writers out; False where the disk is too full."""
        connection = self.connection
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


def _is_busy(error: sqlite3.Error) -> bool:
    return "locked" in str(error) or "busy" in str(error)


def now() -> str:
    """Return the time as indexes write it: ISO 8601 in UTC, to the second."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
