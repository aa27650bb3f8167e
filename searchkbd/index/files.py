"""The immutable files of an index: written once, named by checksum, believed by their row."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.errors import IndexDamagedError
from searchkbd.index.schema import KINDS, TEMPORARY


@dataclass(frozen=True, slots=True)
class IndexFile:
    """One row of ``files``.

    ``owner`` is the row of ``segments``, or of ``codes``, that it belongs to; ``word_sum`` what
    ``word_sum`` makes of its content.
    """

    name: str
    kind: str
    owner: int
    bytes: int
    sha256: str
    word_sum: int

    def path(self, directory: Path) -> Path:
        """Return where the file lies in the index *directory*."""
        return directory / self.kind / self.name


def word_sum(data: memoryview | bytes | np.ndarray) -> int:
    """Return the sum of the 64-bit little-endian words of *data*, a signed 64-bit number.

    Zeros fill the last word. Any single changed bit changes the sum, and it is read as fast as
    memory is: what a reader can afford before it trusts a file that it is going to scan.
    """
    array = np.frombuffer(data, dtype=np.uint8)
    whole = len(array) - len(array) % 8
    total = int(array[:whole].view("<u8").sum(dtype=np.uint64))
    total += int.from_bytes(array[whole:].tobytes(), "little")
    total %= 1 << 64
    return total - (1 << 64) if total >= 1 << 63 else total


def write_file(
    directory: Path, kind: str, lang: str, owner: int, data: memoryview | bytes
) -> IndexFile:
    """Write *data* as a file of *kind* into the index *directory*, durable on return.

    The name holds the checksum, so that a file is never overwritten by another content. Raises
    OSError when the disk is full or not writable.
    """
    digest = hashlib.sha256(data).hexdigest()
    name = f"{lang}-{owner:06d}-{digest[:12]}{KINDS[kind]}"
    folder = directory / kind
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=TEMPORARY)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files that only their owner reads; an index is like any other document.
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, folder / name)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(folder)  # a failed write does not say where
        raise
    size = len(memoryview(data).cast("B"))
    return IndexFile(name, kind, owner, size, digest, word_sum(data))


def check_size(path: Path, file: IndexFile) -> None:
    """Raise IndexDamagedError unless *path* is there and as long as *file* says."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise damaged(path, f"cannot be read ({error.strerror})") from error
    if size != file.bytes:
        raise damaged(path, f"{size} bytes on disk, {file.bytes} expected")


def map_bytes(path: Path) -> NDArray[np.uint8]:
    """Return the content of *path*, mapped: it stays what it is, whatever becomes of the file.

    Raises IndexDamagedError.
    """
    try:
        return np.memmap(path, dtype=np.uint8, mode="r")
    except (OSError, ValueError) as error:  # gone, or emptied, since its size was looked at
        raise damaged(path, f"cannot be read ({error})") from error


def check_sum(path: Path, file: IndexFile, content: NDArray[np.uint8] | None = None) -> None:
    """Raise IndexDamagedError unless the content of *path*, which may be mapped already, has the
    sum that *file* says."""
    if word_sum(map_bytes(path) if content is None else content) != file.word_sum:
        raise damaged(path, "its content is not what was written (checksum)")


def damaged(path: Path, why: str) -> IndexDamagedError:
    """Return the error of a file that cannot be used."""
    return IndexDamagedError(f"{path}: {why}; rebuild the index with --replace")


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
