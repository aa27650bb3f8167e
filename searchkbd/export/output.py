"""Where an export goes: standard input of the next program, or a file that appears when whole."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

STDOUT = "-"
"""The file name that stands for standard output."""

COMPRESSED = (".gz", ".bz2", ".xz", ".zst")


@contextlib.contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """Open *path* for writing; what is written is compressed as its name ends.

    A file takes the place of one that is there when the block ends, at once and whole; when it
    raises, the old one stays and nothing else is left. A pipe or device is written to directly.
    Raises OSError.
    """
    if path == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    place = Path(os.path.realpath(path))  # a link stays, what it points to is replaced
    if place.is_dir():
        raise IsADirectoryError(errno.EISDIR, "a directory; name a file", path)
    if place.exists() and not place.is_file():
        with open(place, "wb") as raw, _compressed(raw, path) as stream:
            yield stream
        return
    if not place.parent.is_dir():
        raise FileNotFoundError(
            errno.ENOENT, "no such directory; make it first", str(Path(path).parent)
        )
    temporary = place.with_name(f".searchkbd-{secrets.token_hex(6)}.tmp")
    try:
        with open(temporary, "xb") as raw:
            with _compressed(raw, path) as stream:
                yield stream
            raw.flush()
            os.fsync(raw.fileno())
        os.replace(temporary, place)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            error.filename = path  # a failed write does not say where
        raise


def _compressed(raw: BinaryIO, path: str) -> AbstractContextManager[BinaryIO]:
    """Return a stream that compresses into *raw*, the same bytes for the same content."""
    suffix = Path(path).suffix.lower()
    if suffix == ".gz":
        import gzip

        return gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)
    if suffix == ".bz2":
        import bz2

        return bz2.BZ2File(raw, "wb")
    if suffix == ".xz":
        import lzma

        return lzma.LZMAFile(raw, "wb")
    if suffix == ".zst":
        import zstandard

        return zstandard.ZstdCompressor().stream_writer(raw, closefd=False)
    return contextlib.nullcontext(raw)
