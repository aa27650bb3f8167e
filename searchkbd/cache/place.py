"""Where cached embeddings lie, and how much room they may take."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from searchkbd.errors import SearchkbdError

MAX_VARIABLE = "SEARCHKBD_CACHE_MAX"
"""Environment variable with the bound of the cache: 500M, 4G; 0 turns the cache off."""

DEFAULT_MAX = 2_000_000_000  # bytes

FOLDER = "embeddings"

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", re.ASCII | re.IGNORECASE)
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}

# Lower case only: some file systems do not tell an A from an a.
_SAFE = re.compile(r"[0-9a-z_][0-9a-z._-]{0,31}")


class CacheSettingError(SearchkbdError, ValueError):
    """The environment says something of the cache that cannot be understood."""


def max_bytes() -> int:
    """Return the bound that the environment sets, or the default.

    Raises CacheSettingError for what is not a size.
    """
    text = os.environ.get(MAX_VARIABLE, "").strip()
    if not text:
        return DEFAULT_MAX
    size = _SIZE.fullmatch(text)
    if size is None:
        raise CacheSettingError(
            f"{MAX_VARIABLE}={text!r} is not a size; write it as 500M or 4G, or 0 for no cache"
        )
    return int(float(size[1]) * _UNITS[size[2].lower()])


def embeddings_path(root: Path) -> Path:
    """Return the directory of all embeddings below the cache directory *root*."""
    return root / FOLDER


def folder_name(fingerprint: str, dim: int) -> str:
    """Return the name of the directory of one encoder, ``<fingerprint>-<dim>``.

    A fingerprint that is not safe as a file name is replaced by a hash of it.
    """
    if not _SAFE.fullmatch(fingerprint):
        encoded = fingerprint.encode("utf-8", "surrogatepass")
        fingerprint = hashlib.blake2b(encoded, digest_size=16).hexdigest()
    return f"{fingerprint}-{dim}"


def encoder_of(folder: Path) -> str:
    """Return the fingerprint, or the hash of it, that *folder* is named after."""
    return folder.name.rpartition("-")[0]


def encoder_folders(root: Path, encoder: str | None = None) -> list[Path]:
    """Return the directories of cached embeddings, all or those of *encoder*, by name."""
    place = embeddings_path(root)
    found = sorted(path for path in place.iterdir() if path.is_dir()) if place.is_dir() else []
    return [path for path in found if encoder in (None, encoder_of(path))]
