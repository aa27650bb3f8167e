"""The bytes of a file that is to be written again: all of them, or an error."""

from __future__ import annotations

from collections.abc import Iterator

from searchkbd.corpus import decompress
from searchkbd.corpus.sentence import CorpusError


def byte_blocks(path: str) -> Iterator[bytes]:
    """Yield the decompressed content of the file *path* in blocks of 64 kB and more but the last.

    Raises CorpusError as byte_chunks does, and for damaged compressed data: what is not there
    cannot be written again.
    """
    try:
        yield from decompress.byte_blocks(path)
    except decompress.DamagedError as error:
        raise CorpusError(f"{decompress.shown(path)} cannot be read: {error}") from None
