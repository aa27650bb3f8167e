"""What a student learns from: texts as features, their targets, and how batches are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders import features
from searchkbd.encoders.base import Encoder, Vectors
from searchkbd.training.config import StudentConfig
from searchkbd.training.data import Pair


@dataclass(frozen=True)
class Lessons:
    """Texts to learn, *n* of them, and what each shall become.

    ``features`` uint64 [f], ascending: those that are kept. Text *i* has the kept features
    ``ids[offsets[i]:offsets[i + 1]]``, places in ``features``. ``targets`` float32 [n, dim], unit
    rows; ``chances`` float64 [n], of being drawn; ``pool`` float32 [p, dim], vectors of all
    translations, from which negatives are drawn.
    """

    features: NDArray[np.uint64]
    ids: NDArray[np.int64]
    offsets: NDArray[np.int64]
    targets: Vectors
    chances: NDArray[np.float64]
    pool: Vectors


@dataclass(frozen=True)
class Batch:
    """*b* texts of one step.

    ``rows`` int64 [u]: the different features of the batch, ascending; ``inverse`` int64 [m]:
    the features of all texts in turn, as places in ``rows``; ``starts`` int64 [b]: where each
    text begins in ``inverse``. ``wanted`` float32 [b, dim]: their targets; ``drawn`` float32
    [negatives, dim]: other translations.
    """

    rows: NDArray[np.int64]
    inverse: NDArray[np.int64]
    starts: NDArray[np.int64]
    wanted: Vectors
    drawn: Vectors


class Sampler:
    """Draws batches; *rng* alone decides which, so its state is the place in the course."""

    def __init__(self, lessons: Lessons, config: StudentConfig, rng: np.random.Generator) -> None:
        self._lessons = lessons
        self._config = config
        self._rng = rng
        self._cumulative = np.cumsum(lessons.chances)
        self._cumulative /= self._cumulative[-1]

    def draw(self) -> Batch:
        """Return the next batch."""
        lessons, config = self._lessons, self._config
        chosen = np.searchsorted(self._cumulative, self._rng.random(config.batch), side="right")
        parts = [lessons.ids[lessons.offsets[i] : lessons.offsets[i + 1]] for i in chosen]
        starts = np.cumsum([0] + [len(part) for part in parts[:-1]])
        rows, inverse = np.unique(np.concatenate(parts), return_inverse=True)
        drawn = self._rng.integers(len(lessons.pool), size=config.negatives)
        return Batch(rows, inverse, starts, lessons.targets[chosen], lessons.pool[drawn])


def prepare(
    pairs: Sequence[Pair],
    teacher: Encoder,
    config: StudentConfig,
    rng: np.random.Generator,
    say: Callable[[str], None] = lambda message: None,
) -> Lessons:
    """Let the *teacher* read *pairs*, and longer texts joined from them.

    Raises ValueError when *pairs* is empty or leaves no features.
    """
    if not pairs:
        raise ValueError("no pairs to train on")
    plain_keys, plain_targets, plain_weights, pool = _targets(pairs, teacher, say)
    longer = [pair for pair in pairs if pair.weight >= config.joined_weight]
    extra = join_pairs(longer, config.joined if config.joined_share > 0 else 0, rng)
    keys, targets, weights = plain_keys, plain_targets, plain_weights / plain_weights.sum()
    if extra:
        extra_keys, extra_targets, _, _ = _targets(extra, teacher, say)
        share = np.full(len(extra_keys), config.joined_share / len(extra_keys))
        keys = plain_keys + extra_keys
        targets = np.concatenate([plain_targets, extra_targets])
        weights = np.concatenate([weights * (1 - config.joined_share), share])
    found = features.text_features(keys)
    vocabulary, ids = _select(found.ids, found.offsets, config)
    kept = ids >= 0
    counts = np.add.reduceat(np.append(kept, False), found.offsets[:-1]).astype(np.int64)
    counts[np.diff(found.offsets) == 0] = 0
    weights[counts == 0] = 0
    if not weights.sum() > 0:
        raise ValueError("no text has a feature that is frequent enough")
    say(f"{len(targets):,} texts to learn, {len(vocabulary):,} features")
    return Lessons(
        vocabulary,
        ids[kept],
        np.concatenate(([0], np.cumsum(counts))),
        targets,
        weights / weights.sum(),
        pool,
    )


def join_pairs(pairs: Sequence[Pair], count: int, rng: np.random.Generator) -> list[Pair]:
    """Return *count* pairs made of two to six of *pairs* in a row, all of one language.

    Dictionaries give short texts; without these the student has never seen a long one.
    """
    by_lang: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_lang.setdefault(pair.lang, []).append(pair)
    if not by_lang:
        return []
    langs = sorted(by_lang)
    share = np.array([len(by_lang[lang]) for lang in langs], dtype=float)
    joined = []
    for lang in rng.choice(langs, size=count, p=share / share.sum()):
        picked = rng.integers(len(by_lang[lang]), size=rng.integers(2, 7))
        chosen = [by_lang[lang][place] for place in picked]
        mark = (" ", ". ", ", ")[rng.integers(3)]
        joined.append(
            Pair(
                mark.join(pair.kabardian for pair in chosen),
                mark.join(pair.translation for pair in chosen),
                str(lang),
            )
        )
    return joined


def _targets(
    pairs: Sequence[Pair], teacher: Encoder, say: Callable[[str], None]
) -> tuple[list[str], Vectors, NDArray[np.float64], Vectors]:
    """Group *pairs* by the key of their text: keys, mean targets, greatest weights, all vectors."""
    # One text may be written alike in two languages, and a teacher may read them differently.
    distinct = {(pair.translation, pair.lang) for pair in pairs}
    texts = sorted(distinct, key=lambda text: (len(text[0]), text))
    say(f"the teacher reads {len(texts):,} translations")
    vectors = teacher.encode([text for text, _ in texts], [lang for _, lang in texts])
    place = {text: row for row, text in enumerate(texts)}
    groups: dict[str, tuple[set[int], float]] = {}
    for pair in pairs:
        key = features.model_key(pair.kabardian)
        if key:
            members, weight = groups.get(key, (set(), 0.0))
            members.add(place[pair.translation, pair.lang])
            groups[key] = (members, max(weight, pair.weight))
    if not groups:
        raise ValueError("no pair has text to learn (letters or digits)")
    targets = np.stack([vectors[sorted(members)].mean(axis=0) for members, _ in groups.values()])
    targets /= np.maximum(np.linalg.norm(targets, axis=1, keepdims=True), 1e-9)
    weights = np.array([weight for _, weight in groups.values()])
    return list(groups), targets.astype(np.float32), weights, vectors


def _select(
    ids: NDArray[np.uint64], offsets: NDArray[np.int64], config: StudentConfig
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the kept features, ascending, and for each of *ids* its place there or -1."""
    values, inverse = np.unique(ids, return_inverse=True)
    texts = len(offsets) - 1
    owner = np.repeat(np.arange(texts), np.diff(offsets))
    once = np.unique(inverse.astype(np.int64) * texts + owner)
    counts = np.bincount(once // texts, minlength=len(values))
    enough = np.flatnonzero(counts >= config.min_count)
    # Most texts first; equal counts by value, so that the choice does not depend on the order.
    chosen = enough[np.argsort(-counts[enough], kind="stable")][: config.max_features]
    chosen.sort()
    place = np.full(len(values), -1, dtype=np.int64)
    place[chosen] = np.arange(len(chosen))
    return values[chosen], place[inverse]
