"""Different texts, numbered: each is encoded, and looked at, once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from searchkbd.corpus.sentence import UNDETERMINED
from searchkbd.encoders.base import Encoder
from searchkbd.mining.vectors import VectorStore, encode_checked

_BATCH = 1024


class TextSet:
    """Texts by language, numbered from 0 in the order in which they come.

    *vectors* gets the vector of each, row by number, when there is an *encoder*; *on_batch* the
    texts and languages of each batch; *progress* the number of texts done. Memory holds a digest
    of each text, some 150 bytes.
    """

    def __init__(
        self,
        encoder: Encoder | None = None,
        vectors: VectorStore | None = None,
        *,
        on_batch: Callable[[list[str], list[str]], None] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._encoder = encoder
        self._vectors = vectors
        self._on_batch = on_batch
        self._progress = progress
        self._numbers: dict[bytes, int] = {}
        self._texts: list[str] = []
        self._langs: list[str] = []

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, lang: str, text: str, key: str | None = None) -> int:
        """Return the number of *text*, new or not; texts with one *key* are one, the first.

        The text itself is the key when none is given. Call :meth:`finish` at the end.
        """
        digest = digest_of(lang, text if key is None else key)
        number = self._numbers.get(digest)
        if number is None:
            number = self._numbers[digest] = len(self._numbers)
            self._texts.append(text)
            self._langs.append(lang)
            if len(self._texts) == _BATCH:
                self.finish()
        return number

    def finish(self) -> None:
        """Encode what is waiting."""
        if not self._texts:
            return
        if self._on_batch:
            self._on_batch(self._texts, self._langs)
        if self._encoder is not None and self._vectors is not None:
            langs = [None if lang == UNDETERMINED else lang for lang in self._langs]
            self._vectors.append(encode_checked(self._encoder, self._texts, langs))
        self._texts, self._langs = [], []
        if self._progress:
            self._progress(len(self._numbers))


def digest_of(*parts: str) -> bytes:
    """Return 16 bytes that stand for *parts*, in which no NUL may be."""
    data = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16).digest()
