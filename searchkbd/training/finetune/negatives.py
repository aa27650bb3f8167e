"""Hard negatives: for each pair, texts near its anchor that are no translation of it.

The rule is TopK-PercPos of Moreira et al. 2024 (NV-Retriever, arXiv:2407.15831): the nearest texts
in the target's language whose cosine with the anchor is at most 0.95 of its translation's.
``mine_hard_negatives`` of sentence-transformers has that margin, but takes only the positives
themselves for translations, letter by letter; here a text is no negative either when it

* has the search key, or without palochkas the loose key, of a translation of the anchor, or nearly
  (edit similarity of 0.9);
* shares a source with a translation of the anchor: of "yes" all translations are right, and so are
  translations of theirs.

The library also drops a pair for which it finds too few; here they are filled up at random.

The model that mines decides what is near. One that does not know Kabardian yet gives translations
cosines so low that what is below them is far from the anchor: mine with a model trained already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Indel

from searchkbd.corpus.sentence import CorpusError
from searchkbd.mining.vectors import VectorStore
from searchkbd.text.forms import loosen, search_key
from searchkbd.training.finetune.data import TextPair, model_text

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MARGIN = 0.95
"""A negative has at most this share of its positive's cosine."""

NEAR = 0.9
"""Texts with a higher edit similarity to a translation are taken for one."""

CANDIDATES = 100_000
"""Texts of a language among which negatives are sought, drawn at random of more."""

_ENCODED = 1024  # texts at a time
_PAIRS = 128  # pairs at a time: 50 MB of cosines with CANDIDATES texts
_DRAWN = 1000  # texts at random, when too few are near
_SPARE = 24  # candidates read beyond those needed, since some are translations

Progress = Callable[[int, int], None]


@dataclass
class _Texts:
    """The different texts of all pairs: by language and search key, the first of each key."""

    langs: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)
    linked: list[set[int]] = field(default_factory=list)
    """Of each text, the texts that it is paired with."""
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, lang: str, text: str) -> int:
        key = search_key(text)
        number = self.numbers.setdefault((lang, key), len(self.texts))
        if number == len(self.texts):
            self.langs.append(lang)
            self.texts.append(text)
            self.loose.append(loosen(key))
            self.linked.append(set())
        return number


def with_hard_negatives(
    pairs: Sequence[TextPair],
    encoder_dir: Path,
    *,
    count: int,
    palochka: str | None,
    seed: int,
    progress: Progress = lambda done, total: None,
) -> list[tuple[TextPair, tuple[str, ...]]]:
    """Return each pair, in order, with *count* texts (as stored) in the language of ``text_b``.

    Its anchor is ``text_a``. The nearest come first; where there are too few, texts at random
    fill up: of the language, else of any, repeated when even they are too few. *encoder_dir* is
    the model that mines; *progress* is told texts encoded and pairs searched, of all. The same
    pairs, model and seed give the same negatives. A text is encoded once; vectors of many texts
    lie in a temporary file (2 bytes a number). Raises CorpusError when all texts are translations
    of one.
    """
    texts = _Texts()
    rows = np.empty((len(pairs), 2), dtype=np.int64)
    for at, pair in enumerate(pairs):
        a, b = texts.add(pair.lang_a, pair.text_a), texts.add(pair.lang_b, pair.text_b)
        texts.linked[a].add(b)
        texts.linked[b].add(a)
        rows[at] = a, b
    total = len(texts.texts) + len(pairs)
    found: list[tuple[str, ...]] = [()] * len(pairs)
    model = _load(encoder_dir)
    with VectorStore(model.get_embedding_dimension()) as store:
        for start in range(0, len(texts.texts), _ENCODED):
            part = slice(start, start + _ENCODED)
            read = [
                model_text(text, lang, palochka)
                for text, lang in zip(texts.texts[part], texts.langs[part], strict=True)
            ]
            vectors = model.encode(read, normalize_embeddings=True, show_progress_bar=False)
            store.append(vectors.astype(np.float32))
            progress(start + len(read), total)
        done = len(texts.texts)
        targets = np.array([pair.lang_b for pair in pairs])
        for lang in sorted(set(targets)):
            miner = _Miner(texts, store, lang, seed, model.device)
            own = np.flatnonzero(targets == lang)
            for start in range(0, len(own), _PAIRS):
                part = own[start : start + _PAIRS]
                for at, negatives in zip(part, miner.mine(rows[part], count), strict=True):
                    found[at] = tuple(texts.texts[number] for number in negatives)
                done += len(part)
                progress(done, total)
    return list(zip(pairs, found, strict=True))


