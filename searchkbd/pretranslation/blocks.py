"""The bytes and the text of a file that is to be written again: all of it, or an error."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator

from searchkbd.corpus import decompress
from searchkbd.corpus.lines import UNDECODABLE
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


class BlockDecoder:
    r"""Makes text of the blocks of the file *name*.

    Line ends stay, and ``\r\n`` is never cut in two. A byte that cannot be decoded becomes U+DC00
    plus its value.
    """

    def __init__(self, name: str, codec: str) -> None:
        self._name = name
        self._codec = codec
        decoder = codecs.getincrementaldecoder(codec)(UNDECODABLE)
        self._decoder = io.IncrementalNewlineDecoder(decoder, translate=False)

    def decode(self, block: bytes, *, final: bool = False) -> str:
        """Return the text of the next block; raises CorpusError where the codec gives up."""
        try:
            return self._decoder.decode(block, final=final)
        except UnicodeError as error:  # some codecs ignore error handlers
            raise CorpusError(f"{self._name} cannot be read as {self._codec}: {error}") from None
