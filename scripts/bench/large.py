"""An index of as many sentences as wanted with the vectors of vectors.py: nothing is encoded.

    python scripts/bench/vectors.py --data ../shared/data --rows 1000000 --out vectors
    python scripts/bench/large.py --vectors vectors --rows 1000000 --index large-1m

It says of itself that the embedded encoder made it, which is true of the real sentences and their
variants' vectors alike, so it can be searched by text. Prints what building takes besides encoding.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from vectors import DataSet

from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.encoders import load_encoder


class Replay:
    """Gives out the vectors of a data set in its order, for the sentences in its order."""

    def __init__(self, data: DataSet) -> None:
        embedded = load_encoder()
        self.name, self.dim, self.fingerprint = embedded.name, embedded.dim, embedded.fingerprint
        self._data = data

    def encode(self, texts: Sequence[str], langs: Sequence[str] | None = None) -> np.ndarray:
        rows = [int(text.rpartition(" №")[2]) for text in texts]
        vectors = np.load(self._data.directory / "vectors.npy", mmap_mode="r")
        return vectors[rows].astype(np.float32)


def sentences(data: DataSet) -> Iterator[Sentence]:
    """Yield the rows as sentences; each text ends with its row, so that none is there twice."""
    for row, (lang, text, _) in enumerate(data.texts()):
        place = Place("bench", row + 1)
        yield Sentence(f"s{row}", lang, f"{text} №{row}", f"g{row // 2}", "bench", None, place)


def main() -> None:
    from searchkbd.index.writer import Mode, build_index

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--index", type=Path, required=True)
    options = parser.parse_args()
    data = DataSet(options.vectors, options.rows)
    start = time.perf_counter()
    summary = build_index(options.index, sentences(data), Replay(data), mode=Mode.REPLACE)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    on_disk = sum(path.stat().st_size for path in options.index.rglob("*") if path.is_file())
    print(
        f"{summary.total:,} sentences in {seconds:.0f} s without encoding, "
        f"peak memory {peak:.0f} MB, {on_disk / 1e6:.0f} MB on disk"
    )


if __name__ == "__main__":
    main()
