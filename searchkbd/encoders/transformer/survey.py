"""Which pieces of a vocabulary texts need, and what would be lost without the others."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import tokenizers

PREFIX = "##"
"""Begins a piece that continues a word."""

HELD_OUT = 10
"""One text of so many is held out, chosen by its content: equal texts stay together."""

MAX_HELD_OUT = 100_000
"""Texts held out at most; more would not tell more."""


@dataclass(frozen=True)
class Unseen:
    """Texts that were held out, and those of them that are tokenised as before."""

    lang: str
    texts: int
    unchanged: int


class Survey:
    """Counts the pieces of texts; those of a tenth of the texts apart as well."""

    def __init__(self, library: tokenizers.Tokenizer, size: int) -> None:
        self._library = library
        self._seen = np.zeros(size, dtype=np.int64)  # in texts that were not held out
        self._held_ids: list[NDArray[np.int32]] = []
        self._held_langs: list[str] = []
        self.langs: Counter[str] = Counter()

    def add(self, texts: Sequence[str], langs: Sequence[str]) -> None:
        """Count the pieces of *texts* as the model reads them, in the languages *langs*."""
        batch = self._library.encode_batch_fast(list(texts), add_special_tokens=False)
        self.langs.update(langs)
        seen = []
        for text, lang, one in zip(texts, langs, batch, strict=True):
            ids = np.array(one.ids, dtype=np.int32)
            held = zlib.crc32(text.encode("utf-8", "replace")) % HELD_OUT == 0
            if held and len(self._held_ids) < MAX_HELD_OUT:
                self._held_ids.append(ids)
                self._held_langs.append(lang)
            else:
                seen.append(ids)
        if seen:
            self._seen += np.bincount(np.concatenate(seen), minlength=len(self._seen))

    @property
    def counts(self) -> NDArray[np.int64]:
        """Return how often each piece occurs in all texts."""
        counts = self._seen.copy()
        if self._held_ids:
            counts += np.bincount(np.concatenate(self._held_ids), minlength=len(counts))
        return counts

    def unseen(self, always: NDArray[np.bool_], min_count: int) -> list[Unseen]:
        """Return for each language what becomes of texts that had no say in what is kept.

        The pieces kept are those *always* kept and those that occur *min_count* times in the other
        texts. A text whose pieces are all kept is tokenised as before: of the pieces that a word
        may begin with, the longest is still there. Languages with the most texts come first.
        """
        kept = always | (self._seen >= min_count)
        total: Counter[str] = Counter(self._held_langs)
        unchanged = Counter(
            lang
            for lang, ids in zip(self._held_langs, self._held_ids, strict=True)
            if kept[ids].all()
        )
        return [Unseen(lang, count, unchanged[lang]) for lang, count in total.most_common()]


def always_kept(library: tokenizers.Tokenizer, settings: Mapping[str, Any]) -> set[int]:
    """Return the numbers of special tokens, of single characters, and of pieces with a character
    that is no piece alone: so no text loses a character, and no more words become unknown.

    *settings* is tokenizer_config.json.
    """
    vocabulary = library.get_vocab(with_added_tokens=False)
    kept = set(library.get_added_tokens_decoder())
    for name, token in [*settings.items(), ("unk_token", library.model.unk_token)]:
        content = token.get("content") if isinstance(token, dict) else token
        if name.endswith("_token") and isinstance(content, str) and content in vocabulary:
            kept.add(vocabulary[content])
    first = {piece for piece in vocabulary if len(piece) == 1}
    later = {piece[2:] for piece in vocabulary if len(piece) == 3 and piece.startswith(PREFIX)}
    for piece, number in vocabulary.items():
        goes_on = piece.startswith(PREFIX) and piece != PREFIX
        bare = piece.removeprefix(PREFIX) if goes_on else piece
        falls_back = bare[:1] in (later if goes_on else first) and later.issuperset(bare[1:])
        if len(bare) == 1 or not (falls_back or _is_split(library, bare)):
            kept.add(number)
    return kept


def _is_split(library: tokenizers.Tokenizer, bare: str) -> bool:
    """Return whether pieces are never looked for in all of *bare*: ``[unused1]``, ``don't``."""
    splits = library.pre_tokenizer
    return splits is not None and len(splits.pre_tokenize_str(bare)) != 1
