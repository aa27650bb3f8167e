"""Keeping the cache in bounds: what it holds, what goes first, and many small files made one.

Nothing here takes away what a running build has cached: see ``pins``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from searchkbd.cache.chunk import (
    CHUNK_ROWS,
    Chunk,
    ChunkError,
    ChunkFile,
    chunk_files,
    open_chunk,
    remove_file,
    remove_unfinished,
    set_used,
    write_chunk,
)
from searchkbd.cache.pins import oldest_pin
from searchkbd.cache.place import embeddings_path, encoder_folders, encoder_of

SMALL_ROWS = CHUNK_ROWS // 4
SMALL_FILES = 32
"""So many files of fewer than SMALL_ROWS rows are left as they are."""

Progress = Callable[[float, float | None], None]


@dataclass(frozen=True)
class EncoderUsage:
    """What is cached of one encoder.

    ``sentences`` are rows: a sentence that two builds encoded at a time counts twice.
    ``damaged`` files are among ``files`` and ``bytes``. ``used_ns`` is the time of the last use.
    """

    encoder: str
    dimensions: int
    sentences: int
    bytes: int
    files: int
    damaged: int
    used_ns: int


@dataclass(frozen=True)
class Removal:
    """What was removed; ``in_use`` files would have been, but for a running build."""

    files: int
    bytes: int
    in_use: int

    def __add__(self, other: Removal) -> Removal:
        return Removal(
            self.files + other.files, self.bytes + other.bytes, self.in_use + other.in_use
        )


def usage(root: Path) -> list[EncoderUsage]:
    """Return what is cached in the cache directory *root*, an entry for each encoder."""
    found = []
    for folder in encoder_folders(root):
        files = chunk_files(folder)
        encoder, dim = encoder_of(folder), folder.name.rpartition("-")[2]
        if not files or not encoder or not dim.isdecimal():
            continue
        rows = [_rows(file.path) for file in files]
        found.append(
            EncoderUsage(
                encoder=encoder,
                dimensions=int(dim),
                sentences=sum(count or 0 for count in rows),
                bytes=sum(file.bytes for file in files),
                files=len(files),
                damaged=rows.count(None),
                used_ns=files[-1].used_ns,
            )
        )
    return found


def remove_chunks(
    root: Path,
    *,
    down_to: int = 0,
    unused_since_ns: int | None = None,
    encoder: str | None = None,
) -> Removal:
    """Remove chunks, the least recently used first, until *down_to* bytes are left in all.

    *unused_since_ns* spares those used later, *encoder* (as ``usage`` names it) those of others.
    """
    files: list[tuple[ChunkFile, bool]] = []
    for folder in encoder_folders(root):
        chosen = encoder in (None, encoder_of(folder))
        files += [(file, chosen) for file in chunk_files(folder)]
    # Only now: what is listed and belongs to a running build was written after its pin was made.
    pinned_ns = oldest_pin(embeddings_path(root))
    left = sum(file.bytes for file, _ in files)
    gone = freed = in_use = 0
    for file, chosen in sorted(files, key=lambda entry: entry[0].used_ns):
        if left <= down_to:
            break
        if not chosen or (unused_since_ns is not None and file.used_ns > unused_since_ns):
            continue
        left -= file.bytes
        if _is_pinned(file, pinned_ns) or not remove_file(file.path):
            in_use += 1
            continue
        gone += 1
        freed += file.bytes
    if pinned_ns is None:
        for folder in encoder_folders(root):
            with contextlib.suppress(OSError):
                folder.rmdir()  # refuses one that holds something
    return Removal(gone, freed, in_use)


def sweep(root: Path) -> Removal:
    """Remove damaged chunks, and unfinished files of killed writers.

    Returns what the damaged chunks were. Damage to vectors is found when they are used.
    """
    files = freed = 0
    for folder in encoder_folders(root):
        for file in chunk_files(folder):
            if _rows(file.path) is None and remove_file(file.path):
                files += 1
                freed += file.bytes
        remove_unfinished(folder)
    return Removal(files, freed, 0)


def merge_small(folder: Path, progress: Progress | None = None) -> int:
    """Make few chunks of many small ones of one encoder; return how many there are less.

    The merged chunk is durable before the small ones go, and no younger than they were. Readers
    that have them mapped keep them; a writer's new ones are merged another time. Raises OSError
    when the disk is full; nothing is lost then.
    """
    small = []
    for file in chunk_files(folder):
        with contextlib.suppress(ChunkError, OSError):
            chunk = open_chunk(file.path)
            if len(chunk.keys) < SMALL_ROWS:
                small.append((file, chunk))
    if len(small) <= SMALL_FILES:
        return 0
    less = done = 0
    for group in _groups(small):
        done += len(group)
        less += _merge(folder, group)
        if progress:
            progress(done, len(small))
    return less


def _groups(
    small: list[tuple[ChunkFile, Chunk]]
) -> Iterator[list[tuple[ChunkFile, Chunk]]]:
    """Yield runs of chunks that together are one chunk's size, the least recently used first."""
    group: list[tuple[ChunkFile, Chunk]] = []
    rows = 0
    for file, chunk in small:
        if rows + len(chunk.keys) > CHUNK_ROWS:
            yield group
            group, rows = [], 0
        group.append((file, chunk))
        rows += len(chunk.keys)
    yield group


def _merge(folder: Path, group: list[tuple[ChunkFile, Chunk]]) -> int:
    """Merge one group; return how many files there are less."""
    sound = [(file, chunk) for file, chunk in group if chunk.is_sound]
    merged = 0
    if len(sound) > 1:
        keys = np.concatenate([chunk.keys for _, chunk in sound])
        vectors = np.concatenate([chunk.vectors for _, chunk in sound])
        _, first = np.unique(keys, axis=0, return_index=True)
        path = write_chunk(folder, sound[0][1].fingerprint, keys[first], vectors[first])
        set_used(path, max(file.used_ns for file, _ in sound))
        merged = 1
    elif sound:
        group = [(file, chunk) for file, chunk in group if not chunk.is_sound]
    return sum(remove_file(file.path) for file, _ in group) - merged


def _is_pinned(file: ChunkFile, pinned_ns: int | None) -> bool:
    if pinned_ns is None:
        return False
    try:
        used_ns = file.path.stat().st_mtime_ns  # a running build may have used it by now
    except OSError:
        return False
    return used_ns >= pinned_ns


def _rows(path: Path) -> int | None:
    """Return the number of rows of a chunk, None when it is damaged."""
    try:
        return len(open_chunk(path).keys)
    except ChunkError:
        return None
    except OSError:
        return 0  # gone, or not ours to read
