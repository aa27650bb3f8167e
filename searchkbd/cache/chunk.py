"""Immutable files of cached embeddings, each checked by a checksum before it is believed.

A chunk is a safetensors file with ``keys`` (uint64 [n, 2], in order) and ``vectors`` (float16
[n, dim]). Its metadata names the format and the encoder, and holds a BLAKE2b-128 checksum of each
array: that of the keys is compared when the chunk is opened, that of the vectors when the first
of them is wanted.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.cache.keys import Keys
from searchkbd.cache.place import folder_name
from searchkbd.encoders.tensors import (
    TensorFileError,
    map_tensors,
    sync_directory,
    tensor_bytes,
    write_atomically,
)

CHUNK_ROWS = 16_384
"""Rows of a chunk at most: 17 MB of 512 dimensions."""

_FORMAT = "searchkbd-embeddings-1"
_SUFFIX = ".safetensors"
_NAME = re.compile(rf"[0-9a-f]{{16}}-[0-9a-f]{{8}}\{_SUFFIX}")
_UNFINISHED = re.compile(rf"\.{_NAME.pattern}\..+\.tmp")
_ABANDONED = 3600
"""Seconds after which an unfinished file has no writer any more."""


class ChunkError(ValueError):
    """A file is damaged, or holds embeddings of another encoder than its directory."""


@dataclass(frozen=True)
class ChunkFile:
    """A chunk by what its directory says of it; ``used_ns`` is the time of its last use."""

    path: Path
    bytes: int
    used_ns: int


@dataclass(frozen=True, eq=False)
class Chunk:
    """The mapped arrays of one file."""

    path: Path
    fingerprint: str
    keys: Keys
    vectors: NDArray[np.float16]
    checksum: str

    @cached_property
    def is_sound(self) -> bool:
        """Whether the vectors are what was written; reads them all the first time."""
        return _checksum(self.vectors) == self.checksum


def write_chunk(folder: Path, fingerprint: str, keys: Keys, vectors: NDArray[np.float16]) -> Path:
    """Write a chunk into *folder*, whole and durable on return; return its path.

    Rows may come in any order. Raises OSError (full disk, no permission), and then nothing is
    left of it.
    """
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    keys, vectors = keys[order], vectors[order]
    metadata = {
        "format": _FORMAT,
        "fingerprint": fingerprint,
        "keys": _checksum(keys),
        "vectors": _checksum(vectors),
    }
    folder.mkdir(parents=True, exist_ok=True)
    # In order of time, and of a name that no other process chooses.
    path = folder / f"{time.time_ns():016x}-{secrets.token_hex(4)}{_SUFFIX}"
    write_atomically(path, tensor_bytes({"keys": keys, "vectors": vectors}, metadata))
    sync_directory(folder)
    return path


def open_chunk(path: Path) -> Chunk:
    """Map the chunk at *path*; reads its keys, and none of its vectors.

    Raises ChunkError when it is damaged, not a chunk, or in the directory of another encoder,
    and OSError when it cannot be read (it may have been removed in the meantime).
    """
    try:
        file = map_tensors(path)
        keys = file.take("keys", "<u8", None, 2)
        vectors = file.take("vectors", "<f2", len(keys), None)
    except TensorFileError as error:
        raise ChunkError(f"{path}: {error}") from error
    told = file.metadata
    fingerprint, checksum = told.get("fingerprint", ""), told.get("vectors", "")
    if told.get("format") != _FORMAT or not isinstance(fingerprint, str):
        raise ChunkError(f"{path}: not a file of cached embeddings")
    if folder_name(fingerprint, vectors.shape[1]) != path.parent.name:
        raise ChunkError(f"{path}: of the encoder {fingerprint}, in the directory of another")
    if not len(keys) or _checksum(keys) != told.get("keys"):
        raise ChunkError(f"{path}: its keys are not what was written (checksum)")
    return Chunk(path, fingerprint, keys, vectors, checksum)


def chunk_files(folder: Path) -> list[ChunkFile]:
    """Return the chunks in *folder*, the least recently used first; other files are left out.

    Raises OSError where the directory cannot be read; one that is not there holds nothing.
    """
    found = []
    try:
        for entry in os.scandir(folder):
            if _NAME.fullmatch(entry.name):
                with contextlib.suppress(FileNotFoundError):  # removed in the meantime
                    status = entry.stat()
                    found.append(ChunkFile(Path(entry.path), status.st_size, status.st_mtime_ns))
    except FileNotFoundError:
        return []
    return sorted(found, key=lambda file: (file.used_ns, file.path.name))


def set_used(path: Path, used_ns: int | None = None) -> None:
    """Set the time of the last use of a chunk, to now when it is not given."""
    with contextlib.suppress(OSError):  # read-only, or removed: then it does not matter
        if used_ns is None:
            os.utime(path)
        else:
            os.utime(path, ns=(used_ns, used_ns))


def remove_file(path: Path) -> bool:
    """Remove *path*; return False where that fails (Windows keeps a file that is mapped)."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def remove_unfinished(folder: Path) -> None:
    """Remove what writers that were killed left in *folder*."""
    for path in folder.iterdir():
        if _UNFINISHED.fullmatch(path.name):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _ABANDONED:
                    remove_file(path)


def _checksum(array: NDArray) -> str:
    data = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return hashlib.blake2b(data, digest_size=16).hexdigest()
