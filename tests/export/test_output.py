"""A file appears when it is whole, and takes the place of the one that was there."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os

import pytest
import zstandard

from searchkbd.export.output import opened

DATA = "Псыр щIыIэщ.\n".encode() * 1000


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "out.tsv"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), opened(str(path)) as stream:
        stream.write(DATA)
        stream.flush()
        assert path.read_bytes() == b"old"
        raise ZeroDivisionError
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("out.tsv", b"old")]
    with opened(str(path)) as stream:
        stream.write(DATA)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("out.tsv", DATA)]


@pytest.mark.parametrize(
    ("suffix", "decompress"),
    [
        (".gz", gzip.decompress), (".bz2", bz2.decompress), (".xz", lzma.decompress),
        (".zst", lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)),
        (".GZ", gzip.decompress), ("", bytes),
    ],
)  # fmt: skip
def test_compressed_as_the_name_ends_and_always_alike(tmp_path, suffix, decompress):
    written = []
    for name in ("a", "another"):
        path = tmp_path / f"{name}.tsv{suffix}"
        with opened(str(path)) as stream:
            stream.write(DATA[:100])
            stream.write(DATA[100:])
        written.append(path.read_bytes())
    assert written[0] == written[1] and decompress(written[0]) == DATA
    assert not suffix or len(written[0]) < len(DATA) / 10


def test_gzip_says_neither_name_nor_time(tmp_path):
    path = tmp_path / "out.tsv.gz"
    with opened(str(path)) as stream:
        stream.write(DATA)
    assert path.read_bytes()[3:8] == bytes(5)  # RFC 1952: flags, modification time


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "out.tsv"
    target.write_bytes(b"old")
    link = tmp_path / "link.tsv"
    link.symlink_to(target)
    with opened(str(link)) as stream:
        stream.write(DATA)
    assert link.is_symlink() and target.read_bytes() == DATA


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with opened(str(path)) as stream:
            stream.write(b"data")
        assert os.read(reader, 100) == b"data"
    finally:
        os.close(reader)
    assert path.is_fifo() and list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_to(tmp_path):
    with pytest.raises(IsADirectoryError), opened(str(tmp_path)):
        pass
    with pytest.raises(FileNotFoundError) as error, opened(str(tmp_path / "none" / "out.tsv")):
        pass
    assert error.value.filename == str(tmp_path / "none")


def test_permissions_are_those_of_any_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        with opened(str(tmp_path / "out.tsv")) as stream:
            stream.write(DATA)
    finally:
        os.umask(before)
    assert (tmp_path / "out.tsv").stat().st_mode & 0o777 == 0o640
