"""What a student learns from: texts as features, their targets, and how batches are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders import features
from searchkbd.encoders.base import Encoder, Vectors
from searchkbd.encoders.student import kept_offsets
from searchkbd.training.config import StudentConfig
from searchkbd.training.data import Pair


@dataclass(frozen=True)
class Lists:
    """Lists one after the other: list *i* is ``ids[offsets[i]:offsets[i + 1]]``."""

    ids: NDArray[np.int64]
    offsets: NDArray[np.int64]

    def take(self, chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where in ``ids`` the items of the *chosen* lists are, and where each begins."""
        sizes = self.offsets[chosen + 1] - self.offsets[chosen]
        starts = np.concatenate(([0], np.cumsum(sizes)))
        at = np.arange(starts[-1]) + np.repeat(self.offsets[chosen] - starts[:-1], sizes)
        return at, starts[:-1]


@dataclass(frozen=True)
class Lessons:
    """Texts to learn, *n* of them, and what each shall become.

    ``features`` uint64 [f], ascending: those that are kept. ``texts``: the words of each text;
    ``words``: the kept features of each different word, as places in ``features``; ``whole`` bool,
    one for each of ``words.ids``: whether it is the word's own feature and no n-gram. ``targets``
    float32 [n, dim], unit rows; ``chances`` float64 [n], of being drawn; ``pool`` float32
    [p, dim], vectors of all translations, from which negatives are drawn.
    """

    features: NDArray[np.uint64]
    texts: Lists
    words: Lists
    whole: NDArray[np.bool_]
    targets: Vectors
    chances: NDArray[np.float64]
    pool: Vectors


@dataclass(frozen=True)
class Batch:
    """*b* texts of one step, as the different words in them.

    ``rows`` int64 [u]: the different features, ascending; ``inverse`` int64 [m]: the features of
    all different words in turn, as places in ``rows``; ``word_starts`` int64 [w]: where each word
    begins in ``inverse``; ``words`` int64: the words of all texts in turn; ``text_starts`` int64
    [b]: where each text begins in ``words``. ``wanted`` float32 [b, dim]: their targets;
    ``drawn`` float32 [negatives, dim]: other translations.
    """

    rows: NDArray[np.int64]
    inverse: NDArray[np.int64]
    word_starts: NDArray[np.int64]
    words: NDArray[np.int64]
    text_starts: NDArray[np.int64]
    wanted: Vectors
    drawn: Vectors


class Sampler:
    """Draws batches and hides features of them.

    *rng* alone decides how, so its state is the place in the course.
    """

    def __init__(self, lessons: Lessons, config: StudentConfig, rng: np.random.Generator) -> None:
        self._lessons = lessons
        self._config = config
        self._rng = rng
        self._cumulative = np.cumsum(lessons.chances)
        self._cumulative /= self._cumulative[-1]

    def draw(self) -> Batch:
        """Return the next batch."""
        lessons, config, rng = self._lessons, self._config, self._rng
        chosen = np.searchsorted(self._cumulative, rng.random(config.batch), side="right")
        at, text_starts = lessons.texts.take(chosen)
        different, words = np.unique(lessons.texts.ids[at], return_inverse=True)
        at, word_starts = lessons.words.take(different)
        hidden = rng.random(len(at)) < config.feature_dropout
        hidden |= lessons.whole[at] & (rng.random(len(at)) < config.word_dropout)
        rows, inverse = np.unique(lessons.words.ids[at[~hidden]], return_inverse=True)
        word_starts = kept_offsets(word_starts, ~hidden)
        drawn = rng.integers(len(lessons.pool), size=config.negatives)
        return Batch(
            rows, inverse, word_starts, words, text_starts,
            lessons.targets[chosen], lessons.pool[drawn],
        )  # fmt: skip


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
    split = features.split_words(keys)
    found = features.key_features(split.words)
    whole = np.zeros(len(found.ids), dtype=bool)
    whole[found.offsets[:-1]] = True  # a word's own feature comes first
    vocabulary, ids = _select(found, split, config)
    kept = ids >= 0
    words = Lists(ids[kept], kept_offsets(found.offsets, kept))
    sizes = np.diff(words.offsets)
    counts = np.bincount(
        np.repeat(np.arange(len(keys)), np.diff(split.offsets)), sizes[split.ids], len(keys)
    )
    weights[counts == 0] = 0
    if not weights.sum() > 0:
        raise ValueError("no text has a feature that is frequent enough")
    say(f"{len(targets):,} texts to learn, {len(vocabulary):,} features")
    return Lessons(
        vocabulary,
        Lists(split.ids, split.offsets),
        words,
        whole[kept],
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
    found: features.Features, split: features.Words, config: StudentConfig
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the kept features, ascending, and for each of ``found.ids`` its place there or -1.

    A feature counts once for each text and each different word of it that has the feature.
    """
    values, inverse = np.unique(found.ids, return_inverse=True)
    texts = np.repeat(np.arange(len(split.offsets) - 1), np.diff(split.offsets))
    once = np.unique(texts * len(split.words) + split.ids) % max(1, len(split.words))
    of_word = np.bincount(once, minlength=len(split.words))
    counts = np.bincount(
        inverse, np.repeat(of_word, np.diff(found.offsets)), minlength=len(values)
    )
    enough = np.flatnonzero(counts >= config.min_count)
    # Most texts first; equal counts by value, so that the choice does not depend on the order.
    chosen = enough[np.argsort(-counts[enough], kind="stable")][: config.max_features]
    chosen.sort()
    place = np.full(len(values), -1, dtype=np.int64)
    place[chosen] = np.arange(len(chosen))
    return values[chosen], place[inverse]
