"""The bytes of a file that is to be written again: all of them, or an error."""

from __future__ import annotations

from collections.abc import Iterator

from searchkbd.corpus.decompress import DamagedError, byte_chunks, shown
from searchkbd.corpus.sentence import CorpusError

BLOCK = 1 << 16


def byte_blocks(path: str) -> Iterator[bytes]:
    """Yield the decompressed content of the file *path* in blocks of 64 kB or some more.

    Raises CorpusError as byte_chunks does, and for damaged compressed data: what is not there
    cannot be written again.
    """
    parts: list[bytes] = []
    size = 0
    try:
        for chunk in byte_chunks(path):
            parts.append(chunk)
            size += len(chunk)
            if size >= BLOCK:
                yield b"".join(parts)
                parts, size = [], 0
    except DamagedError as error:
        raise CorpusError(f"{shown(path)} cannot be read: {error}") from None
    if parts:
        yield b"".join(parts)
