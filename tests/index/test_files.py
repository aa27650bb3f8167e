"""Immutable files: written whole or not at all, and any changed bit shows in the sum."""

from __future__ import annotations

import errno
import hashlib
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.errors import IndexDamagedError
from searchkbd.index import files
from searchkbd.index.files import check_size, check_sum, word_sum, write_file
from searchkbd.index.schema import KINDS
from tests.index.helpers import empty_directory

CONTENT = bytes(range(256)) * 5 + b"end"


@given(st.binary(max_size=70))
def test_the_sum_is_that_of_the_words(data):
    padded = data + b"\0" * (-len(data) % 8)
    words = [int.from_bytes(padded[at : at + 8], "little") for at in range(0, len(padded), 8)]
    assert word_sum(data) % 2**64 == sum(words) % 2**64
    assert -(2**63) <= word_sum(data) < 2**63  # what SQLite can hold
    assert word_sum(np.frombuffer(data, dtype=np.uint8)) == word_sum(memoryview(data))


@given(st.binary(min_size=1, max_size=70), st.data())
def test_any_single_flipped_bit_changes_the_sum(data, draw):
    bit = draw.draw(st.integers(0, 8 * len(data) - 1))
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    assert word_sum(bytes(flipped)) != word_sum(data)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_says_what_was_written(tmp_path, kind):
    file = write_file(empty_directory(tmp_path), kind, "kbd", 7, CONTENT)
    path = file.path(tmp_path)
    assert path.read_bytes() == CONTENT
    assert path.parent.name == kind and path.suffix == KINDS[kind]
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert file.name.startswith(f"kbd-000007-{digest[:12]}")
    assert (file.kind, file.owner, file.bytes) == (kind, 7, len(CONTENT))
    assert (file.sha256, file.word_sum) == (digest, word_sum(CONTENT))
    check_size(path, file)
    check_sum(path, file)
    assert path.stat().st_mode & 0o777 == 0o666 & ~files._umask()
    assert [p.name for p in path.parent.iterdir()] == [file.name]


def test_the_size_of_any_memory_is_in_bytes(tmp_path):
    words = np.arange(10, dtype=np.uint64)
    file = write_file(empty_directory(tmp_path), "rows", "ru", 1, memoryview(words))
    assert file.bytes == 80 == file.path(tmp_path).stat().st_size
    check_sum(file.path(tmp_path), file)


def test_damage_is_named(tmp_path):
    file = write_file(empty_directory(tmp_path), "texts", "ru", 1, CONTENT)
    path = file.path(tmp_path)
    for at in (0, 7, len(CONTENT) // 2, len(CONTENT) - 1):
        damaged = bytearray(CONTENT)
        damaged[at] ^= 0x10
        path.write_bytes(damaged)
        check_size(path, file)
        with pytest.raises(IndexDamagedError, match=f"{file.name}.*checksum.*--replace"):
            check_sum(path, file)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(IndexDamagedError, match=f"{len(CONTENT) - 1} bytes on disk"):
        check_size(path, file)
    path.write_bytes(b"")
    with pytest.raises(IndexDamagedError, match="cannot be read"):
        check_sum(path, file)
    path.unlink()
    for check in (check_size, check_sum):
        with pytest.raises(IndexDamagedError, match=file.name):
            check(path, file)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch, call):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    empty_directory(tmp_path)
    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left") as raised:
        write_file(tmp_path, "vectors", "ru", 1, CONTENT)
    assert raised.value.filename == str(tmp_path / "vectors")
    assert list((tmp_path / "vectors").iterdir()) == []
