"""Evaluation during a fine-tuning: how well translations are found, by sentence-transformers' own
evaluators."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from searchkbd.encoders.transformer.model_text import model_text
from searchkbd.evaluation.pairs import PairSet
from searchkbd.evaluation.retrieval import Retrieval, both_directions, without
from searchkbd.mining.units import language_order
from searchkbd.pairs.clusters import Clusters
from searchkbd.text.forms import search_key
from searchkbd.training.finetune.data import TextPair

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor

KABARDIAN = "kbd"

CORPUS_LIMIT = 2_000
"""Texts that one direction searches through, at most."""

SPEARMAN = "validation_spearman_cosine"
"""What the figure of the card's own evaluator is called in the log."""

LABEL, NO_LABEL = 0.93, 0.0
"""What LaBSE-kbd's card shows as labels: of pairs with Kabardian, and of others."""

_AT = (1, 5, 10)
_COLUMNS = {
    "accuracy@1": "accuracy_at_1",
    "accuracy@5": "accuracy_at_5",
    "accuracy@10": "accuracy_at_10",
    "mrr@10": "mrr_at_10",
    "translation_accuracy": "translation_accuracy",
}
_BATCH = 32
_CHUNK = 512
_LANGS = tuple[str, str]

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class DirectionFigures:
    """How one language finds its translations in another; figures are shares from 0 to 1.

    ``sources`` different texts search ``candidates`` different texts, any translation is right
    (InformationRetrievalEvaluator). ``translation_accuracy`` is accuracy@1 among ``one_to_one``
    pairs of which no text is in two (TranslationEvaluator).
    """

    source: str
    target: str
    sources: int
    candidates: int
    accuracy_at_1: float
    accuracy_at_5: float
    accuracy_at_10: float
    mrr_at_10: float
    one_to_one: int
    translation_accuracy: float

    @property
    def langs(self) -> _LANGS:
        """The direction: source and target language."""
        return self.source, self.target


@dataclass(frozen=True, slots=True)
class DevFigures:
    """The figures after *step* steps, in both directions of every language pair.

    ``spearman`` correlates cosines with labels, as the card of LaBSE-kbd does; None without labels
    or where all cosines or labels are equal.
    """

    step: int
    directions: tuple[DirectionFigures, ...]
    spearman: float | None = None

    @property
    def accuracy(self) -> float:
        """Mean accuracy@1 of the directions with Kabardian; of all where there is none."""
        own = [one for one in self.directions if KABARDIAN in one.langs] or self.directions
        return sum(one.accuracy_at_1 for one in own) / len(own)

    def of(self, source: str, target: str) -> DirectionFigures | None:
        """Return the figures of a direction, None where it was not measured."""
        return next((one for one in self.directions if one.langs == (source, target)), None)

    def columns(self) -> dict[str, float]:
        """Return the figures as the columns of a log: ``kbd-ru_accuracy@1`` and so on."""
        found = {
            column_name(one.langs, name): getattr(one, attribute)
            for one in self.directions
            for name, attribute in _COLUMNS.items()
        }
        if self.spearman is not None:
            found[SPEARMAN] = self.spearman
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`from_dict` reads, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DevFigures:
        """Return what :meth:`to_dict` wrote; KeyError or TypeError for anything else."""
        directions = tuple(DirectionFigures(**one) for one in data["directions"])
        return cls(data["step"], directions, data["spearman"])


@dataclass(frozen=True)
class _Search:
    """One language pair: both retrievals, the distractors of each, and the one-to-one pairs."""

    retrievals: tuple[Retrieval, Retrieval]
    distractors: tuple[list[str], list[str]]
    one_to_one: tuple[list[str], list[str]]


