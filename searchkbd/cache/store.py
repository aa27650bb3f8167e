"""The embedding cache of one encoder: vectors by key, in immutable files on disk."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchkbd.cache.chunk import (
    CHUNK_ROWS,
    Chunk,
    ChunkError,
    chunk_files,
    open_chunk,
    remove_file,
    set_used,
    write_chunk,
)
from searchkbd.cache.keys import Keys
from searchkbd.cache.pins import Pin
from searchkbd.cache.place import DEFAULT_MAX, embeddings_path, folder_name
from searchkbd.cache.table import KeyTable
from searchkbd.cache.tidy import merge_small, remove_chunks, sweep
from searchkbd.encoders.use_weights import CACHE_VARIABLE

FLUSH_SECONDS = 10.0
"""What is lost at most, of a slow encoder, when the process is killed: this and one batch."""


class EmbeddingCache:
    """What is cached of one encoder: a context manager, for one thread of one process.

    What other processes cache meanwhile is seen by the next cache that is opened. Memory: 16
    bytes for each row that is cached, and a chunk that is being filled.

    The cache fails nobody. Damaged files are removed and counted (``damaged``). Where it cannot
    write (full disk, no permission) it goes on reading, writes no more, and ``warning`` says why.
    """

    def __init__(
        self, root: Path, fingerprint: str, dim: int, *, max_bytes: int = DEFAULT_MAX
    ) -> None:
        """Open the cache of the encoder *fingerprint* below the cache directory *root*.

        *max_bytes* bounds what all encoders have there once this is closed; with 0 nothing is
        read or written.
        """
        self.dim = dim
        self.warning: str | None = None
        self.damaged = 0
        self._root = root
        self._folder = embeddings_path(root) / folder_name(fingerprint, dim)
        self._fingerprint = fingerprint
        self._max_bytes = max_bytes
        self._pin: Pin | None = None
        self._chunks: list[Chunk] = []
        self._used: set[int] = set()
        self._table = KeyTable()
        self._buffered: dict[bytes, int] = {}
        self._since = 0.0
        self._keys = np.empty((CHUNK_ROWS, 2), dtype="<u8")
        self._vectors = np.empty((CHUNK_ROWS, dim), dtype="<f2")
        if max_bytes > 0:
            self._open()

    def __enter__(self) -> EmbeddingCache:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        self.close(tidy=kind is None)

    def get(self, keys: Keys) -> tuple[NDArray[np.bool_], NDArray[np.float16]]:
        """Return which of *keys* (uint64 [n, 2]) are cached, bool [n], and the vectors of those.

        The vectors are float16 [hits, dim], in the order of the keys.
        """
        found = np.zeros(len(keys), dtype=bool)
        out = np.empty((len(keys), self.dim), dtype="<f2")
        numbers, rows = self._table.find(keys)
        known = np.flatnonzero(numbers >= 0)
        known = known[np.argsort(numbers[known], kind="stable")]
        which, starts = np.unique(numbers[known], return_index=True)
        for number, here in zip(which.tolist(), np.split(known, starts)[1:], strict=True):
            chunk = self._chunks[number]
            here = here[chunk.keys[rows[here], 1] == keys[here, 1]]
            if len(here) and self._may_use(number):
                out[here] = chunk.vectors[rows[here]]
                found[here] = True
        if self._buffered:
            missing = np.flatnonzero(~found)
            for place, name in zip(missing.tolist(), _names(keys[missing]), strict=True):
                row = self._buffered.get(name)
                if row is not None:
                    out[place] = self._vectors[row]
                    found[place] = True
        return found, out[found]

    def put(self, keys: Keys, vectors: NDArray[np.floating]) -> None:
        """Cache *vectors* [n, dim], rounded to float16, under *keys* (uint64 [n, 2]).

        They are on disk when a chunk is full, or FLUSH_SECONDS after the first of them came.
        """
        if self._pin is None:
            return
        for name, key, vector in zip(_names(keys), keys, vectors, strict=True):
            if name in self._buffered:
                continue
            if not self._buffered:
                self._since = time.monotonic()
            row = len(self._buffered)
            self._buffered[name] = row
            self._keys[row], self._vectors[row] = key, vector
            if row + 1 == CHUNK_ROWS:
                self.flush()
                if self._pin is None:
                    return
        if self._buffered and time.monotonic() - self._since >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Make everything that was put durable."""
        count = len(self._buffered)
        if not count:
            return
        try:
            path = write_chunk(
                self._folder, self._fingerprint, self._keys[:count], self._vectors[:count]
            )
        except OSError as error:
            self._give_up(error)
            return
        self._buffered.clear()
        self._add([path])

    def close(self, *, tidy: bool = True) -> None:
        """Flush, let go of everything, and, unless *tidy* is False, keep the cache in bounds.

        After a failure there is nothing to gain by removing what another attempt may need.
        """
        self.flush()
        self._chunks.clear()
        self._table = KeyTable()
        if self._pin is None:
            return
        self._pin.release()
        self._pin = None
        if tidy:
            with contextlib.suppress(OSError):
                self.damaged += sweep(self._root).files
                remove_chunks(self._root, down_to=self._max_bytes)
                merge_small(self._folder)

    def _open(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._pin = Pin(self._folder.parent)
        except OSError as error:
            self._give_up(error)
        with contextlib.suppress(OSError):
            self._add([file.path for file in chunk_files(self._folder)])

    def _add(self, paths: list[Path]) -> None:
        """Map the chunks at *paths*, as far as they are sound."""
        first = len(self._chunks)
        for path in paths:
            try:
                self._chunks.append(open_chunk(path))
            except ChunkError:
                self._remove(path)
            except OSError:
                continue  # removed since it was listed, or not ours to read
        self._table.add([chunk.keys for chunk in self._chunks[first:]], first)

    def _may_use(self, number: int) -> bool:
        """Return whether the vectors of a chunk are sound; if so, remember that they are used."""
        if number in self._used:
            return True
        chunk = self._chunks[number]
        if not chunk.is_sound:
            self._table.drop(number)
            self._remove(chunk.path)
            return False
        self._used.add(number)
        set_used(chunk.path)  # now, and not at the end: it is pinned from now on
        return True

    def _remove(self, path: Path) -> None:
        self.damaged += 1
        remove_file(path)

    def _give_up(self, error: OSError) -> None:
        """Write no more, and remember why."""
        self._buffered.clear()
        if self._pin is not None:
            self._pin.release()
            self._pin = None
        if self.warning is None:
            self.warning = (
                f"{self._folder}: embeddings cannot be cached ({error.strerror or error}); the "
                f"next build will encode them again. Free some space, or set {CACHE_VARIABLE} to "
                "a directory that can be written to"
            )


def _names(keys: Keys) -> list[bytes]:
    """Return the keys as bytes, which can be looked up in a dictionary."""
    return np.ascontiguousarray(keys).view("V16").reshape(-1).tolist()
