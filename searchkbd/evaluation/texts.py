"""The vectors of many texts: each text is encoded once, whatever sets it is in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from searchkbd.encoders.base import Encoder, Vectors
from searchkbd.mining.vectors import encode_checked

_BATCH = 1024


class TextVectors:
    """Language → text → unit vector."""

    def __init__(
        self,
        encoder: Encoder,
        texts: Mapping[str, Iterable[str]],
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Encode *texts*, by language; *progress* gets (texts done, texts in all).

        Raises EncoderError when the encoder gives what is no unit vector.
        """
        different = {lang: list(dict.fromkeys(some)) for lang, some in texts.items()}
        total = sum(map(len, different.values()))
        self._place = {
            lang: {text: at for at, text in enumerate(some)} for lang, some in different.items()
        }
        self._vectors: dict[str, Vectors] = {}
        done = 0
        for lang, some in different.items():
            out = np.empty((len(some), encoder.dim), dtype=np.float32)
            for start in range(0, len(some), _BATCH):
                batch = some[start : start + _BATCH]
                langs = [lang] * len(batch)
                out[start : start + len(batch)] = encode_checked(encoder, batch, langs)
                done += len(batch)
                if progress:
                    progress(done, total)
            self._vectors[lang] = out

    def of(self, lang: str, texts: Iterable[str]) -> Vectors:
        """Return float32 ``[len(texts), dim]``; KeyError for a text that was not encoded."""
        place = self._place[lang]
        return self._vectors[lang][[place[text] for text in texts]]
