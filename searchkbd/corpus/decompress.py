"""The bytes of a file or of standard input, decompressed, in pieces of bounded size."""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import chain
from typing import BinaryIO

from searchkbd.corpus.sentence import CorpusError
from searchkbd.corpus.tar import BLOCK, TruncatedArchiveError, file_in_tar, is_tar

STDIN = "-"
"""The file name that stands for standard input."""

_CHUNK = 1 << 18
_BLOCK = 1 << 16
# Against decompression bombs. bzip2 and xz are asked for so many bytes at a time; gzip and
# Zstandard cannot make more than 1 and 32 MB of the few compressed bytes that they are given.
_OUTPUT = 1 << 20
_PIECE = 1 << 10
_XZ_MEMORY = 1 << 28

# What is no text and is often mistaken for it: first bytes, and what to say.
_NOT_TEXT = {
    b"PK\x03\x04": "a zip archive or an office document; unpack it, or save the sheet as UTF-8 TSV",
    b"\xd0\xcf\x11\xe0": "an old office document; save the sheet as UTF-8 TSV",
    b"%PDF": "a PDF document; extract its text first",
    b"SQLite format 3": "an SQLite database; export its table as TSV",
    b"7z\xbc\xaf": "a 7z archive; unpack it first",
    b"PAR1": "a Parquet file; say --format parquet",
}
_LONGEST_MAGIC = max(map(len, _NOT_TEXT))


class DamagedError(Exception):
    """Compressed data that cannot be read to its end; the message says why."""


def shown(path: str) -> str:
    """Return what messages and places call the file *path*."""
    return "<stdin>" if path == STDIN else path


def byte_chunks(path: str) -> Iterator[bytes]:
    """Yield the decompressed content of the file *path*, or of standard input for ``-``.

    gzip, bzip2, xz and Zstandard are told by their first bytes, whatever the name; files made
    of several compressed streams are read through. Of a tar archive, compressed or not, the file
    in it is read, if it is one.

    Raises :class:`CorpusError` when the file cannot be opened or is known not to be text, and
    :class:`DamagedError` where compressed data is damaged or ends too early.
    """
    with _open(path) as file:
        chunks = _read(file, path)
        start = b""
        for chunk in chunks:
            start += chunk
            if len(start) >= _LONGEST_MAGIC:
                break
        for magic, what in _NOT_TEXT.items():
            if start.startswith(magic):
                raise CorpusError(f"{shown(path)} is {what}")
        new = _decompressor(start)
        pieces = _chain(start, chunks)
        yield from _untarred(_decompress(pieces, new) if new else pieces, shown(path))


def _untarred(chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Yield the file in the archive *chunks*, or *chunks* as they are when they are none."""
    start, damage = _beginning(chunks)
    if not is_tar(b"".join(chunk[:BLOCK] for chunk in start)):
        while start:
            yield start.pop(0)
        if damage:
            raise damage
        yield from chunks
        return
    try:
        yield from file_in_tar(chain(start, chunks), name)
    except TruncatedArchiveError:
        raise damage or DamagedError("an archive that ends too early") from None


def _beginning(chunks: Iterator[bytes]) -> tuple[list[bytes], DamagedError | None]:
    """Return the first chunks, at least as long as a header, and the damage that ended them."""
    start: list[bytes] = []
    try:
        while sum(map(len, start)) < BLOCK and (chunk := next(chunks, b"")):
            start.append(chunk)
    except DamagedError as error:
        return start, error
    return start, None


def byte_blocks(path: str) -> Iterator[bytes]:
    """Yield what :func:`byte_chunks` does, in blocks of 64 kB and more but the last.

    What came before damage is yielded before DamagedError is raised.
    """
    parts: list[bytes] = []
    size = 0
    damage = None
    try:
        for chunk in byte_chunks(path):
            parts.append(chunk)
            size += len(chunk)
            if size >= _BLOCK:
                yield b"".join(parts)
                parts, size = [], 0
    except DamagedError as error:
        damage = error
    if parts:
        yield b"".join(parts)
    if damage:
        raise damage


def _open(path: str):
    if path == STDIN:
        return nullcontext(sys.stdin.buffer)
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise CorpusError(f"{path} does not exist") from None
    except IsADirectoryError:
        raise CorpusError(f"{path} is a directory; name the files in it") from None
    except OSError as error:
        raise CorpusError(f"{path} cannot be opened: {error.strerror}") from None
    except ValueError:  # a NUL in the name
        raise CorpusError(f"{path!r} is not a file name") from None


def _read(file: BinaryIO, path: str) -> Iterator[bytes]:
    try:
        # read1: standard input is passed on as it comes.
        while chunk := file.read1(_CHUNK):  # type: ignore[attr-defined]
            yield chunk
    except OSError as error:
        raise CorpusError(f"{shown(path)} cannot be read: {error.strerror}") from None


def _chain(start: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    if start:
        yield start
    yield from chunks


def _decompressor(start: bytes) -> Callable[[], object] | None:
    if start.startswith(b"\x1f\x8b"):
        return lambda: zlib.decompressobj(wbits=31)
    if start.startswith(b"BZh"):
        return bz2.BZ2Decompressor
    if start.startswith(b"\xfd7zXZ\x00"):
        return lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        import zstandard

        return lambda: zstandard.ZstdDecompressor().decompressobj()
    return None


def _decompress(chunks: Iterator[bytes], new: Callable[[], object]) -> Iterator[bytes]:
    engine = None
    for chunk in chunks:
        for start in range(0, len(chunk), _PIECE):
            data = chunk[start : start + _PIECE]
            while data:
                if engine is None:
                    # Archives are padded with zeros between and after their streams.
                    data = data.lstrip(b"\0")
                    if not data:
                        break
                    engine = new()
                yield from _outputs(engine, data)
                data = b""
                if engine.eof:
                    data = engine.unused_data
                    engine = None
    if engine is not None:
        raise DamagedError("compressed data that ends too early")


def _outputs(engine, data: bytes) -> Iterator[bytes]:
    limits = hasattr(engine, "needs_input")  # bzip2 and xz
    more = True
    while more:
        try:
            out = engine.decompress(data, _OUTPUT) if limits else engine.decompress(data)
        except Exception as error:  # each library has its own, that of zstandard is a plain one
            raise DamagedError(f"damaged compressed data ({error})") from None
        if out:
            yield out
        data = b""
        more = limits and not engine.needs_input and not engine.eof
