"""Safetensors files as memory-mapped arrays.

The ``safetensors`` library copies each array it reads; an encoder needs a few rows of a table of
tens of megabytes, so the (simple) format is mapped here instead: an 8-byte little-endian length,
that many bytes of JSON, then the arrays. Writing is left to the library.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_MAX_HEADER = 1 << 20
_DTYPES = {
    "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4",
    "U64": "<u8", "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
    "BF16": "<u2",  # numpy has none: the upper half of a float32, as it is
}  # fmt: skip


class TensorFileError(ValueError):
    """A file is not a whole safetensors file."""


@dataclass(frozen=True)
class TensorFile:
    """The arrays (read-only views of the mapped file) and the metadata of one file."""

    arrays: dict[str, NDArray]
    metadata: dict[str, str]

    def take(self, name: str, dtype: str, *shape: int | None) -> NDArray:
        """Return an array after checking its dtype and shape (None: any size).

        Raises TensorFileError when it is missing or otherwise.
        """
        array = self.arrays.get(name)
        if array is None:
            raise TensorFileError(f"no array named {name!r}")
        same = len(shape) == array.ndim and all(
            want is None or want == size for want, size in zip(shape, array.shape, strict=True)
        )
        if array.dtype != np.dtype(dtype) or not same:
            raise TensorFileError(f"array {name!r} is {array.dtype} {array.shape}")
        return array


@dataclass(frozen=True)
class Place:
    """Where in a file an array lies, from byte *start* to *stop*, and what it is; *kind* is what
    safetensors calls its numbers."""

    kind: str
    dtype: np.dtype
    shape: tuple[int, ...]
    start: int
    stop: int


def find_tensors(path: Path) -> tuple[dict[str, Place], dict[str, str]]:
    """Return the places of the arrays in *path* and its metadata; only its header is read.

    Raises as ``map_tensors`` does.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        header, start = _read_header(file.read(8), file.read, size)
    metadata = header.pop("__metadata__", {})
    places: dict[str, Place] = {}
    try:
        for name, entry in header.items():
            dtype = np.dtype(_DTYPES[entry["dtype"]])
            shape = tuple(int(n) for n in entry["shape"])
            first, last = (start + int(n) for n in entry["data_offsets"])
            if min(shape, default=0) < 0 or not start <= first <= last <= size:
                raise TensorFileError(f"{path.name}: array {name!r} reaches beyond the file")
            if math.prod(shape) * dtype.itemsize != last - first:
                raise TensorFileError(f"{path.name}: array {name!r} is not of its shape's size")
            places[name] = Place(entry["dtype"], dtype, shape, first, last)
    except TensorFileError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TensorFileError(f"{path.name}: bad header entry ({error})") from error
    end = max((place.stop for place in places.values()), default=start)
    if end != size or not isinstance(metadata, dict):
        raise TensorFileError(f"{path.name}: {size} bytes where the header tells {end}")
    return places, metadata


def map_tensors(path: Path) -> TensorFile:
    """Map *path*; nothing but its header is read.

    Raises TensorFileError for a file that is truncated, too long, or not safetensors, and
    OSError for one that cannot be read.
    """
    places, metadata = find_tensors(path)
    data = np.memmap(path, dtype=np.uint8, mode="r")
    return TensorFile(
        {
            # A plain ndarray over the map: each slice of a memmap object costs microseconds.
            name: np.asarray(data[at.start : at.stop]).view(at.dtype).reshape(at.shape)
            for name, at in places.items()
        },
        metadata,
    )


def write_tensors(
    path: Path, arrays: Mapping[str, NDArray], metadata: Mapping[str, str] | None = None
) -> None:
    """Write *arrays* to *path* atomically: a reader sees the old file or the whole new one.

    Raises OSError when the folder cannot be written; nothing is left behind then.
    """
    write_atomically(path, tensor_bytes(arrays, metadata))


def tensor_bytes(
    arrays: Mapping[str, NDArray], metadata: Mapping[str, str] | None = None
) -> bytes:
    """Return the content of a safetensors file, the same bytes for the same arrays."""
    from safetensors.numpy import save

    # The library writes the bytes of an array as they lie in memory.
    rows = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return _with_sorted_metadata(save(rows, metadata=dict(metadata or {})))


def write_atomically(path: Path, data: bytes) -> None:
    """Write *data* to *path*: a reader sees the old file or the whole new one.

    Raises OSError when the folder cannot be written; nothing is left behind then.
    """
    import tempfile

    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def sync_directory(directory: Path) -> None:
    """Make the names in *directory* durable (a no-op where directories cannot be opened)."""
    if os.name != "posix":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _with_sorted_metadata(data: bytes) -> bytes:
    # The library's order changes from run to run (that of a hash map); equal arrays shall give
    # equal files. Sorting does not change the length.
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    if "__metadata__" in header:
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    if len(text) > length:  # the library escaped something shorter than we do
        return data
    return data[:8] + text.ljust(length) + data[8 + length :]


def _read_header(prefix: bytes, read, size: int) -> tuple[dict, int]:
    length = int.from_bytes(prefix, "little")
    if len(prefix) < 8 or not 2 <= length <= min(_MAX_HEADER, size - 8):
        raise TensorFileError("not a safetensors file, or truncated")
    try:
        header = json.loads(read(length))
    except (ValueError, RecursionError) as error:
        raise TensorFileError(f"the header is not JSON ({error})") from error
    if not isinstance(header, dict):
        raise TensorFileError("the header is not a JSON object")
    return header, 8 + length
