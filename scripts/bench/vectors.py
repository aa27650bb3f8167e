"""Make the vectors that peers are compared on: real embeddings, and variants where these run out.

    python scripts/bench/vectors.py --data ../shared/data --rows 10000 100000 1000000 --out vectors

The sentences of `corpus/large.tsv` are encoded once by the embedded encoder (kept in OUT/real).
The set is made of pairs of rows: two sentences of one translation group where there are two, else
two sentences without a translation, so that every row has another that is shown with it. Pairs
come in an order drawn by --seed: a smaller set is the beginning of a larger one, and one directory
serves all the numbers of rows.

Real text runs out at 200,000 rows. Each further pair is a variant of a real one: either vector
becomes normalise(a + t b), where b is another real vector of the same language and t is drawn
evenly between 0 and 0.5; either text has a third of its words replaced, dropped or doubled
(million.py). Queries are made in the same way of real vectors and are not in the set: 200 that
are measured, and as many to warm up with.

OUT holds vectors.npy (float16), texts.tsv (language and text; rows 2n and 2n + 1 are a pair),
queries.npy (float32) and, for each number of rows, the exact ten nearest by inner product. Memory
does not grow with the rows but for a hash of each text. The same data for the same seed.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

QUERIES = 200
"""Queries measured; as many more are for warming up."""

NEAREST = 10
MOST = 0.5
"""Upper end of t."""

CHUNK = 32_768  # rows
TIE = 1e-5
"""Scores this near to the tenth are as good as it: float16 does not tell them apart."""


@dataclass(frozen=True)
class DataSet:
    """The first *rows* rows of a directory that was made here."""

    directory: Path
    rows: int

    @cached_property
    def dim(self) -> int:
        return _mapped(self.directory).shape[1]

    def chunks(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the vectors as (first row, float32 [n, dim]), not all in memory at once."""
        for start in range(0, self.rows, CHUNK):
            part = _mapped(self.directory)[start : min(start + CHUNK, self.rows)]
            yield start, part.astype(np.float32)

    def all(self) -> np.ndarray:
        """Return all vectors, float32 [rows, dim]."""
        return _mapped(self.directory)[: self.rows].astype(np.float32)

    def texts(self) -> Iterator[tuple[str, str, str]]:
        """Yield (language, text, text of the other row of the pair) of each row."""
        with open(self.directory / "texts.tsv", encoding="utf-8", newline="\n") as file:
            for _ in range(self.rows // 2):
                one, two = (file.readline().rstrip("\n").split("\t") for _ in range(2))
                yield one[0], one[1], two[1]
                yield two[0], two[1], one[1]

    def queries(self) -> np.ndarray:
        """Return the queries to measure, float32 [200, dim]."""
        return np.load(self.directory / "queries.npy")[:QUERIES]

    def warm_up(self) -> np.ndarray:
        """Return other queries like these, float32 [200, dim]."""
        return np.load(self.directory / "queries.npy")[QUERIES:]

    def recall(self, found: Sequence[Sequence[int]]) -> float:
        """Return recall@10 of the rows *found* for each query, the share of the exact ten.

        A row that is as near as the tenth counts, whichever of several it is.
        """
        exact = np.load(self.directory / f"exact-{self.rows}.npz")["scores"][:, -1]
        vectors = _mapped(self.directory)
        hits = 0
        for query, least, rows in zip(self.queries(), exact, found, strict=True):
            distinct = list(dict.fromkeys(rows))[:NEAREST]
            scores = vectors[distinct].astype(np.float32) @ query
            hits += int((scores >= least - TIE).sum())
        return hits / (NEAREST * len(exact))


def _mapped(directory: Path) -> np.ndarray:
    return np.load(directory / "vectors.npy", mmap_mode="r")


@dataclass(frozen=True)
class Real:
    """The real rows: languages, texts, vectors (float16 [n, dim]) and pairs (int64 [p, 2])."""

    langs: np.ndarray
    texts: list[str]
    vectors: np.ndarray
    pairs: np.ndarray

    @cached_property
    def rows_of(self) -> dict[str, np.ndarray]:
        return {lang: np.flatnonzero(self.langs == lang) for lang in np.unique(self.langs).tolist()}

    @cached_property
    def words_of(self) -> dict[str, list[str]]:
        return {
            lang: [word for row in rows for word in self.texts[row].split()]
            for lang, rows in self.rows_of.items()
        }

    def perturbed(self, rows: np.ndarray, chance: np.random.Generator) -> np.ndarray:
        """Return normalise(a + t b) for each of *rows*, float32 [n, dim]."""
        others = np.empty_like(rows)
        for lang, same in self.rows_of.items():
            here = self.langs[rows] == lang
            others[here] = chance.choice(same, here.sum())
        share = chance.uniform(0, MOST, (len(rows), 1)).astype(np.float32)
        mixed = self.vectors[rows] + share * self.vectors[others].astype(np.float32)
        return mixed / np.linalg.norm(mixed, axis=1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if any(rows < 2 * NEAREST or rows % 2 for rows in options.rows):
        parser.error(f"--rows: even numbers from {2 * NEAREST}")
    (options.out / "real").mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    real = read_real(options.data, options.out / "real", options.seed)
    print(f"{len(real.texts):,} real rows, read or encoded in {time.perf_counter() - start:.0f} s")
    most, made = max(options.rows), options.out / "made.json"
    wanted = {"seed": options.seed, "rows": most}
    if not made.exists() or json.loads(made.read_text()) != wanted:
        made.unlink(missing_ok=True)
        start = time.perf_counter()
        chance = np.random.default_rng((options.seed, 1))
        drawn = chance.integers(len(real.texts), size=2 * QUERIES)
        np.save(options.out / "queries.npy", real.perturbed(drawn, chance))
        write_rows(real, options.out, most, options.seed)
        made.write_text(json.dumps(wanted))
        print(f"{most:,} rows written in {time.perf_counter() - start:.0f} s")
    for rows in options.rows:
        start = time.perf_counter()
        write_exact(DataSet(options.out, rows))
        print(f"the exact nearest among {rows:,} in {time.perf_counter() - start:.0f} s")


def read_real(data: Path, cache: Path, seed: int) -> Real:
    """Return the rows of large.tsv, each sentence of a group once, encoded into *cache*."""
    from searchkbd.text.forms import search_key

    groups: dict[str, list[int]] = {}
    langs, texts, seen = [], [], set()
    with open(data / "corpus" / "large.tsv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            key = row["group"], row["lang"], search_key(row["text"])
            if key not in seen:
                seen.add(key)
                groups.setdefault(row["group"], []).append(len(texts))
                langs.append(row["lang"])
                texts.append(row["text"])
    pairs, single = [], []
    for rows in groups.values():
        pairs += zip(rows[::2], rows[1::2], strict=False)
        single += rows[len(rows) // 2 * 2 :]
    pairs += zip(single[::2], single[1::2], strict=False)
    shuffled = np.random.default_rng((seed, 0)).permutation(np.array(pairs))
    codes = np.array(langs)
    return Real(codes, texts, _encoded(codes, texts, cache), shuffled)


def _encoded(langs: np.ndarray, texts: list[str], cache: Path) -> np.ndarray:
    from searchkbd.encoders import load_encoder

    encoder = load_encoder()
    vectors = np.empty((len(texts), encoder.dim), dtype=np.float16)
    for lang in np.unique(langs).tolist():
        rows = np.flatnonzero(langs == lang)
        path = cache / f"{lang}.npy"
        if not path.exists() or len(np.load(path, mmap_mode="r")) != len(rows):
            parts = [
                encoder.encode([texts[row] for row in part], [lang] * len(part)).astype(np.float16)
                for part in (rows[at : at + 2048] for at in range(0, len(rows), 2048))
            ]
            np.save(path, np.concatenate(parts))
        vectors[rows] = np.load(path, mmap_mode="r")
    return vectors


def write_rows(real: Real, out: Path, rows: int, seed: int) -> None:
    """Write vectors.npy and texts.tsv, a chunk at a time."""
    path = out / "vectors.npy"
    shape = (rows, real.vectors.shape[1])
    # Mapped for a chunk at a time: what was touched of a map counts as memory until it is dropped.
    np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
    seen = {hash((lang, text)) for lang, text in zip(real.langs.tolist(), real.texts, strict=True)}
    with open(out / "texts.tsv", "w", encoding="utf-8", newline="\n") as file:
        for start in range(0, rows, CHUNK):
            stop = min(start + CHUNK, rows)
            vectors, lines = _rows(real, start, stop, seed, seen)
            np.load(path, mmap_mode="r+")[start:stop] = vectors
            file.writelines(f"{lang}\t{text}\n" for lang, text in lines)


def _rows(
    real: Real, start: int, stop: int, seed: int, seen: set[int]
) -> tuple[np.ndarray, list[tuple[str, str]]]:
    """Return the vectors and the (language, text) lines of rows [start, stop)."""
    from million import variant

    whole = real.pairs[start // 2 : stop // 2].reshape(-1)
    chance = np.random.default_rng((seed, 2, start))
    # Always a whole chunk's worth, so that a smaller set is the beginning of a larger one.
    drawn = real.pairs[chance.integers(len(real.pairs), size=CHUNK // 2)].reshape(-1)
    made = real.perturbed(drawn, chance)[: stop - start - len(whole)]
    words = random.Random(f"{seed} {start}")
    lines = [(real.langs[row].item(), real.texts[row]) for row in whole]
    for row in drawn[: len(made)]:
        lang = real.langs[row].item()
        others = real.words_of[lang]
        text = variant(real.texts[row], others, words)
        while hash((lang, text)) in seen:  # short, and there already
            text = variant(f"{text} {words.choice(others)}", others, words)
        seen.add(hash((lang, text)))
        lines.append((lang, text))
    return np.concatenate([real.vectors[whole], made.astype(np.float16)]), lines


def write_exact(data: DataSet) -> None:
    """Write the rows and scores of the exact ten nearest of each query, best first."""
    import faiss

    queries = data.queries()
    found_scores = np.empty((len(queries), 0), dtype=np.float32)
    found_rows = np.empty((len(queries), 0), dtype=np.int64)
    for start, part in data.chunks():
        scores, rows = faiss.knn(queries, part, NEAREST, metric=faiss.METRIC_INNER_PRODUCT)
        found_scores = np.hstack([found_scores, scores])
        found_rows = np.hstack([found_rows, rows + start])
        best = np.argsort(-found_scores, axis=1, kind="stable")[:, :NEAREST]
        found_scores = np.take_along_axis(found_scores, best, axis=1)
        found_rows = np.take_along_axis(found_rows, best, axis=1)
    np.savez(data.directory / f"exact-{data.rows}.npz", rows=found_rows, scores=found_scores)


if __name__ == "__main__":
    main()
