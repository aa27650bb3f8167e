"""Chunks: whole, of the right encoder and unchanged, or not believed."""

from __future__ import annotations

import os
import random
import time

import numpy as np
import pytest

from searchkbd.cache import chunk as module
from searchkbd.cache.chunk import (
    ChunkError,
    chunk_files,
    open_chunk,
    remove_unfinished,
    set_used,
    write_chunk,
)
from searchkbd.encoders.tensors import write_tensors
from tests.cache.conftest import rows, vectors_of


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "abc-8"


def test_what_is_written_is_read_in_order_of_keys(folder):
    keys, vectors = rows(0, 50)
    chunk = open_chunk(write_chunk(folder, "abc", keys, vectors))
    assert chunk.fingerprint == "abc" and chunk.is_sound
    listed = [tuple(key) for key in chunk.keys.tolist()]
    assert listed == sorted(tuple(key) for key in keys.tolist())
    assert np.array_equal(chunk.vectors, vectors_of(chunk.keys))


def test_nothing_else_is_left_beside_it(folder):
    path = write_chunk(folder, "abc", *rows(0, 5))
    assert list(folder.iterdir()) == [path]


def test_a_later_chunk_has_a_later_name(folder):
    paths = [write_chunk(folder, "abc", *rows(n, 1)) for n in range(5)]
    assert paths == sorted(paths) and len(set(paths)) == 5


def test_any_changed_byte_is_noticed(folder):
    path = write_chunk(folder, "abc", *rows(0, 3))
    whole = path.read_bytes()
    bits = random.Random(5)
    unnoticed = 0
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1 << bits.randrange(8)
        path.write_bytes(changed)
        try:
            chunk = open_chunk(path)
        except ChunkError:
            continue
        if chunk.is_sound:  # white space of the header, at most
            assert np.array_equal(chunk.vectors, vectors_of(chunk.keys))
            unnoticed += 1
    assert unnoticed < 8


def test_every_truncation_is_noticed(folder):
    path = write_chunk(folder, "abc", *rows(0, 3))
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(ChunkError):
            open_chunk(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(ChunkError):
        open_chunk(path)


def test_a_chunk_of_another_encoder_is_not_believed(folder, tmp_path):
    for other in ("abd-8", "abc-16"):
        path = write_chunk(folder, "abc", *rows(0, 3))
        moved = tmp_path / other / path.name
        moved.parent.mkdir()
        path.rename(moved)
        with pytest.raises(ChunkError, match="another"):
            open_chunk(moved)


def test_other_safetensors_are_not_chunks(folder):
    folder.mkdir()
    keys, vectors = rows(0, 3)
    for number, arrays in enumerate((
        {}, {"keys": keys}, {"keys": keys, "vectors": vectors[:2]},
        {"keys": keys, "vectors": vectors.astype(np.float32)}, {"keys": keys, "vectors": vectors},
    )):  # fmt: skip
        path = folder / str(number)
        write_tensors(path, arrays, {"fingerprint": "abc"})
        with pytest.raises(ChunkError, match=str(folder)):
            open_chunk(path)


def test_a_chunk_that_is_gone_is_another_matter(folder):
    with pytest.raises(FileNotFoundError):
        open_chunk(folder / "gone.safetensors")


def test_files_are_listed_by_their_last_use_and_others_left_out(folder):
    paths = [write_chunk(folder, "abc", *rows(n, 1)) for n in range(3)]
    for path, used in zip(paths, (30, 10, 20), strict=True):
        set_used(path, used * 10**9)
    (folder / "notes.safetensors").write_bytes(b"mine")
    listed = chunk_files(folder)
    assert [file.path for file in listed] == [paths[1], paths[2], paths[0]]
    assert [file.used_ns // 10**9 for file in listed] == [10, 20, 30]
    assert listed[0].bytes == paths[1].stat().st_size
    set_used(paths[1])
    assert chunk_files(folder)[-1].path == paths[1]
    set_used(folder / "gone")  # says nothing
    assert chunk_files(folder / "absent") == []


def test_only_old_unfinished_files_are_removed(folder, monkeypatch):
    path = write_chunk(folder, "abc", *rows(0, 3))
    old, new = (folder / f".{path.name}.{name}.tmp" for name in ("a1", "b2"))
    others = folder / ".mine.tmp"
    for one in (old, new, others):
        one.write_bytes(b"x")
    for one in (old, others):
        os.utime(one, (time.time() - 7200,) * 2)
    remove_unfinished(folder)
    assert {one for one in folder.iterdir()} == {path, new, others}


def test_a_killed_writer_leaves_what_remove_unfinished_knows(folder, monkeypatch):
    """Should write_atomically name its files otherwise, they would never be swept."""
    seen = []
    real = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (seen.append(os.path.basename(a)), real(a, b)))
    write_chunk(folder, "abc", *rows(0, 1))
    assert len(seen) == 1 and module._UNFINISHED.fullmatch(seen[0])
