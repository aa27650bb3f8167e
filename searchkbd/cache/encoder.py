"""An encoder that remembers: it asks the cache first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from searchkbd.cache.keys import keys_of
from searchkbd.cache.place import max_bytes
from searchkbd.cache.store import EmbeddingCache
from searchkbd.encoders.base import Encoder, Vectors, check_batch, settings_of
from searchkbd.encoders.use_weights import cache_directory


class CachedEncoder:
    """Another encoder, behind a cache of its vectors.

    All vectors are rounded to float16, whether they come from the cache or not, so that an index
    does not depend on what was cached.
    """

    def __init__(self, encoder: Encoder, cache: EmbeddingCache) -> None:
        self._encoder = encoder
        self._cache = cache
        self.hits = 0
        """Texts, each once a batch, that were in the cache."""
        self.misses = 0
        """Texts, each once a batch, that were encoded."""

    @property
    def name(self) -> str:
        return self._encoder.name

    @property
    def dim(self) -> int:
        return self._encoder.dim

    @property
    def fingerprint(self) -> str:
        return self._encoder.fingerprint

    @property
    def settings(self) -> dict[str, str]:
        return settings_of(self._encoder)

    @property
    def warning(self) -> str | None:
        """Why nothing is cached any more; None while all is well."""
        return self._cache.warning

    def encode(self, texts: Sequence[str], langs: Sequence[str | None] | None = None) -> Vectors:
        """See ``Encoder.encode``; only texts that are not cached are encoded, each once."""
        batch, codes = check_batch(texts, langs)
        distinct: dict[tuple[str, str | None], int] = {}
        which = [
            distinct.setdefault(pair, len(distinct))
            for pair in zip(batch, codes or [None] * len(batch), strict=True)
        ]
        pairs = list(distinct)
        keys = keys_of(pairs)
        found, cached = self._cache.get(keys)
        vectors = np.empty((len(pairs), self.dim), dtype=np.float16)
        vectors[found] = cached
        missing = np.flatnonzero(~found)
        if len(missing):
            wanted = [pairs[place] for place in missing]
            vectors[missing] = self._encoder.encode(
                [text for text, _ in wanted], [lang for _, lang in wanted]
            )
            self._cache.put(keys[missing], vectors[missing])
        self.hits += len(pairs) - len(missing)
        self.misses += len(missing)
        return vectors[which].astype(np.float32)


def cache_identity(encoder: Encoder) -> str:
    """Return what vectors of *encoder* are cached under: its fingerprint, and the precision that
    they are computed in where it has several."""
    precision = settings_of(encoder).get("precision")
    return f"{encoder.fingerprint}-{precision}" if precision else encoder.fingerprint


@contextmanager
def cached(encoder: Encoder) -> Iterator[CachedEncoder]:
    """Yield *encoder* behind the cache that the environment tells of.

    What was encoded stays cached however the block ends. Raises CacheSettingError for a bound
    that is not a size; a cache that cannot be used raises nothing (see ``warning``).
    """
    with EmbeddingCache(
        cache_directory(), cache_identity(encoder), encoder.dim, max_bytes=max_bytes()
    ) as cache:
        yield CachedEncoder(encoder, cache)
