"""The encoder of a command that writes: behind the embedding cache, in one process or several."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from searchkbd.cache.encoder import CachedEncoder
    from searchkbd.encoders.base import Encoder


@contextmanager
def remembering(encoder: Encoder, *, workers: int = 1, cache: bool) -> Iterator[CachedEncoder]:
    """Yield *encoder*, in so many processes, behind the embedding cache.

    Without *cache* nothing is read from it or written to it; vectors are counted all the same.
    """
    from searchkbd.cache.encoder import CachedEncoder, cached
    from searchkbd.cache.store import EmbeddingCache
    from searchkbd.encoders.spec import EncoderSpec
    from searchkbd.encoders.use_weights import cache_directory
    from searchkbd.encoders.workers import WorkerPool

    if workers > 1:
        with WorkerPool(EncoderSpec.of(encoder), workers=workers) as pool, remembering(
            pool, cache=cache
        ) as wrapped:
            yield wrapped
    elif cache:
        with cached(encoder) as wrapped:
            yield wrapped
    else:
        root = cache_directory()
        with EmbeddingCache(root, encoder.fingerprint, encoder.dim, max_bytes=0) as none:
            yield CachedEncoder(encoder, none)
