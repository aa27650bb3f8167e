"""The cache gives back what was put, or nothing; what fails on disk fails nobody."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchkbd.cache import chunk as chunk_module
from searchkbd.cache import store as module
from searchkbd.cache.chunk import chunk_files, set_used
from searchkbd.cache.store import EmbeddingCache
from tests.cache.conftest import DIM, rows, vectors_of

ENCODER = "abc"


def opened(root, **options) -> EmbeddingCache:
    return EmbeddingCache(root, ENCODER, DIM, **options)


def folder_of(root):
    return root / "embeddings" / f"{ENCODER}-{DIM}"


def fill(root, *chunks: tuple[int, int]) -> list:
    """Cache rows (first, count), a chunk each; return the paths, in this order."""
    paths = []
    for first, count in chunks:
        with opened(root) as cache:
            cache.put(*rows(first, count))
        paths += [file.path for file in chunk_files(folder_of(root)) if file.path not in paths]
    assert len(paths) == len(chunks)
    return paths


def found(cache: EmbeddingCache, first: int, count: int) -> list[int]:
    """Return which of the rows are cached, after comparing their vectors."""
    keys, vectors = rows(first, count)
    hits, cached = cache.get(keys)
    assert cached.dtype == np.float16 and np.array_equal(cached, vectors[hits])
    return (np.flatnonzero(hits) + first).tolist()


NUMBERS = st.lists(st.integers(0, 40), max_size=15)
STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "get"]), NUMBERS) | st.sampled_from(["flush", "open"]),
    max_size=12,
)


@settings(max_examples=60)
@given(STEPS)
def test_it_agrees_with_a_dictionary(tmp_path_factory, steps):
    root = tmp_path_factory.mktemp("cache")
    keys, vectors = rows(0, 41)
    known: dict[int, bytes] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK_ROWS", 7)
        cache = opened(root)
        for step in [*steps, "open", ("get", list(range(41)))]:
            if step == "flush":
                cache.flush()
            elif step == "open":
                cache.close()
                cache = opened(root)
            elif step[0] == "put":
                cache.put(keys[step[1]], vectors[step[1]].astype(np.float32))
                known |= {n: vectors[n].tobytes() for n in step[1]}
            else:
                hits, cached = cache.get(keys[step[1]])
                assert hits.tolist() == [n in known for n in step[1]]
                assert [v.tobytes() for v in cached] == [known[n] for n in step[1] if n in known]
        cache.close()
        assert cache.damaged == 0 and cache.warning is None


def test_vectors_are_rounded_to_float16(tmp_path):
    keys, _ = rows(0, 1)
    with opened(tmp_path) as cache:
        cache.put(keys, np.full((1, DIM), 0.1, dtype=np.float32))
        assert cache.get(keys)[1].tolist() == [[np.float16(0.1)] * DIM]


def test_keys_that_share_a_word_are_not_taken_for_each_other(tmp_path):
    keys = np.array([[5, 1], [6, 1]], dtype=np.uint64)
    with opened(tmp_path) as cache:
        cache.put(keys, vectors_of(keys))
    with opened(tmp_path) as cache:
        others = np.array([[5, 2], [1, 5], [2**64 - 1, 1]], dtype=np.uint64)
        assert not cache.get(others)[0].any()
        assert cache.get(keys)[0].all()


def test_encoders_do_not_see_each_other(tmp_path):
    fill(tmp_path, (0, 5))
    keys, _ = rows(0, 5)
    for fingerprint, dim in (("abd", DIM), (ENCODER, DIM + 1), ("ABC", DIM)):
        with EmbeddingCache(tmp_path, fingerprint, dim) as cache:
            assert not cache.get(keys)[0].any() and cache.damaged == 0


def test_a_full_chunk_is_on_disk_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_ROWS", 10)
    with opened(tmp_path) as cache:
        cache.put(*rows(0, 25))
        with opened(tmp_path) as other:
            assert found(other, 0, 25) == list(range(20))
        assert found(cache, 0, 25) == list(range(25))


def test_a_slow_encoder_does_not_wait_for_a_full_chunk(tmp_path, monkeypatch):
    with opened(tmp_path) as cache:
        cache.put(*rows(0, 3))
        assert not folder_of(tmp_path).exists() or chunk_files(folder_of(tmp_path)) == []
        monkeypatch.setattr(module, "FLUSH_SECONDS", 0.0)
        cache.put(*rows(3, 3))
        with opened(tmp_path) as other:
            assert found(other, 0, 6) == [0, 1, 2, 3, 4, 5]


def test_what_was_put_survives_an_error(tmp_path):
    with pytest.raises(KeyboardInterrupt), opened(tmp_path, max_bytes=1) as cache:
        cache.put(*rows(0, 3))
        raise KeyboardInterrupt
    # And is not removed, although it is more than may be kept: the next attempt needs it.
    with opened(tmp_path) as cache:
        assert found(cache, 0, 4) == [0, 1, 2]


def test_a_bound_of_nothing_touches_no_disk(tmp_path):
    with opened(tmp_path / "cache", max_bytes=0) as cache:
        cache.put(*rows(0, 3))
        cache.flush()
        assert found(cache, 0, 3) == [] and cache.warning is None
    assert list(tmp_path.iterdir()) == []


def test_the_bound_holds_and_what_was_used_last_stays(tmp_path):
    paths = fill(tmp_path, (0, 200), (200, 200), (400, 200))
    for age, path in enumerate(paths):
        set_used(path, (age + 1) * 10**9)
    one = paths[0].stat().st_size
    with opened(tmp_path, max_bytes=3 * one) as cache:
        assert found(cache, 50, 1) == [50]  # the oldest, used again
        cache.put(*rows(600, 200))
    assert sum(file.bytes for file in chunk_files(folder_of(tmp_path))) <= 3 * one
    with opened(tmp_path, max_bytes=3 * one) as cache:
        assert found(cache, 0, 800) == [*range(200), *range(400, 800)]


def test_a_use_counts_at_once_and_not_at_the_end(tmp_path):
    (path,) = fill(tmp_path, (0, 5))
    set_used(path, 10**9)
    cache = opened(tmp_path)
    found(cache, 90, 5)
    assert path.stat().st_mtime_ns == 10**9
    found(cache, 4, 5)
    assert path.stat().st_mtime_ns > 10**9
    cache.close(tidy=False)


@pytest.mark.parametrize("what", ["vectors", "keys", "header", "truncated", "empty", "foreign"])
def test_a_damaged_chunk_is_removed_and_the_others_are_used(tmp_path, what):
    path, _ = fill(tmp_path, (0, 20), (20, 20))
    data = bytearray(path.read_bytes())
    if what == "vectors":
        data[-3] ^= 4
    elif what == "keys":
        data[-20 * DIM * 2 - 3] ^= 4
    elif what == "header":
        data[12] ^= 4
    elif what == "truncated":
        del data[-100:]
    elif what == "empty":
        data.clear()
    else:
        (other,) = fill(tmp_path / "other", (0, 20))
        data = other.read_bytes().replace(b'"abc"', b'"abd"')
    path.write_bytes(data)
    with opened(tmp_path) as cache:
        assert found(cache, 0, 40) == list(range(20, 40))
        assert cache.damaged == 1 and not path.exists()
        cache.put(*rows(0, 20))
        assert found(cache, 0, 40) == list(range(40))
    with opened(tmp_path) as cache:
        assert found(cache, 0, 40) == list(range(40))
        assert cache.damaged == 0 and cache.warning is None


def test_a_second_copy_replaces_a_damaged_one(tmp_path):
    first, second = opened(tmp_path), opened(tmp_path)
    for cache in (first, second):  # two builds encode the same at a time
        cache.put(*rows(0, 5))
        cache.close()
    path = chunk_files(folder_of(tmp_path))[0].path
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    with opened(tmp_path) as cache:
        cache.get(rows(0, 5)[0])
        assert found(cache, 0, 5) == [0, 1, 2, 3, 4]


def test_a_chunk_that_goes_between_listing_and_mapping_is_skipped(tmp_path, monkeypatch):
    paths = fill(tmp_path, (0, 5), (5, 5))
    real = module.open_chunk

    def open_chunk(path):
        paths[0].unlink(missing_ok=True)
        return real(path)

    monkeypatch.setattr(module, "open_chunk", open_chunk)
    with opened(tmp_path) as cache:
        assert found(cache, 0, 10) == [5, 6, 7, 8, 9] and cache.damaged == 0


def test_a_chunk_that_is_removed_while_it_is_mapped_can_still_be_read(tmp_path):
    (path,) = fill(tmp_path, (0, 5))
    with opened(tmp_path) as cache:
        path.unlink()
        assert found(cache, 0, 5) == [0, 1, 2, 3, 4]


def test_a_full_disk_ends_writing_and_is_told_once(tmp_path, monkeypatch):
    fill(tmp_path, (0, 5))

    def full(path, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with opened(tmp_path) as cache:
        monkeypatch.setattr(chunk_module, "write_atomically", full)
        cache.put(*rows(5, 5))
        cache.flush()
        told = cache.warning
        assert told and "No space left" in told and "SEARCHKBD_CACHE" in told
        monkeypatch.undo()
        cache.put(*rows(10, 5))
        cache.flush()
        assert cache.warning == told
        assert found(cache, 0, 15) == [0, 1, 2, 3, 4]  # reading goes on
    assert len(chunk_files(folder_of(tmp_path))) == 1
    assert list((tmp_path / "embeddings").glob("*.pin")) == []


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("mine", "utf-8")
    with opened(tmp_path / "file" / "cache") as cache:
        cache.put(*rows(0, 5))
        assert found(cache, 0, 5) == []
    assert cache.warning and str(tmp_path / "file" / "cache") in cache.warning
    assert (tmp_path / "file").read_text("utf-8") == "mine"


def test_files_of_others_stay(tmp_path):
    fill(tmp_path, (0, 5))
    other = folder_of(tmp_path) / "notes.safetensors"
    other.write_bytes(b"mine")
    with opened(tmp_path, max_bytes=1) as cache:
        assert found(cache, 0, 5) == [0, 1, 2, 3, 4] and cache.damaged == 0
    assert list(folder_of(tmp_path).iterdir()) == [other]
