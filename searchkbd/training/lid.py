"""Fit the language identifier and measure it.

Multinomial logistic regression on the features of :mod:`searchkbd.text.identify`, fitted by Adam
(Kingma, Ba 2015) on texts drawn afresh, respelled and truncated, in every epoch, as many of each
class and length; then rounded to 8-bit integers. PyTorch is needed for fitting only.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchkbd.text.identify import CLASSES, Table, features, probabilities, read
from searchkbd.text.languages import LANGUAGES
from searchkbd.training.lid_data import (
    KINDS,
    Groups,
    Labelled,
    group,
    respell,
    truncate,
    word_count,
)

# Fewer texts of a kind than this are not worth repeating.
_FEW = 500
# Many languages in one class: worth more examples.
_OTHER_SHARE = 2
_FIVE = LANGUAGES
_STEPS = tuple(tenths / 10 for tenths in range(1, 21))
_COLUMN = {lang: column for column, lang in enumerate(CLASSES)}


@dataclass(frozen=True)
class Options:
    """How to fit.

    ``buckets``: rows of the table, a power of two; ``draws``: texts an epoch for each class;
    ``batch``: texts a step; ``rate``: first learning rate, falling linearly to nothing;
    ``decay``: weight of the squared weights in the loss (as in AdamW).
    """

    buckets: int = 1 << 17
    epochs: int = 10
    draws: int = 30_000
    batch: int = 512
    rate: float = 0.03
    decay: float = 0.02
    seed: int = 0


@dataclass(frozen=True)
class Score:
    """How many of some texts were told right."""

    right: int
    total: int

    @property
    def accuracy(self) -> float:
        """The share told right; not a number when there was no text."""
        return self.right / self.total if self.total else float("nan")


def draw(groups: Groups, count: int, rng: random.Random) -> list[Labelled]:
    """Draw *count* texts of each class, as many of each kind, respelled, in random order.

    A class without texts of a kind gets pieces of its sentences instead; a quarter of the
    sentences are cut short too. Sources are drawn by the square root of their size, lest one
    journal or one holy book be the language.
    """
    drawn: list[Labelled] = []
    for lang in CLASSES:
        for kind in KINDS:
            pool = groups.get((lang, kind), {})
            few = sum(map(len, pool.values())) < _FEW
            if few:
                pool = groups.get((lang, "sentences"), pool)
            shares = [math.sqrt(len(texts)) for texts in pool.values()]
            cut = 1.0 if few and kind != "sentences" else 0.25 if kind == "sentences" else 0.0
            share = _OTHER_SHARE if lang == "other" else 1
            sources = rng.choices(list(pool.values()), shares, k=share * count // len(KINDS))
            for item in map(rng.choice, sources):
                drawn.append(respell(truncate(item, rng) if rng.random() < cut else item, rng))
    rng.shuffle(drawn)
    return drawn


def fit(
    texts: Sequence[Labelled], options: Options, log: Callable[[str], None] = lambda line: None
) -> Table:
    """Return the table fitted to *texts*, the same for the same texts and options.

    Raises ValueError when a class of :data:`CLASSES` has no text.
    """
    import torch

    groups = group(texts)
    missing = sorted(set(CLASSES) - {lang for lang, _ in groups})
    if missing:
        raise ValueError(f"no texts to train on in: {', '.join(missing)}")
    threads = torch.get_num_threads()
    # The steps are small: threads would wait for each other, and add in another order.
    torch.set_num_threads(1)
    try:
        return _fit(groups, options, log)
    finally:
        torch.set_num_threads(threads)


def _fit(groups: Groups, options: Options, log: Callable[[str], None]) -> Table:
    import torch

    rng = random.Random(options.seed)
    torch.manual_seed(options.seed)
    table = torch.nn.EmbeddingBag(options.buckets, len(CLASSES), mode="sum")
    torch.nn.init.zeros_(table.weight)
    bias = torch.nn.Parameter(torch.zeros(len(CLASSES)))
    optimizer = torch.optim.AdamW(
        [
            {"params": table.parameters(), "weight_decay": options.decay},
            {"params": [bias], "weight_decay": 0.0},
        ],
        lr=options.rate,
    )
    done = 0
    for epoch in range(options.epochs):
        drawn = draw(groups, options.draws, rng)
        total = options.epochs * -(-len(drawn) // options.batch)
        loss_sum = 0.0
        for start in range(0, len(drawn), options.batch):
            batch = drawn[start : start + options.batch]
            for settings in optimizer.param_groups:
                settings["lr"] = options.rate * (1 - done / total)
            done += 1
            ids, offsets, worth = _bags([item.text for item in batch], options.buckets)
            logits = table(
                torch.from_numpy(ids),
                torch.from_numpy(offsets),
                per_sample_weights=torch.from_numpy(worth),
            )
            target = torch.tensor([_COLUMN[item.lang] for item in batch])
            loss = torch.nn.functional.cross_entropy(logits + bias, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_sum += float(loss.detach()) * len(batch)
        log(f"epoch {epoch + 1}/{options.epochs}: loss {loss_sum / max(1, len(drawn)):.4f}")
    return quantize(table.weight.detach().numpy(), bias.detach().numpy())


def quantize(weights: NDArray[np.float32], bias: NDArray[np.float32]) -> Table:
    """Return the table of *weights* [buckets, classes] rounded to int8, with a scale a class.

    The largest ten-thousandth of the weights is clipped, so that the rest keeps more digits.
    """
    # A softmax does not change when one number is added to all of its inputs.
    centred = weights - weights.mean(axis=1, keepdims=True)
    top = np.quantile(np.abs(centred), 0.9999, axis=0)
    scale = np.maximum(top / 127, 1e-9).astype(np.float32)
    rounded = np.clip(np.rint(centred / scale), -127, 127).astype(np.int8)
    return Table(rounded, scale, bias.astype(np.float32), np.zeros_like(scale))


def prefer_five(table: Table, texts: Sequence[Labelled]) -> Table:
    """Return *table* with its prior moved towards the five languages, tuned on *texts*.

    The steps are those with the best accuracy on texts of up to three words, averaged over the
    classes, where Adyghe and the others count half: users ask in the five more often.
    """
    short = [item for item in texts if word_count(item.text) <= 3]
    # Sentences of Adyghe and other languages are seldom so short: cut them, always alike.
    rng = random.Random(0)
    short += [truncate(item, rng) for item in texts if item.lang not in _FIVE]
    if not short:
        return table
    best = table
    best_score = _weighed_accuracy(short, table)
    for lang in CLASSES[len(_FIVE) :]:
        start = best
        for step in _STEPS:
            prior = start.prior.copy()
            prior[_COLUMN[lang]] -= step
            tried = replace(start, prior=prior)
            tried_score = _weighed_accuracy(short, tried)
            if tried_score > best_score:
                best, best_score = tried, tried_score
    return best


def _weighed_accuracy(texts: Sequence[Labelled], table: Table) -> float:
    scores = score(texts, guesses(texts, table), lambda item: item.lang)
    weights = [1.0 if lang in _FIVE else 0.5 for lang in scores]
    return float(np.average([part.accuracy for part in scores.values()], weights=weights))


def guesses(texts: Sequence[Labelled], table: Table) -> list[str]:
    """Return the class that *table* gives to each text."""
    best = probabilities([item.text for item in texts], table).argmax(axis=1)
    return [CLASSES[column] for column in best]


def score(
    texts: Sequence[Labelled], guessed: Sequence[str], by: Callable[[Labelled], str]
) -> dict[str, Score]:
    """Return the score of each group of *texts*; *by* names the group of a text."""
    found: dict[str, Score] = {}
    for item, guess in zip(texts, guessed, strict=True):
        name = by(item)
        old = found.get(name, Score(0, 0))
        found[name] = Score(old.right + (guess == item.lang), old.total + 1)
    return dict(sorted(found.items()))


def confusion(texts: Sequence[Labelled], guessed: Sequence[str]) -> NDArray[np.int64]:
    """Return counts [true class, guessed class] in the order of :data:`CLASSES`."""
    counts = np.zeros((len(CLASSES), len(CLASSES)), dtype=np.int64)
    for item, guess in zip(texts, guessed, strict=True):
        counts[_COLUMN[item.lang], _COLUMN[guess]] += 1
    return counts


def save_table(table: Table, path: Path) -> None:
    """Write *table* to *path* as :func:`searchkbd.text.identify.load_table` reads it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {
        "weights": table.weights,
        "scale": table.scale,
        "bias": table.bias,
        "prior": table.prior,
    }
    # Not compressed: a tenth larger, and read ten times as fast.
    with path.open("wb") as file:
        np.savez(file, **arrays)


def length_group(text: str) -> str:
    """Return the length class of *text* that reports use: 1, 2-3, 4-7 or 8+ words."""
    count = word_count(text)
    return "1" if count <= 1 else "2-3" if count <= 3 else "4-7" if count <= 7 else "8+"


def _bags(
    texts: Sequence[str], buckets: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return the features of *texts* one text after another, the offsets, and their weights."""
    parts = list(features([read(text) for text in texts], buckets))
    owners = np.concatenate([owner for owner, _ in parts])
    ids = np.concatenate([bucket for _, bucket in parts])
    order = np.argsort(owners, kind="stable")
    counts = np.bincount(owners, minlength=len(texts))
    offsets = np.concatenate(([0], np.cumsum(counts)[:-1]))
    worth = 1 / np.sqrt(np.maximum(counts, 1))
    return ids[order], offsets, worth[owners[order]].astype(np.float32)