class _Miner:
    """Finds negatives among the texts of one language, CANDIDATES of them at most."""

    def __init__(self, texts: _Texts, store: VectorStore, lang: str, seed: int, device) -> None:
        import torch

        self._texts = texts
        self._store = store
        self._lang = lang
        self._rng = np.random.default_rng([seed, *lang.encode()])
        numbers = np.flatnonzero(np.array(texts.langs) == lang)
        if len(numbers) > CANDIDATES:
            numbers = np.sort(self._rng.choice(numbers, CANDIDATES, replace=False))
        self._numbers = numbers
        self._table = torch.from_numpy(store[numbers]).to(device)

    def mine(self, rows: NDArray[np.int64], count: int) -> list[list[int]]:
        """Return for each of *rows*, ``[n, 2]`` numbers of anchors and positives, *count* texts."""
        anchors, positives = self._store[rows[:, 0]], self._store[rows[:, 1]]
        own = np.einsum("nd,nd->n", anchors, positives)
        highest = own - (1 - MARGIN) * np.abs(own)
        near, allowed = self._nearest(anchors, highest, count + _SPARE)
        found = []
        for anchor, order, usable in zip(rows[:, 0].tolist(), near, allowed, strict=True):
            right = _Right.of(self._texts, anchor, self._lang)
            chosen: list[int] = []
            for number in self._numbers[order[usable]].tolist():
                if len(chosen) < count and not right.has(number):
                    chosen.append(number)
            found.append(self._filled(chosen, count, right))
        return found

    def _nearest(
        self, anchors: NDArray, highest: NDArray, count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return candidates by falling cosine with each anchor, and which are low enough."""
        import torch

        given = torch.from_numpy(anchors).to(self._table.device)
        cosines = given @ self._table.T
        limit = torch.from_numpy(highest).to(cosines)
        cosines[cosines > limit[:, None]] = -torch.inf
        top = cosines.topk(min(count, len(self._numbers)), dim=1)
        return top.indices.cpu().numpy(), torch.isfinite(top.values).cpu().numpy()

    def _filled(self, chosen: list[int], count: int, right: _Right) -> list[int]:
        """Return *chosen* filled up to *count* at random; repeated when there are too few."""
        everything = np.arange(len(self._texts.texts))
        for pool in (self._numbers, everything):
            if len(chosen) == count:
                break
            drawn = self._rng.choice(pool, min(_DRAWN, len(pool)), replace=False)
            for number in drawn.tolist():
                if len(chosen) < count and number not in chosen and not right.has(number):
                    chosen.append(number)
        if not chosen:
            raise CorpusError(
                "too few pairs for hard negatives: all texts are translations of one; "
                "leave --hard-negatives away"
            )
        return [chosen[at % len(chosen)] for at in range(count)]


@dataclass(frozen=True)
class _Right:
    """What may be right for an anchor: its translations and near copies of them."""

    texts: _Texts
    numbers: frozenset[int]
    """Texts two or three links away at most: the anchor, its translations, what shares one with
    it, and what these are translated by."""
    loose: frozenset[str]
    """Loose keys of the translations in the language of the negatives."""

    @classmethod
    def of(cls, texts: _Texts, anchor: int, lang: str) -> _Right:
        linked = texts.linked
        sources = set().union(*(linked[number] for number in linked[anchor]))
        direct = (number for number in linked[anchor] if texts.langs[number] == lang)
        return cls(
            texts,
            frozenset(sources.union(*(linked[number] for number in sources))),
            frozenset(texts.loose[number] for number in direct),
        )

    def has(self, number: int) -> bool:
        own = self.texts.loose[number]
        return number in self.numbers or any(
            Indel.normalized_similarity(own, other, score_cutoff=NEAR) for other in self.loose
        )


def _load(directory: Path) -> SentenceTransformer:
    import torch

    from searchkbd.encoders.transformer.files import find_model
    from searchkbd.encoders.transformer.torch_body import load_model

    return load_model(find_model(directory), "cuda" if torch.cuda.is_available() else "cpu")
