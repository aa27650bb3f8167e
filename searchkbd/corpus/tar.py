"""The one file in a tar archive, as a stream; nothing is unpacked.

The standard library reads the long headers of an archive whole, whatever size they claim; here
everything but the file's content is skipped. The format: POSIX.1-1988 (ustar), section 10.1.1.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from searchkbd.corpus.sentence import CorpusError

BLOCK = 512
"""Bytes of a header, and what the content of files is padded to."""

_SIZE = slice(124, 136)
_TYPE = slice(156, 157)
_MAGIC = slice(257, 262)
_FILES = (b"0", b"\0")


class TruncatedArchiveError(Exception):
    """The archive ends within a file."""


def is_tar(start: bytes) -> bool:
    """Return whether what begins with the 512 bytes *start* is a tar archive."""
    return start[_MAGIC] == b"ustar"


def file_in_tar(chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Yield the content of the only regular file in the archive *chunks*.

    Raises CorpusError, for the archive called *name*, when it holds no file or more than one, and
    TruncatedArchiveError.
    """
    source = _Source(chunks)
    found = False
    while (header := source.take(BLOCK)).strip(b"\0"):
        size = _size(header[_SIZE], name)
        pieces = source.pieces(size)
        if header[_TYPE] in _FILES:
            if found:
                raise CorpusError(f"{name} is an archive of several files; unpack it and name them")
            found = True
            yield from map(bytes, pieces)
        deque(pieces, 0)
        deque(source.pieces(-size % BLOCK), 0)
    if not found:
        raise CorpusError(f"{name} is an archive without a file in it")


def _size(field: bytes, name: str) -> int:
    if field[:1] == b"\x80":  # GNU: a binary number, for 8 GB and more
        return int.from_bytes(field[1:], "big")
    try:
        return int(field.strip(b" \0") or b"0", 8)
    except ValueError:
        raise CorpusError(f"{name} is a damaged archive; fetch it again") from None


class _Source:
    """Bytes in the amounts that are asked for, copied only when they are handed out."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = memoryview(b"")

    def take(self, size: int) -> bytes:
        """Return the next *size* bytes, fewer at the end."""
        out = b""
        while len(out) < size and (self._left or self._refill()):
            piece = self._left[: size - len(out)]
            self._left = self._left[len(piece) :]
            out += piece
        return out

    def pieces(self, size: int) -> Iterator[memoryview]:
        """Yield the next *size* bytes, piece by piece."""
        while size:
            if not self._left and not self._refill():
                raise TruncatedArchiveError
            piece = self._left[:size]
            self._left = self._left[len(piece) :]
            size -= len(piece)
            yield piece

    def _refill(self) -> bool:
        self._left = memoryview(next(self._chunks, b""))
        return bool(self._left)
