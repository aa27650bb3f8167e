"""Distilling the Kabardian student from the teacher, through translations.

The teacher reads the translations of a Kabardian text; the mean of their vectors is what the
student must give for the text itself (Reimers and Gurevych 2020, "Making Monolingual Sentence
Embeddings Multilingual using Knowledge Distillation"). The student learns by two losses: the
cosine to that target, and a cross-entropy that asks for the right target among those of the
batch and some drawn translations. Needs torch (the extra ``train``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.base import Encoder, Vectors
from searchkbd.encoders.features import model_key, text_features
from searchkbd.encoders.student import StudentWeights, lookup, pack
from searchkbd.training.data import Pair

Watch = Callable[[int, float, "Student"], None]
"""Called with the step, its loss and the student so far."""


@dataclass(frozen=True)
class StudentConfig:
    """How a student is trained. The defaults are those of the shipped one."""

    steps: int = 1000
    """Optimiser steps."""
    batch: int = 768
    """Texts a step, drawn by weight."""
    learning_rate: float = 0.1
    """Of Adagrad; falls linearly to a twentieth over the second half."""
    cosine: float = 1.5
    """Weight of the cosine loss; the cross-entropy (mean of both directions) has weight 1."""
    scale: float = 25.0
    """Factor of the cosines in the cross-entropy (inverse temperature)."""
    negatives: int = 2048
    """Drawn translations among which the right target must be found, besides the batch's."""
    same: float = 0.9
    """Targets of at least this cosine count as one meaning: neither is the other's negative."""
    joined: int = 80_000
    """Artificial longer texts: two to six pairs in a row (see ``join_pairs``)."""
    joined_share: float = 0.5
    """Share of the joined texts among what is drawn."""
    joined_weight: float = 1.0
    """Least weight of a pair that is joined with others."""
    max_features: int = 112_000
    """Features kept, the most frequent ones; 266 bytes each in the file."""
    min_count: int = 2
    """Texts in which a feature must occur to be kept."""
    watch_every: int = 500
    """Steps between two calls of *watch*."""
    seed: int = 0


