"""One write transaction on an index directory: everything or nothing of it is kept.

Immutable files are written first and nothing refers to them; then one SQLite transaction makes
them real. Killed at any point, the directory opens as it was before: SQLite rolls an uncommitted
transaction back, and the next writer sweeps the files that no committed row names.
"""

from __future__ import annotations

import contextlib
import errno
import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.tensors import sync_directory
from searchkbd.errors import IndexBusyError, IndexDamagedError
from searchkbd.index import schema
from searchkbd.index.checksums import CATALOG_KEY, catalog_checksum
from searchkbd.index.codes import CodesEntry, Effort, Recall, settings
from searchkbd.index.directory import check_place, holds_nothing, remove_files, sweep
from searchkbd.index.files import IndexFile, write_file
from searchkbd.index.lock import read_holder, remove_holder, write_holder
from searchkbd.index.rows import write_rows
from searchkbd.index.segments import SegmentEntry, read_segments
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
        self._is_holder = False
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
            self._is_holder = True
            write_holder(self.directory)
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

    @cached_property
    def dim(self) -> int:
        """Dimensions of the index's vectors."""
        found = self.connection.execute("SELECT value FROM meta WHERE key = 'dim'").fetchone()
        return int(found[0])

    def segments(self) -> list[SegmentEntry]:
        """Return the segments as this transaction has them so far."""
        return read_segments(self.connection)

    def write_segment(
        self,
        lang: str,
        rows: NDArray[np.int64],
        vectors: NDArray[np.floating],
        keys: Sequence[str],
    ) -> int:
        """Write vectors and texts of new sentences of *lang*; return the row of the segment.

        *rows* is int64 [n], ascending, *vectors* float [n, dim], *keys* the search keys. The row
        file is missing yet: see ``write_row_file``.
        """
        segment = self.connection.execute(
            "INSERT INTO segments (lang, rows, live) VALUES (?, ?, ?)", (lang, len(rows), len(rows))
        ).lastrowid
        self.name_file(write_texts(self.directory, lang, segment, rows, keys))
        self.name_file(write_vectors(self.directory, lang, segment, vectors))
        return segment

    def write_row_file(
        self,
        lang: str,
        segment: int,
        rows: NDArray[np.int64],
        sums: NDArray[np.uint64],
        hubness: NDArray[np.floating],
    ) -> None:
        """Write the row file of *segment*, in the place of one that it has."""
        self.connection.execute(
            "DELETE FROM files WHERE kind = 'rows' AND owner = ?", (segment,)
        )
        self.name_file(write_rows(self.directory, lang, segment, rows, sums, hubness))

    def write_codes(self, entry: CodesEntry, data: memoryview) -> None:
        """Write codes, in the place of those that the language has; ``entry.row`` is not read."""
        self.drop_codes(entry.lang)
        row = self.connection.execute(
            "INSERT INTO codes (lang, kind, segments, settings) VALUES (?, ?, ?, ?)",
            (entry.lang, entry.kind, json.dumps(entry.segments), settings(entry.efforts)),
        ).lastrowid
        self.name_file(write_file(self.directory, "codes", entry.lang, row, data))

    def set_efforts(self, codes: int, efforts: Mapping[Recall, Effort]) -> None:
        """Set how the codes of this row are searched."""
        self.connection.execute(
            "UPDATE codes SET settings = ? WHERE row = ?", (settings(efforts), codes)
        )

    def drop_codes(self, lang: str) -> None:
        """Forget the codes of *lang*, if there are any."""
        self.connection.execute(
            "DELETE FROM files WHERE kind = 'codes'"
            " AND owner IN (SELECT row FROM codes WHERE lang = ?)",
            (lang,),
        )
        self.connection.execute("DELETE FROM codes WHERE lang = ?", (lang,))

    def drop_segment(self, segment: int) -> None:
        """Forget a segment and its files."""
        self.connection.execute(
            "DELETE FROM files WHERE kind <> 'codes' AND owner = ?", (segment,)
        )
        self.connection.execute("DELETE FROM segments WHERE row = ?", (segment,))

    def name_file(self, file: IndexFile) -> None:
        """Make *file* part of the index."""
        self.connection.execute(
            "INSERT INTO files (name, kind, owner, bytes, sha256, word_sum)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (file.name, file.kind, file.owner, file.bytes, file.sha256, file.word_sum),
        )

    def commit(self, *, shrink: bool = False) -> None:
        """Make everything durable and visible at once; *shrink* gives the space of rows back."""
        for folder in (*schema.folders(self.directory), self.directory):
            sync_directory(folder)
        connection = self.connection
        connection.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES ('updated', ?)", (now(),)
        )
        connection.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)",
            (CATALOG_KEY, catalog_checksum(connection)),
        )
        connection.execute("COMMIT")
        self._committed = True
        # Failing at what follows loses nothing.
        with contextlib.suppress(sqlite3.Error, OSError):
            remove_holder(self.directory)
            connection.execute("PRAGMA busy_timeout=0")  # what others keep busy can wait
            if shrink:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                connection.execute("VACUUM")
            connection.execute("BEGIN IMMEDIATE")  # keeps out a writer whose files are uncommitted
            sweep(connection, self.directory)
            connection.execute("ROLLBACK")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

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
            if self._is_holder:  # not another transaction of this process
                remove_holder(self.directory)
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
        holder = read_holder(self.directory) or "another process"
        return IndexBusyError(
            f"{self.directory}: {holder} is writing to this index; "
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
