"""The immutable files of an index: written once, named by checksum, believed by their row."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from searchkbd.errors import IndexDamagedError
from searchkbd.index.schema import TEMPORARY


@dataclass(frozen=True, slots=True)
class IndexFile:
    """One row of ``vector_files`` or ``text_files``: a file about sentences of one language."""

    name: str
    lang: str
    rows: int
    bytes: int
    sha256: str


def write_file(
    directory: Path, suffix: str, lang: str, first_row: int, rows: int, data: memoryview | bytes
) -> IndexFile:
    """Write *data* into *directory*, durable on return.

    The name holds the checksum, so that a file is never overwritten by another content. Raises
    OSError when the disk is full or not writable.
    """
    digest = hashlib.sha256(data).hexdigest()
    name = f"{lang}-{first_row:08d}-{digest[:12]}{suffix}"
    handle, temporary = tempfile.mkstemp(dir=directory, prefix=TEMPORARY)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files that only their owner reads; an index is like any other document.
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, directory / name)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(directory)  # a failed write does not say where
        raise
    return IndexFile(name, lang, rows, len(memoryview(data).cast("B")), digest)


def check_size(path: Path, file: IndexFile) -> None:
    """Raise IndexDamagedError unless *path* is there and as long as *file* says."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise IndexDamagedError(
            f"{path}: cannot be read ({error.strerror}); rebuild the index with --replace"
        ) from error
    if size != file.bytes:
        raise IndexDamagedError(
            f"{path}: {size} bytes on disk, {file.bytes} expected; "
            "rebuild the index with --replace"
        )


def sync_directory(directory: Path) -> None:
    """Make the names in *directory* durable (a no-op where directories cannot be opened)."""
    if os.name != "posix":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