@dataclass(frozen=True)
class Student:
    """A trained student in float32: ``features`` uint64 [n], ``table`` [n, dim]."""

    features: NDArray[np.uint64]
    table: NDArray[np.float32]

    def packed(self) -> StudentWeights:
        """Return the weights as they are shipped: 4 bits a number."""
        rows, scales = pack(self.table)
        unknown = self.table.mean(axis=0)
        unknown /= max(float(np.linalg.norm(unknown)), 1e-9)
        return StudentWeights(self.features, rows, scales, unknown)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [n, dim], unit rows, zero for a text without known features."""
        found = text_features(texts)
        at, known = lookup(self.features, found.ids)
        out = np.zeros((len(texts), self.table.shape[1]), dtype=np.float32)
        for row in range(len(texts)):
            part = slice(found.offsets[row], found.offsets[row + 1])
            out[row] = self.table[at[part][known[part]]].sum(axis=0)
        norms = np.linalg.norm(out, axis=1, keepdims=True)
        return out / np.maximum(norms, 1e-9)


@dataclass(frozen=True)
class _Lessons:
    """Texts as kept features (row *i*: ``ids[offsets[i]:offsets[i + 1]]``), targets, chances."""

    features: NDArray[np.uint64]
    ids: NDArray[np.int64]
    offsets: NDArray[np.int64]
    targets: Vectors
    chances: NDArray[np.float64]
    pool: Vectors


def train_student(
    pairs: Sequence[Pair],
    teacher: Encoder,
    config: StudentConfig = StudentConfig(),  # noqa: B008 - frozen
    watch: Watch | None = None,
    say: Callable[[str], None] = lambda message: None,
) -> Student:
    """Train a student on *pairs*; equal arguments give equal weights on one machine.

    Raises ValueError when *pairs* is empty or leaves no features.
    """
    if not pairs:
        raise ValueError("no pairs to train on")
    rng = np.random.default_rng(config.seed)
    lessons = _prepare(pairs, teacher, config, rng, say)
    say(f"{len(lessons.targets)} texts, {len(lessons.features)} features")
    return _optimise(lessons, config, rng, watch)


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


def _prepare(
    pairs: Sequence[Pair],
    teacher: Encoder,
    config: StudentConfig,
    rng: np.random.Generator,
    say: Callable[[str], None],
) -> _Lessons:
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
    found = text_features(keys)
    vocabulary, ids = _select(found.ids, found.offsets, config)
    kept = ids >= 0
    counts = np.add.reduceat(np.append(kept, False), found.offsets[:-1]).astype(np.int64)
    counts[np.diff(found.offsets) == 0] = 0
    weights[counts == 0] = 0
    if not weights.sum() > 0:
        raise ValueError("no text has a feature that is frequent enough")
    return _Lessons(
        vocabulary,
        ids[kept],
        np.concatenate(([0], np.cumsum(counts))),
        targets,
        weights / weights.sum(),
        pool,
    )


def _targets(
    pairs: Sequence[Pair], teacher: Encoder, say: Callable[[str], None]
) -> tuple[list[str], Vectors, NDArray[np.float64], Vectors]:
    """Group *pairs* by Kabardian key: keys, mean targets, greatest weights, and all vectors."""
    langs = {pair.translation: pair.lang for pair in pairs}
    texts = sorted(langs, key=lambda text: (len(text), text))
    say(f"the teacher reads {len(texts)} translations")
    vectors = teacher.encode(texts, [langs[text] for text in texts])
    place = {text: row for row, text in enumerate(texts)}
    groups: dict[str, tuple[set[int], float]] = {}
    for pair in pairs:
        key = model_key(pair.kabardian)
        if key:
            members, weight = groups.get(key, (set(), 0.0))
            members.add(place[pair.translation])
            groups[key] = (members, max(weight, pair.weight))
    if not groups:
        raise ValueError("no pair has Kabardian text")
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


def _optimise(
    lessons: _Lessons, config: StudentConfig, rng: np.random.Generator, watch: Watch | None
) -> Student:
    import torch
    from torch.nn import functional

    generator = torch.Generator().manual_seed(config.seed)
    shape = (len(lessons.features), lessons.targets.shape[1])
    table = torch.empty(shape).normal_(0, 0.01, generator=generator)
    # Adagrad (Duchi et al. 2011) by hand: only the rows of a batch are read and written.
    squares = torch.zeros(shape)
    targets, pool = torch.from_numpy(lessons.targets), torch.from_numpy(lessons.pool)
    cumulative = np.cumsum(lessons.chances)
    cumulative /= cumulative[-1]
    for step in range(1, config.steps + 1):
        texts = np.searchsorted(cumulative, rng.random(config.batch), side="right")
        unique, inverse, starts = _batch_features(lessons, texts)
        rows = torch.from_numpy(unique)
        leaf = table[rows].requires_grad_()
        sums = functional.embedding_bag(
            torch.from_numpy(inverse), leaf, torch.from_numpy(starts), mode="sum"
        )
        wanted = targets[torch.from_numpy(texts)]
        drawn = pool[torch.from_numpy(rng.integers(len(pool), size=config.negatives))]
        loss = _loss(functional.normalize(sums, eps=1e-6), wanted, drawn, config)
        (gradient,) = torch.autograd.grad(loss, leaf)
        with torch.no_grad():
            state = squares[rows] + gradient * gradient
            squares[rows] = state
            rate = config.learning_rate * min(1.0, 0.05 + 1.9 * (1 - step / config.steps))
            table[rows] -= rate * gradient / (state.sqrt() + 1e-10)
        if watch and (step % config.watch_every == 0 or step == config.steps):
            watch(step, loss.item(), Student(lessons.features, table.numpy()))
    return Student(lessons.features, table.numpy())


def _batch_features(
    lessons: _Lessons, texts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    parts = [lessons.ids[lessons.offsets[i] : lessons.offsets[i + 1]] for i in texts]
    starts = np.cumsum([0] + [len(part) for part in parts[:-1]])
    unique, inverse = np.unique(np.concatenate(parts), return_inverse=True)
    return unique, inverse, starts


def _loss(found, wanted, drawn, config: StudentConfig):
    """Cosine loss plus the cross-entropy of both directions (the second within the batch)."""
    import torch
    from torch.nn import functional

    scores = config.scale * found @ wanted.T
    same = wanted @ wanted.T >= config.same
    same.fill_diagonal_(False)
    scores = scores.masked_fill(same, -1e4)
    others = config.scale * found @ drawn.T
    others = others.masked_fill(wanted @ drawn.T >= config.same, -1e4)
    place = torch.arange(len(found))
    forward = functional.cross_entropy(torch.cat([scores, others], dim=1), place)
    backward = functional.cross_entropy(scores.T, place)
    cosine = 1 - (found * wanted).sum(dim=1).mean()
    return config.cosine * cosine + (forward + backward) / 2
