"""Copies that are not quite the same: all texts a few edits away, and none missed.

The sketches that the translation memory searches by (:mod:`searchkbd.index.sketches`), over the
texts of the pairs.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.index import sketches
from searchkbd.mining.spool import scratch_errors

_SHARD = 1 << 17
_THREADS = min(8, os.cpu_count() or 1)


@dataclass(frozen=True, eq=False)
class _Shard:
    """Texts of consecutive numbers, as ``sketches.similar`` takes them."""

    rows: NDArray[np.int64]
    arrays: Mapping[str, NDArray]
    live: None = None


class Alike:
    """Texts, numbered from 0, that can be searched for those like a given one. A context.

    The arrays lie in temporary files, 100 to 500 bytes a text, which are mapped; memory of its own
    holds 8 bytes a text.
    """

    def __init__(self, texts: Iterable[str], least: float) -> None:
        """*least*: alike are texts with 1 − edits / length of the longer of that much and more."""
        self._least = least
        with scratch_errors():
            self._folder = tempfile.TemporaryDirectory(prefix="searchkbd-pairs-")
            self._shards = list(self._build(texts))
        self._threads = ThreadPoolExecutor(_THREADS)

    def __enter__(self) -> Alike:
        return self

    def __exit__(self, *error: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._shards = []
        self._folder.cleanup()

    def to(self, texts: Sequence[str]) -> Iterator[list[int]]:
        """Yield for each of *texts* the numbers of those that are alike, itself among them."""
        return self._threads.map(self._similar, texts)

    def _similar(self, text: str) -> list[int]:
        return sorted(one.row for one in sketches.similar(self._shards, text, self._least))

    def _build(self, texts: Iterable[str]) -> Iterator[_Shard]:
        rest, start = iter(texts), 0
        for number in count():
            some = list(islice(rest, _SHARD))
            if not some:
                return
            folder = Path(self._folder.name) / str(number)
            folder.mkdir()
            arrays = {}
            for name, array in sketches.build(some).items():
                np.save(folder / name, array)
                arrays[name] = np.load(folder / f"{name}.npy", mmap_mode="r")
            yield _Shard(np.arange(start, start + len(some)), arrays)
            start += len(some)
