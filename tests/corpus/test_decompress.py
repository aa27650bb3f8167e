"""Compressed files, and files that are no text."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import tracemalloc
from functools import cache
from types import SimpleNamespace

import pytest
import zstandard

from searchkbd.corpus.decompress import DamagedError, byte_chunks
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError, Reject, Sentence

COMPRESS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    # As the zstd command does; without a checksum, damage inside a letter cannot be seen.
    "zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}
# Hard to compress, so that half of the file is about half of its text.
RANDOM = random.Random(1)
TEXT = "".join(f"{RANDOM.randbytes(20).hex()} псалъэ\n" for _ in range(30_000))


@cache
def compressed(kind: str) -> bytes:
    return COMPRESS[kind](TEXT.encode())


@pytest.mark.parametrize("kind", COMPRESS)
def test_compression_is_told_by_the_content(tmp_path, kind):
    path = tmp_path / "named-otherwise.txt"
    path.write_bytes(compressed(kind))
    assert b"".join(byte_chunks(str(path))).decode() == TEXT


@pytest.mark.parametrize("kind", COMPRESS)
def test_several_streams_and_padding_are_one_file(tmp_path, kind):
    path = tmp_path / "many"
    compress = COMPRESS[kind]
    path.write_bytes(compress(b"one\n") + compress(b"two\n") + b"\0" * 5000 + compress(b"three\n"))
    assert b"".join(byte_chunks(str(path))) == b"one\ntwo\nthree\n"


@pytest.mark.parametrize("kind", COMPRESS)
def test_a_truncated_file_gives_its_beginning_and_says_so(tmp_path, kind):
    path = tmp_path / f"cut.txt.{kind}"
    whole = compressed(kind)
    path.write_bytes(whole[: len(whole) * 2 // 3])
    *items, last = read_corpus(path, ReadOptions(lang="kbd"))
    assert isinstance(last, Reject)
    assert last.kind == "unreadable from here on" and "ends too early" in last.reason
    assert [item.text for item in items] == TEXT.splitlines()[: len(items)]
    assert last.place.line == len(items) + 1
    assert len(items) > 10_000


@pytest.mark.parametrize("kind", COMPRESS)
def test_a_damaged_file_gives_its_beginning_and_says_so(tmp_path, kind):
    path = tmp_path / f"bad.txt.{kind}"
    whole = bytearray(compressed(kind) * 2)
    at = len(whole) * 3 // 4
    whole[at : at + 200] = b"\xff" * 200
    path.write_bytes(whole)
    items = list(read_corpus(path, ReadOptions(lang="kbd")))
    sentences = [item for item in items if isinstance(item, Sentence)]
    assert [item.text for item in sentences[:30_000]] == TEXT.splitlines()
    assert isinstance(items[-1], Reject)
    assert items[-1].kind == "unreadable from here on"


@pytest.mark.parametrize("kind", COMPRESS)
def test_a_file_of_which_nothing_can_be_read(tmp_path, kind):
    path = tmp_path / "cut"
    path.write_bytes(compressed(kind)[:12])
    with pytest.raises(CorpusError, match="cut cannot be read: .*compressed data"):
        list(read_corpus(path, ReadOptions(lang="kbd")))


@pytest.mark.parametrize("kind", COMPRESS)
def test_junk_after_the_compressed_data_is_told(tmp_path, kind):
    path = tmp_path / "junk"
    path.write_bytes(COMPRESS[kind](b"one\n") + b"junk")
    chunks = byte_chunks(str(path))
    assert next(chunks) == b"one\n"
    with pytest.raises(DamagedError):
        list(chunks)


@pytest.mark.parametrize("kind", COMPRESS)
def test_a_decompression_bomb_takes_bounded_memory(tmp_path, kind):
    path = tmp_path / "bomb"
    opener = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open, "zst": zstandard.open}[kind]
    with opener(path, "wb") as file:
        for _ in range(80):
            file.write(b"\n" * 1_000_000)
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    try:
        total = sum(map(len, byte_chunks(str(path))))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total == 80_000_000
    assert peak < 45_000_000


def test_what_is_no_file():
    with pytest.raises(CorpusError, match="nowhere.tsv does not exist"):
        list(read_corpus("nowhere.tsv"))
    with pytest.raises(CorpusError, match="is a directory; name the files in it"):
        list(read_corpus(os.curdir))
    with pytest.raises(CorpusError, match="is not a file name"):
        list(read_corpus("a\0b"))


@pytest.mark.parametrize(
    ("start", "what"),
    [(b"PK\x03\x04", "zip archive"), (b"%PDF-1.7", "PDF"), (b"SQLite format 3\0", "SQLite")],
)
def test_what_is_known_not_to_be_text(tmp_path, start, what):
    path = tmp_path / "sheet.tsv"
    path.write_bytes(start + bytes(100))
    with pytest.raises(CorpusError, match=what):
        list(read_corpus(path))


def test_standard_input_may_be_compressed_and_come_slowly(monkeypatch):
    class Slow(io.BytesIO):
        def read1(self, size: int = -1) -> bytes:
            return super().read1(1)

    content = gzip.compress("id\tlang\ttext\nа\tru\tДа\n".encode())
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=Slow(content)))
    (sentence,) = read_corpus("-")
    assert (sentence.id, sentence.text) == ("а", "Да")
    assert str(sentence.source) == "<stdin>:2"
