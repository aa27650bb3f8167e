"""What is removed, what is kept for a running build, and merging."""

from __future__ import annotations

import time

import pytest

from searchkbd.cache import tidy as module
from searchkbd.cache.chunk import chunk_files, set_used, write_chunk
from searchkbd.cache.place import embeddings_path
from searchkbd.cache.store import EmbeddingCache
from searchkbd.cache.tidy import Removal, merge_small, remove_chunks, sweep, usage
from tests.cache.conftest import DIM, rows


def make(root, encoder: str, ages: list[int], count: int = 10) -> list:
    """Write a chunk for each age (seconds after 1970); return the paths."""
    paths = []
    for number, age in enumerate(ages):
        path = write_chunk(
            embeddings_path(root) / f"{encoder}-{DIM}", encoder, *rows(number * count, count)
        )
        set_used(path, age * 10**9)
        paths.append(path)
    return paths


def left(paths) -> list[bool]:
    return [path.exists() for path in paths]


def test_usage(tmp_path):
    assert usage(tmp_path) == []
    paths = make(tmp_path, "a", [30, 10])
    (other,) = make(tmp_path, "b", [20], count=3)
    first, second = usage(tmp_path)
    size = sum(path.stat().st_size for path in paths)
    assert first == module.EncoderUsage("a", DIM, 20, size, 2, 0, 30 * 10**9)
    assert (second.encoder, second.sentences, second.files) == ("b", 3, 1)
    other.write_bytes(b"")
    assert usage(tmp_path)[1].damaged == 1 and other.exists()


def test_the_least_recently_used_goes_first_whoever_made_it(tmp_path):
    a, b = make(tmp_path, "a", [10, 40]), make(tmp_path, "b", [20, 30])
    size = a[0].stat().st_size
    assert remove_chunks(tmp_path, down_to=4 * size) == Removal(0, 0, 0)
    assert remove_chunks(tmp_path, down_to=2 * size) == Removal(2, 2 * size, 0)
    assert (left(a), left(b)) == ([False, True], [False, True])


def test_by_age_and_encoder(tmp_path):
    a, b = make(tmp_path, "a", [10, 40]), make(tmp_path, "b", [10, 30])
    assert remove_chunks(tmp_path, unused_since_ns=35 * 10**9, encoder="b").files == 2
    assert left(a) == [True, True] and not b[0].parent.exists()
    assert remove_chunks(tmp_path, unused_since_ns=35 * 10**9).files == 1
    assert left(a) == [False, True]
    assert remove_chunks(tmp_path).files == 1
    assert list(embeddings_path(tmp_path).iterdir()) == []
    assert remove_chunks(tmp_path / "absent") == Removal(0, 0, 0)


def test_what_a_running_build_wrote_or_used_is_kept(tmp_path):
    old, used = make(tmp_path, "a", [10, 20])
    with EmbeddingCache(tmp_path, "a", DIM) as cache:
        cache.put(*rows(50, 10))
        cache.flush()
        cache.get(rows(10, 10)[0])
        removal = remove_chunks(tmp_path)
        assert (removal.files, removal.in_use) == (1, 2)
        assert left([old, used]) == [False, True]
        assert len(chunk_files(old.parent)) == 2
    assert remove_chunks(tmp_path).files == 2


def test_two_builds_that_end_at_different_times(tmp_path):
    """The second began before the first ended, so what the first wrote may be what it used."""
    second = EmbeddingCache(tmp_path, "b", DIM, max_bytes=1)
    with EmbeddingCache(tmp_path, "a", DIM, max_bytes=1) as first:
        first.put(*rows(0, 5))
    second.put(*rows(0, 5))
    second.flush()
    assert [entry.encoder for entry in usage(tmp_path)] == ["a", "b"]
    second.close()
    assert usage(tmp_path) == []


def test_sweep_removes_what_is_damaged(tmp_path):
    whole, broken = make(tmp_path, "a", [10, 20])
    broken.write_bytes(broken.read_bytes()[:-1])
    assert sweep(tmp_path) == Removal(1, whole.stat().st_size - 1, 0)
    assert left([whole, broken]) == [True, False]


@pytest.fixture
def limits(monkeypatch):
    """Chunks of at most 50 rows; below 20 they are small, and 4 of them may be."""
    monkeypatch.setattr(module, "CHUNK_ROWS", 50)
    monkeypatch.setattr(module, "SMALL_ROWS", 20)
    monkeypatch.setattr(module, "SMALL_FILES", 4)


def contents(root, encoder: str, count: int) -> bool:
    with EmbeddingCache(root, encoder, DIM) as cache:
        keys, vectors = rows(0, count)
        found, cached = cache.get(keys)
        return bool(found.all()) and cached.tobytes() == vectors.tobytes()


def test_few_small_chunks_are_left_alone(tmp_path, limits):
    paths = make(tmp_path, "a", [10, 20, 30, 40])
    assert merge_small(paths[0].parent) == 0 and all(left(paths))


def test_many_small_chunks_become_few(tmp_path, limits):
    paths = make(tmp_path, "a", list(range(10, 22)))
    told = []
    assert merge_small(paths[0].parent, lambda *done: told.append(done)) == 9
    assert told == [(5, 12), (10, 12), (12, 12)]
    files = chunk_files(paths[0].parent)
    # As old as the youngest of those that each was made of.
    assert [file.used_ns // 10**9 for file in files] == [14, 19, 21]
    assert contents(tmp_path, "a", 120)


def test_large_chunks_are_not_copied(tmp_path, limits):
    (large,) = make(tmp_path, "a", [5], count=20)
    small = make(tmp_path, "a", [10] * 6)
    assert merge_small(large.parent) == 4
    assert large.exists() and left(small) == [False] * 5 + [True]  # one by itself stays
    assert contents(tmp_path, "a", 60)


def test_merging_drops_copies_and_damage(tmp_path, limits):
    small = make(tmp_path, "a", [10] * 4) + make(tmp_path, "a", [20] * 2)
    broken = make(tmp_path, "a", [30] * 9)[-1]
    broken.write_bytes(broken.read_bytes()[:-1] + b"\x7f")
    merge_small(broken.parent)
    assert not any(left(small)) and not broken.exists()
    assert usage(tmp_path)[0].sentences == 120  # of each group of 50 rows, 40 are distinct
    assert contents(tmp_path, "a", 80)
    with EmbeddingCache(tmp_path, "a", DIM) as cache:
        assert not cache.get(rows(80, 10)[0])[0].any()


def test_a_disk_that_is_full_loses_nothing(tmp_path, limits, monkeypatch):
    small = make(tmp_path, "a", [10] * 6)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_chunk", full)
    with pytest.raises(OSError):
        merge_small(small[0].parent)
    assert all(left(small))


def test_readers_keep_what_is_merged_under_them(tmp_path, limits):
    make(tmp_path, "a", [10] * 6)
    reader = EmbeddingCache(tmp_path, "a", DIM)
    merge_small(embeddings_path(tmp_path) / f"a-{DIM}")
    keys, vectors = rows(0, 60)
    found, cached = reader.get(keys)
    assert found.all() and cached.tobytes() == vectors.tobytes() and reader.damaged == 0
    reader.close()


def test_a_close_merges(tmp_path, limits):
    paths = make(tmp_path, "a", [int(time.time())] * 6)
    EmbeddingCache(tmp_path, "a", DIM).close()
    assert len(chunk_files(paths[0].parent)) == 2 and contents(tmp_path, "a", 60)
