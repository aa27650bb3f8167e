"""What a vector is found by: a hash of the text and the language that an encoder was given."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
"""uint64 ``[n, 2]``: a BLAKE2b-128 hash a row, as two little-endian words."""

WIDTH = 16  # bytes


def keys_of(pairs: Iterable[tuple[str, str | None]]) -> Keys:
    """Return the keys of *pairs* of text and language code, uint64 [n, 2].

    No language (None) is a language of its own.
    """
    begun: dict[str | None, hashlib.blake2b] = {}
    digests = []
    for text, lang in pairs:
        if lang not in begun:
            begun[lang] = hashlib.blake2b(_prefix(lang), digest_size=WIDTH)
        hashed = begun[lang].copy()
        hashed.update(text.encode("utf-8", "surrogatepass"))
        digests.append(hashed.digest())
    return np.frombuffer(b"".join(digests), dtype="<u8").reshape(-1, 2)


def _prefix(lang: str | None) -> bytes:
    # With its length before it, no code and text can be taken for another code and text.
    if lang is None:
        return b"-"
    code = lang.encode("utf-8", "surrogatepass")
    return b"%d:%s" % (len(code), code)
