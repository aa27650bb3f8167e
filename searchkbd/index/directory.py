"""The files of an index directory, as a writer sees them: what is ours, and what must not go."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from searchkbd.errors import IndexExistsError
from searchkbd.index import schema
from searchkbd.index.lock import is_holder_file
from searchkbd.index.reader import connect_read_only, require_own_tables

BUILDING = "building.json"
"""Says how the build that is under way, or was interrupted, is repeated (searchkbd.cli.resume)."""

_DATABASE_SUFFIXES = ("", "-journal", "-wal", "-shm")
_ONE_PAGE = 4096  # bytes of a database that has a header and no tables


def check_place(directory: Path) -> None:
    """Refuse to build into what is neither an index nor empty; nothing is written.

    Raises IndexExistsError, or IndexNotFoundError or IndexDamagedError for a database that is
    somebody else's or none.
    """
    if not directory.exists():
        return
    if not directory.is_dir():
        raise IndexExistsError(f"{directory}: a file, not a directory; choose another --index")
    if schema.database_path(directory).exists():
        connection = connect_read_only(directory)
        try:
            if not schema.is_empty(connection):
                require_own_tables(connection, directory)
        finally:
            connection.close()
        return
    ours = schema.folders(directory)
    others = [
        path.name
        for path in directory.iterdir()
        if not (path in ours and path.is_dir())
        and not is_holder_file(path)
        and not is_building_file(path)
    ]
    # A build that was killed may have left files; a folder of that name may also be the user's.
    others += [
        f"{folder.name}/{path.name}"
        for folder in ours
        for path in files_of(folder)
        if not schema.is_index_file(path)
    ]
    if others:
        raise IndexExistsError(
            f"{directory}: holds other things ({', '.join(sorted(others)[:3])}"
            f"{', …' if len(others) > 3 else ''}) and no index; choose an empty directory"
        )


def is_building_file(path: Path) -> bool:
    """Return whether *path* is such a file, finished or half-written, by its name."""
    return path.name == BUILDING or path.name.startswith(f".{BUILDING}.")


def holds_nothing(directory: Path) -> bool:
    """Return whether nothing was ever committed here, judged by sizes alone."""
    database = schema.database_path(directory)
    log = database.with_name(database.name + "-wal")
    return _size(database) <= _ONE_PAGE and not _size(log)


def sweep(connection: sqlite3.Connection, directory: Path) -> None:
    """Delete the files that no row names; *connection* has to keep other writers out.

    Not while a reader has an older snapshot, which may name them: then a later writer will.
    """
    if _is_read_behind(directory):
        return
    named = set()
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    for table in ("files", *schema.OLDER_TABLES):
        if table in tables:
            named |= {name for (name,) in connection.execute(f"SELECT name FROM {table}")}
    for folder in schema.folders(directory):
        for path in files_of(folder):
            if path.name not in named and schema.is_index_file(path):
                path.unlink(missing_ok=True)


def _is_read_behind(directory: Path) -> bool:
    """Return whether anybody may be reading what was committed before the last commit.

    Who does keeps the log from being written back as a whole; nobody is waited for.
    """
    connection = sqlite3.connect(schema.database_path(directory), timeout=0)
    try:
        busy, pages, written = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    finally:
        connection.close()
    return bool(busy) or pages != written


def remove_files(directory: Path, *, itself: bool) -> None:
    """Remove what builds made in *directory*, and *itself* too if that leaves it empty.

    What says how a build is repeated stays: whoever began that build knows whether it can be.
    """
    database = schema.database_path(directory)
    for suffix in _DATABASE_SUFFIXES:
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    for path in files_of(directory):
        if is_holder_file(path):
            path.unlink(missing_ok=True)
    for folder in schema.folders(directory):
        for path in files_of(folder):
            if schema.is_index_file(path):
                path.unlink(missing_ok=True)
        if folder.is_dir() and not files_of(folder):
            folder.rmdir()
    if itself and not files_of(directory):
        directory.rmdir()


def database_bytes(directory: Path) -> int:
    """Return the bytes of the database and its log."""
    path = schema.database_path(directory)
    return sum(_size(path.with_name(path.name + suffix)) for suffix in _DATABASE_SUFFIXES)


def size_of(directory: Path) -> int:
    """Return the bytes of all files of an index."""
    files = [path for folder in schema.folders(directory) for path in files_of(folder)]
    return database_bytes(directory) + sum(map(_size, files))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def files_of(directory: Path) -> list[Path]:
    """Return what is in *directory*, nothing if it is none."""
    return list(directory.iterdir()) if directory.is_dir() else []
