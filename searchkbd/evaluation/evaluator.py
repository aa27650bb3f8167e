"""Evaluating an encoder: both directions of every set, every scoring, with and without
distractors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.base import Encoder, Vectors
from searchkbd.evaluation.bootstrap import RESAMPLES, SEED, interval, resampled_means
from searchkbd.evaluation.distractors import MAX_DISTRACTORS
from searchkbd.evaluation.measures import NAMES, per_source, require
from searchkbd.evaluation.neighbours import ranked
from searchkbd.evaluation.pairs import PairSet
from searchkbd.evaluation.results import Estimate, Evaluation
from searchkbd.evaluation.retrieval import Retrieval, both_directions, without
from searchkbd.evaluation.texts import TextVectors

COSINE = "cosine"
MARGIN = "margin"
SCORINGS = (COSINE, MARGIN)

Progress = Callable[[int, int], None]


def evaluate(
    encoder: Encoder,
    sets: Iterable[PairSet],
    distractors: Mapping[str, Sequence[str]] | None = None,
    *,
    max_distractors: int = MAX_DISTRACTORS,
    scorings: Sequence[str] = SCORINGS,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    on_encoded: Progress | None = None,
    on_scored: Progress | None = None,
) -> tuple[Evaluation, ...]:
    """Return the rows of a report: set by set, either direction, every scoring.

    *distractors* are different texts by language, see ``read_distractors``. A direction whose
    target language has some is searched again with the first *max_distractors* of them that are
    not among its own targets. *on_encoded* and *on_scored* get (done, in all), of texts and of
    searches.

    All texts are encoded first and kept: ``texts × dim × 4`` bytes. Raises EncoderError for
    vectors that are not of unit length, MissingPackageError without ir-measures, and ValueError
    when there is no set.
    """
    require("ir_measures")
    if not scorings or not set(scorings) <= set(SCORINGS):
        raise ValueError(f"scorings are {', '.join(SCORINGS)}, not {', '.join(scorings)}")
    retrievals = [direction for one in sets for direction in both_directions(one)]
    if not retrievals:
        raise ValueError("no pairs to evaluate")
    pools = [
        without((distractors or {}).get(one.langs[1], ()), one.target_keys, max_distractors)
        for one in retrievals
    ]
    vectors = TextVectors(encoder, _texts(retrievals, pools), on_encoded)
    total = sum(
        len(one.sources) * len(scorings) * (2 if pool else 1)
        for one, pool in zip(retrievals, pools, strict=True)
    )
    done = 0
    rows: list[Evaluation] = []
    for one, pool in zip(retrievals, pools, strict=True):
        settings = _settings(one, pool, vectors)
        values = []
        for candidates, _ in settings:
            for scoring in scorings:
                values.append(
                    _values(one, vectors, candidates, scoring, _shifted(on_scored, done, total))
                )
                done += len(one.sources)
        rows.extend(_rows(one, settings, scorings, values, resamples, seed))
    return tuple(rows)


def distractor_limits(sets: Iterable[PairSet], count: int = MAX_DISTRACTORS) -> dict[str, int]:
    """Return language → how many different texts leave *count* once any set's targets are out."""
    limits: dict[str, int] = {}
    for one in sets:
        for side in one.sides:
            limits[side.lang] = max(limits.get(side.lang, 0), count + len(set(side.texts)))
    return limits


def _texts(retrievals: list[Retrieval], pools: list[list[str]]) -> dict[str, dict[str, None]]:
    """Return all texts by language; a dict's keys keep their order."""
    texts: dict[str, dict[str, None]] = {}
    for one, pool in zip(retrievals, pools, strict=True):
        source, target = one.langs
        texts.setdefault(source, {}).update(dict.fromkeys(one.sources))
        texts.setdefault(target, {}).update(dict.fromkeys(one.targets))
        texts[target].update(dict.fromkeys(pool))
    return texts


def _settings(
    one: Retrieval, pool: list[str], vectors: TextVectors
) -> list[tuple[Vectors, int]]:
    """Return what is searched through, and how many distractors are in it."""
    alone = vectors.of(one.langs[1], one.targets)
    if not pool:
        return [(alone, 0)]
    return [(alone, 0), (np.concatenate([alone, vectors.of(one.langs[1], pool)]), len(pool))]


def _values(
    one: Retrieval,
    vectors: TextVectors,
    candidates: Vectors,
    scoring: str,
    progress: Callable[[int], None] | None,
) -> NDArray[np.float64]:
    """Return float64 [rows of the file, 4], the measures of each."""
    sources = vectors.of(one.langs[0], one.sources)
    hits = ranked(sources, candidates, one.relevance, scoring == MARGIN, progress)
    return per_source(hits)[one.rows]


def _rows(
    one: Retrieval,
    settings: list[tuple[Vectors, int]],
    scorings: Sequence[str],
    values: list[NDArray[np.float64]],
    resamples: int,
    seed: int,
) -> Iterable[Evaluation]:
    # One resampling of all columns: settings and scorings are compared on the same sentences.
    joined = np.concatenate(values, axis=1)
    means, drawn = joined.mean(axis=0), resampled_means(joined, resamples, seed)

    def estimate(column: int, less: int | None = None) -> Estimate:
        if less is None:
            return Estimate(float(means[column]), *interval(drawn[:, column]))
        gain = float(means[column] - means[less])
        return Estimate(gain, *interval(drawn[:, column] - drawn[:, less]))

    for place, (candidates, distractors) in enumerate(settings):
        first = {
            scoring: (place * len(scorings) + number) * len(NAMES)
            for number, scoring in enumerate(scorings)
        }
        for scoring, at in first.items():
            compared = scoring == MARGIN and COSINE in first
            yield Evaluation(
                one.name, *one.langs, scoring, len(one.rows), len(candidates), distractors,
                *(estimate(at + number) for number in range(len(NAMES))),
                gain_at_1=estimate(at, first[COSINE]) if compared else None,
            )  # fmt: skip


def _shifted(progress: Progress | None, done: int, total: int) -> Callable[[int], None] | None:
    if progress is None:
        return None
    return lambda more: progress(done + more, total)
