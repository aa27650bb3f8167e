"""One encoder for many threads."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from searchkbd.encoders.base import Encoder, Vectors, settings_of


class SharedEncoder:
    """An encoder that one thread uses at a time.

    Encoders load themselves when first used, and their matrix products have threads of their own:
    two at once would load twice, and wait for each other.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._lock = threading.Lock()
        self.name = encoder.name
        self.dim = encoder.dim
        self.fingerprint = encoder.fingerprint

    @property
    def settings(self) -> dict[str, str]:
        """See ``settings_of``."""
        return settings_of(self._encoder)

    def encode(self, texts: Sequence[str], langs: Sequence[str | None] | None = None) -> Vectors:
        """See ``Encoder.encode``."""
        with self._lock:
            return self._encoder.encode(texts, langs)