class DevEvaluator:
    """Measures a model on *pairs*, which must be translations of each other.

    Texts with one search key are one text: a repeated target is one candidate, and all
    translations of a repeated source are right. *palochka* is how the model reads the letter (see
    ``model_text``). A direction searches *corpus_limit* texts at most: of a language pair
    with more pairs so many are drawn, by *seed*, and *distractors* (by language) fill it up.

    *labels* holds a similarity for each of *pairs*, for the evaluator named ``validation`` of
    LaBSE-kbd's card; ``card_labels`` makes some of its kind.
    """

    def __init__(
        self,
        pairs: Sequence[TextPair],
        palochka: str | None,
        *,
        corpus_limit: int = CORPUS_LIMIT,
        seed: int = 42,
        distractors: Mapping[str, Sequence[str]] | None = None,
        labels: Sequence[float] | None = None,
    ) -> None:
        """Choose what is measured. Raises ValueError without pairs, or with other than one label
        a pair."""
        if not pairs:
            raise ValueError("no pairs to evaluate")
        if labels is not None and len(labels) != len(pairs):
            raise ValueError(f"{len(labels)} labels for {len(pairs)} pairs")
        self._palochka = palochka
        self._searches = [
            _search(langs, rows, distractors or {}, corpus_limit)
            for langs, rows in _drawn(pairs, corpus_limit, seed).items()
        ]
        self._labelled: tuple[list[str], list[str], list[float]] | None = None
        if labels is not None:
            rows = np.random.default_rng([seed, 3]).permutation(len(pairs))[:corpus_limit]
            chosen = [pairs[row] for row in sorted(rows)]
            self._labelled = (
                [self._read(one.lang_a, one.text_a) for one in chosen],
                [self._read(one.lang_b, one.text_b) for one in chosen],
                [float(labels[row]) for row in sorted(rows)],
            )
        self._texts = list(dict.fromkeys(self._all_texts()))

    @property
    def columns(self) -> list[str]:
        """All columns that ``DevFigures.columns`` may have, in order."""
        directions = [one.langs for search in self._searches for one in search.retrievals]
        names = [column_name(langs, name) for langs in directions for name in _COLUMNS]
        return names + ([SPEARMAN] if self._labelled else [])

    def evaluate(
        self, model: SentenceTransformer, step: int, *, progress: Progress | None = None
    ) -> DevFigures:
        """Return the figures of *model*, which is left in the mode (training or not) it was in.

        Every text is encoded once. Nothing is written and no random number is drawn. *progress*
        gets (texts encoded, texts in all).
        """
        training = model.training
        try:
            vectors = _KnownVectors(model, self._texts, progress)
        finally:
            model.train(training)
        directions = []
        for search in self._searches:
            accuracies = self._translation(search, vectors)
            for place in (0, 1):
                directions.append(self._retrieval(search, place, vectors, accuracies[place]))
        return DevFigures(step, tuple(directions), self._spearman(vectors))

    def _read(self, lang: str, text: str) -> str:
        return model_text(text, lang, self._palochka)

    def _all_texts(self) -> Iterable[str]:
        """Yield everything that is encoded, as the model reads it."""
        for search in self._searches:
            for one, pool in zip(search.retrievals, search.distractors, strict=True):
                yield from (self._read(one.langs[0], text) for text in one.sources)
                yield from (self._read(one.langs[1], text) for text in pool)
        if self._labelled:
            yield from self._labelled[0] + self._labelled[1]

    def _translation(self, search: _Search, vectors: _KnownVectors) -> tuple[float, float]:
        """Return the accuracies in both directions."""
        from sentence_transformers.sentence_transformer.evaluation import TranslationEvaluator

        a, b = search.retrievals[0].langs
        figures = TranslationEvaluator(
            [self._read(a, text) for text in search.one_to_one[0]],
            [self._read(b, text) for text in search.one_to_one[1]],
            write_csv=False,
        )(vectors)
        return figures["src2trg_accuracy"], figures["trg2src_accuracy"]

    def _retrieval(
        self, search: _Search, place: int, vectors: _KnownVectors, translation_accuracy: float
    ) -> DirectionFigures:
        from sentence_transformers.sentence_transformer.evaluation import (
            InformationRetrievalEvaluator,
        )
        from sentence_transformers.util import cos_sim

        one, pool = search.retrievals[place], search.distractors[place]
        source, target = one.langs
        relevant: dict[str, set[str]] = {}
        for row, column in zip(one.relevance.sources, one.relevance.targets, strict=True):
            relevant.setdefault(str(row), set()).add(str(column))
        candidates = [*one.targets, *pool]
        figures = InformationRetrievalEvaluator(
            {str(row): self._read(source, text) for row, text in enumerate(one.sources)},
            {str(row): self._read(target, text) for row, text in enumerate(candidates)},
            relevant,
            accuracy_at_k=list(_AT), mrr_at_k=[10],
            ndcg_at_k=[1], precision_recall_at_k=[1], map_at_k=[1],  # none may be empty
            score_functions={"cosine": cos_sim}, write_csv=False,
        )(vectors)  # fmt: skip
        return DirectionFigures(
            source, target, len(one.sources), len(candidates),
            *(figures[f"cosine_accuracy@{k}"] for k in _AT), figures["cosine_mrr@10"],
            len(search.one_to_one[0]), translation_accuracy,
        )  # fmt: skip

    def _spearman(self, vectors: _KnownVectors) -> float | None:
        from sentence_transformers.sentence_transformer.evaluation import (
            EmbeddingSimilarityEvaluator,
        )

        if self._labelled is None or len(set(self._labelled[2])) < 2:
            return None
        # A correlation with a constant is no number, and scipy warns of it.
        cosines = vectors.cosines(*self._labelled[:2])
        if float(np.ptp(cosines)) == 0:
            return None
        figures = EmbeddingSimilarityEvaluator(
            *self._labelled, similarity_fn_names=["cosine"], name="validation", write_csv=False
        )(vectors)
        return figures[SPEARMAN]


