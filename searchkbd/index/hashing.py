"""Hashes of search keys, the same in every process and version."""

from __future__ import annotations

import hashlib


def key_hash(key: str) -> int:
    """Return a signed 64-bit hash of a search key."""
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)
