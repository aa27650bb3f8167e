"""The one file in an archive."""

from __future__ import annotations

import bz2
import io
import tarfile
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.corpus.decompress import DamagedError, byte_chunks
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError, Reject
from searchkbd.corpus.tar import TruncatedArchiveError, file_in_tar

FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


def archive(files: dict[str, bytes], format: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as tar:
        folder = tarfile.TarInfo("data")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


@given(
    st.binary(max_size=2000), st.sampled_from(FORMATS), st.integers(1, 3000),
    st.sampled_from(["links.csv", "щӏэ/" * 50 + "links.csv"]),
)  # fmt: skip
def test_the_content_comes_back_however_it_is_cut(content, format, step, name):
    if format == tarfile.USTAR_FORMAT:
        name = "links.csv"  # it cannot hold a long one
    data = archive({name: content}, format)
    chunks = (data[at : at + step] for at in range(0, len(data), step))
    assert b"".join(file_in_tar(chunks, "x.tar")) == content


@pytest.mark.parametrize("compress", [bytes, bz2.compress])
def test_a_table_in_an_archive_is_read(tmp_path, compress):
    path = tmp_path / "in.tsv.tar.bz2"
    path.write_bytes(compress(archive({"in.tsv": "lang\ttext\nru\tМост\n".encode()})))
    (sentence,) = read_corpus(path)
    assert (sentence.text, sentence.source.line) == ("Мост", 2)


def test_several_files_are_not_taken_for_one(tmp_path):
    path = tmp_path / "in.tar"
    path.write_bytes(archive({"a.txt": b"one\n", "b.txt": b"two\n"}))
    with pytest.raises(CorpusError, match="in.tar is an archive of several files; unpack it"):
        list(byte_chunks(str(path)))
    path.write_bytes(archive({}))
    with pytest.raises(CorpusError, match="without a file in it"):
        list(byte_chunks(str(path)))


def test_a_truncated_archive_gives_its_beginning_and_says_so(tmp_path):
    path = tmp_path / "in.tar"
    path.write_bytes(archive({"a.txt": "Мост\n".encode() * 1000})[:5000])
    *sentences, last = read_corpus(path, ReadOptions(lang="ru"))
    assert len(sentences) > 300
    assert isinstance(last, Reject) and "archive that ends too early" in last.reason


def test_damaged_compression_of_an_archive_is_told(tmp_path):
    path = tmp_path / "in.tar.bz2"
    path.write_bytes(bz2.compress(archive({"a.txt": bytes(range(256)) * 4000}))[:-20])
    with pytest.raises(DamagedError):
        list(byte_chunks(str(path)))


def test_a_long_header_is_not_held_in_memory(tmp_path):
    """A header that claims a gigabyte of attributes."""
    header = bytearray(archive({"a": b""})[512:1024])
    header[124:136] = b"07777777777\0"
    header[156:157] = b"x"
    megabyte = b"x" * (1 << 20)

    def chunks():
        yield bytes(header)
        for _ in range(64):
            yield megabyte

    tracemalloc.start()
    try:
        with pytest.raises(TruncatedArchiveError):
            list(file_in_tar(chunks(), "x.tar"))
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