class _KnownVectors:
    """What the library's evaluators are given as the model: its vectors, each encoded once.

    It also keeps the evaluators from filling the model's own card with their figures.
    """

    def __init__(
        self, model: SentenceTransformer, texts: list[str], progress: Progress | None
    ) -> None:
        import torch

        # Long texts beside long ones: less padding, as in SentenceTransformer.encode.
        order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
        parts: list[Tensor] = []
        for start in range(0, len(order), _CHUNK):
            rows = order[start : start + _CHUNK]
            parts.append(
                model.encode(
                    [texts[row] for row in rows], batch_size=_BATCH, show_progress_bar=False,
                    convert_to_tensor=True,
                ).float().cpu()
            )  # fmt: skip
            if progress:
                progress(start + len(rows), len(order))
        self._vectors = torch.cat(parts)
        self._row = {texts[row]: place for place, row in enumerate(order)}
        self.model_card_data = self

    def encode(
        self, sentences: Sequence[str], convert_to_tensor: bool = False, **options: object
    ) -> Tensor | list[Tensor]:
        """Return ``[n, dim]``, or its rows in a list, as TranslationEvaluator wants them."""
        found = self._vectors[[self._row[text] for text in sentences]]
        wants_rows = not convert_to_tensor and not options.get("convert_to_numpy", True)
        return list(found) if wants_rows else found

    encode_query = encode_document = encode

    def set_evaluation_metrics(self, *figures: object) -> None:
        """Take what an evaluator tells the model's card."""

    def cosines(self, left: Sequence[str], right: Sequence[str]) -> np.ndarray:
        """Return the cosines ``[n]`` of texts side by side."""
        from sentence_transformers.util import pairwise_cos_sim

        return pairwise_cos_sim(self.encode(left), self.encode(right)).numpy()


def column_name(langs: _LANGS, figure: str) -> str:
    """Return the column of a figure of a direction: ``kbd-ru_accuracy@1``."""
    return f"{'-'.join(langs)}_{figure}"


def card_labels(pairs: Iterable[TextPair]) -> list[float]:
    """Return labels of the kind that the card of LaBSE-kbd shows (docs/evaluation.md)."""
    return [LABEL if KABARDIAN in (one.lang_a, one.lang_b) else NO_LABEL for one in pairs]


def _drawn(
    pairs: Iterable[TextPair], limit: int, seed: int
) -> dict[_LANGS, tuple[list[str], list[str]]]:
    """Return the texts of *limit* pairs at most, by language pair, in our order of languages."""
    found: dict[_LANGS, list[TextPair]] = {}
    for pair in pairs:
        first, second = sorted((pair.lang_a, pair.lang_b), key=language_order)
        found.setdefault((first, second), []).append(
            pair if pair.lang_a == first else pair.turned()
        )
    drawn = {}
    for langs in sorted(found, key=lambda langs: tuple(map(language_order, langs))):
        rows = found[langs]
        if len(rows) > limit:
            # What is drawn of a language pair does not depend on the others.
            rng = np.random.default_rng([seed, zlib.crc32("-".join(langs).encode())])
            places = np.sort(rng.choice(len(rows), limit, replace=False))
            rows = [rows[place] for place in places]
        drawn[langs] = [one.text_a for one in rows], [one.text_b for one in rows]
    return drawn


def _search(
    langs: _LANGS,
    rows: tuple[list[str], list[str]],
    distractors: Mapping[str, Sequence[str]],
    limit: int,
) -> _Search:
    there, back = both_directions(PairSet.from_texts("-".join(langs), langs, *rows))
    pools = [
        without(distractors.get(one.langs[1], ()), one.target_keys, limit - len(one.targets))
        for one in (there, back)
    ]
    return _Search((there, back), (pools[0], pools[1]), _one_to_one(*rows))


def _one_to_one(left: Sequence[str], right: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the first pair of each cluster of pairs that share texts.

    Only so is no text of the one side a right translation of two of the other, which
    TranslationEvaluator would count as a miss.
    """
    joined = Clusters(len(left))
    for side in (left, right):
        first: dict[str, int] = {}
        for row, text in enumerate(side):
            joined.join(row, first.setdefault(search_key(text), row))
    rows = [row for row, root in enumerate(joined.roots()) if row == root]
    return [left[row] for row in rows], [right[row] for row in rows]
