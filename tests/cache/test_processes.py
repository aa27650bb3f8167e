"""Several processes at one cache, and processes that are killed."""

from __future__ import annotations

import os
import random
import time

import pytest

from searchkbd.cache.chunk import chunk_files, open_chunk
from searchkbd.cache.pins import oldest_pin
from searchkbd.cache.place import embeddings_path
from searchkbd.cache.store import EmbeddingCache
from searchkbd.cache.tidy import merge_small, remove_chunks, sweep
from tests.cache.conftest import rows

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL, and locks of POSIX")

KILLS = 8
DIM = 64

WRITE = """
import sys
from pathlib import Path
from searchkbd.cache.store import EmbeddingCache
from tests.cache.conftest import rows
root, first, chunks, size, dim = Path(sys.argv[1]), *map(int, sys.argv[2:])
with EmbeddingCache(root, "abc", dim) as cache:
    for number in range(chunks):
        cache.put(*rows(first + number * size, size, dim))
        cache.flush()
        print(number + 1, flush=True)
    sys.stdin.readline()
"""


def all_there(root, first: int, count: int) -> bool:
    """Whether these rows are cached, with the right vectors and no damage."""
    cache = EmbeddingCache(root, "abc", DIM)
    keys, vectors = rows(first, count, DIM)
    found, cached = cache.get(keys)
    cache.close(tidy=False)
    return bool(found.all()) and cached.tobytes() == vectors.tobytes() and not cache.damaged


def test_a_killed_writer_leaves_whole_chunks_only(tmp_path, python):
    chance = random.Random(5)
    size = 2000
    for kill in range(KILLS):
        root = tmp_path / str(kill)
        process = python(WRITE, root, 0, 1000, size, DIM)
        process.stdout.readline()
        time.sleep(chance.uniform(0, 0.1))
        process.kill()
        written = 1 + len(process.communicate()[0].split())  # one more may be whole
        folder = embeddings_path(root) / f"abc-{DIM}"
        files = chunk_files(folder)
        assert written <= len(files) <= written + 1
        assert all(open_chunk(file.path).is_sound for file in files)
        assert all_there(root, 0, written * size)
        # Its pin keeps nothing any more.
        assert oldest_pin(embeddings_path(root)) is None
        assert remove_chunks(root).files == len(files)


def test_nothing_of_a_running_build_is_pruned_by_others(tmp_path, python):
    process = python(WRITE, tmp_path, 0, 40, 50, DIM)
    written = 0
    while written < 40:
        written = int(process.stdout.readline())
        assert remove_chunks(tmp_path).files == 0
        sweep(tmp_path)
        merge_small(embeddings_path(tmp_path) / f"abc-{DIM}")
        with EmbeddingCache(tmp_path, "other", DIM, max_bytes=1) as cache:
            cache.put(*rows(written, 1, DIM))
    assert all_there(tmp_path, 0, 40 * 50)
    process.communicate("\n")
    assert process.returncode == 0
    assert all_there(tmp_path, 0, 40 * 50)
    assert remove_chunks(tmp_path).in_use == 0
    assert not all_there(tmp_path, 0, 1)


def test_writers_at_a_time_lose_nothing_of_each_other(tmp_path, python):
    """Each ends by merging what all of them wrote, while the others write and merge."""
    processes = [python(WRITE, tmp_path, 1000 * n, 40, 25, DIM) for n in range(3)]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert all_there(tmp_path, 0, 3000)
    assert len(chunk_files(embeddings_path(tmp_path) / f"abc-{DIM}")) <= 3 * 32
