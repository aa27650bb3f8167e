"""Measure the embedding cache: look-ups, writing, opening, and what it adds to encoding.

    python scripts/bench/cache.py --chunks 50 --dim 512 --encode 4000

The first part fills a cache of full chunks with random rows (hashes are as random, and nothing
here depends on what a vector says), opens it, and looks keys up in batches, as a build does: all
cached, half, none. *cold* is the first time, when each chunk is compared with its checksum. The
second encodes sentences with the embedded encoder, alone and behind a cache, in turn.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from searchkbd.cache.chunk import CHUNK_ROWS
from searchkbd.cache.encoder import CachedEncoder
from searchkbd.cache.keys import keys_of
from searchkbd.cache.store import EmbeddingCache
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.encoders import load_encoder
from searchkbd.resources import PHRASEBOOK

BATCH = 2048
ROUNDS = 5
LARGE = 1 << 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chunks", type=int, default=50)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--encode", type=int, default=4000, metavar="SENTENCES")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        look_ups(Path(folder), arguments.chunks, arguments.dim)
    with tempfile.TemporaryDirectory() as folder:
        encoding(Path(folder), arguments.encode)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def look_ups(root: Path, chunks: int, dim: int) -> None:
    random = np.random.default_rng(5)
    keys = random.integers(0, 1 << 64, (chunks * CHUNK_ROWS, 2), dtype=np.uint64)
    absent = random.integers(0, 1 << 64, (100_000, 2), dtype=np.uint64)
    vectors = random.standard_normal((CHUNK_ROWS, dim)).astype(np.float16)

    def fill() -> None:
        with EmbeddingCache(root, "bench", dim, max_bytes=LARGE) as cache:
            for start in range(0, len(keys), BATCH):
                cache.put(keys[start : start + BATCH], vectors[:BATCH])

    print(f"{chunks} chunks, {len(keys):,} rows of {dim} dimensions")
    print(f"  put        {len(keys) / seconds(fill):>12,.0f} rows/s, durable")
    opening = []
    for _ in range(ROUNDS):
        opening.append(seconds(lambda: EmbeddingCache(root, "bench", dim).close(tidy=False)))
    print(f"  open       {1000 * statistics.median(opening):>12,.0f} ms")
    known = keys[random.permutation(len(keys))[:100_000]]
    mixed = np.where((np.arange(100_000) % 2 == 0)[:, None], known, absent)
    with EmbeddingCache(root, "bench", dim, max_bytes=LARGE) as cache:

        def look(wanted: np.ndarray) -> None:
            for start in range(0, len(wanted), BATCH):
                cache.get(wanted[start : start + BATCH])

        print(f"  get, cold  {len(known) / seconds(lambda: look(known)):>12,.0f} rows/s")
        for name, wanted in (("all", known), ("half", mixed), ("none", absent)):
            taken = statistics.median(seconds(lambda w=wanted: look(w)) for _ in range(ROUNDS))
            print(f"  get, {name:<4}  {len(wanted) / taken:>12,.0f} rows/s")
    pairs = [(f"Мы гъуэгур дэнэ кӏуэрэ? {n}", "kbd") for n in range(100_000)]
    print(f"  keys       {len(pairs) / seconds(lambda: keys_of(pairs)):>12,.0f} texts/s")


def encoding(root: Path, count: int) -> None:
    phrases = [item for item in read_corpus(PHRASEBOOK, ReadOptions())]
    texts = [f"{phrases[n % len(phrases)].text} {n}" for n in range(count)]
    langs = [phrases[n % len(phrases)].lang for n in range(count)]
    plain = load_encoder()
    plain.encode(texts[:500], langs[:500])
    alone, fresh, again = [], [], []
    for turn in range(ROUNDS):
        place = root / str(turn)
        alone.append(seconds(lambda: _encode(plain, texts, langs)))
        for times in (fresh, again):
            cache = EmbeddingCache(place, plain.fingerprint, plain.dim)
            times.append(
                seconds(lambda c=cache: (_encode(CachedEncoder(plain, c), texts, langs), c.close()))
            )
    print(f"{count:,} sentences, embedded encoder, medians of {ROUNDS}")
    for name, times in (("alone", alone), ("nothing cached", fresh), ("all cached", again)):
        rate = count / statistics.median(times)
        ratio = statistics.median(t / a for t, a in zip(times, alone, strict=True))
        print(f"  {name:<15}{rate:>10,.0f} sentences/s, {ratio:.3f} of the time alone")


def _encode(encoder, texts: list[str], langs: list[str]) -> None:
    for start in range(0, len(texts), BATCH):
        encoder.encode(texts[start : start + BATCH], langs[start : start + BATCH])


if __name__ == "__main__":
    main()
