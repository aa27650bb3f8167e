"""Retrieval figures of an encoder: accuracy@k over parallel text, with and without distractors.

The measure of the Tatoeba task (Artetxe and Schwenk 2019, "Massively Multilingual Sentence
Embeddings"): for each source text, is its translation among the k targets of highest cosine?
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from searchkbd.encoders.base import Encoder, Vectors
from searchkbd.training.data import read_distractors, read_parallel

KABARDIAN_SETS = ("sentences_kbd_ru", "sentences_kbd_en", "udhr_kbd_ru", "udhr_kbd_en",
                  "udhr_kbd_fr", "udhr_kbd_tr")  # fmt: skip
OTHER_SETS = ("tatoeba_fr_en", "tatoeba_ru_en", "tatoeba_tr_en", "ntrex_en_fr", "ntrex_en_ru",
              "ntrex_en_tr")  # fmt: skip
DISTRACTORS = 20_000


@dataclass(frozen=True)
class Accuracy:
    """Shares of source texts, 0 to 1, whose translation is first, and among the first ten."""

    at_1: float
    at_10: float

    def __str__(self) -> str:
        return f"{self.at_1:.3f} / {self.at_10:.3f}"


@dataclass(frozen=True)
class Figure:
    """One line of a report: a set, the direction of search, and its accuracy."""

    name: str
    direction: str
    accuracy: Accuracy

    def __str__(self) -> str:
        return f"{self.name:<36} {self.direction:<8} {self.accuracy}"


def accuracy(
    sources: Vectors,
    targets: Vectors,
    labels: Sequence[str],
    distractors: Vectors | None = None,
) -> Accuracy:
    """Return accuracy@1 and @10 of finding row *i* of *targets* from row *i* of *sources*.

    *labels* are the target texts: finding another row with the same text is right. A distractor
    never is; the caller leaves out those whose text is a target. Ties count against the encoder.
    """
    if not len(sources) == len(targets) == len(labels):
        raise ValueError("sources, targets and labels must have one length")
    if not len(sources):
        raise ValueError("no pairs to measure")
    _, label = np.unique(np.asarray(labels), return_inverse=True)
    right = label[:, None] == label[None, :]
    scores = sources @ targets.T
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    # Different texts ahead of the best right one, not rows: a repeated wrong text is one result.
    ahead = np.zeros(len(sources), dtype=np.int64)
    for row in range(len(sources)):
        wrong = ~right[row] & (scores[row] >= best[row])
        ahead[row] = len(np.unique(label[wrong]))
    if distractors is not None and len(distractors):
        ahead += (sources @ distractors.T >= best).sum(axis=1)
    return Accuracy(float(np.mean(ahead == 0)), float(np.mean(ahead < 10)))


def both_directions(
    name: str, langs: tuple[str, str], left: Vectors, right: Vectors, texts: tuple[list, list]
) -> list[Figure]:
    """Return the figures of a set searched from either side."""
    a, b = langs
    return [
        Figure(name, f"{a}→{b}", accuracy(left, right, texts[1])),
        Figure(name, f"{b}→{a}", accuracy(right, left, texts[0])),
    ]


def evaluate(
    encoder: Encoder,
    data: Path,
    progress: Callable[[str], None] | None = None,
    sets: Sequence[str] = KABARDIAN_SETS + OTHER_SETS,
) -> list[Figure]:
    """Measure *encoder* on *sets* of *data*/dev, and sentences_kbd_ru with 20,000 distractors.

    The distractors are the first different Russian texts of corpus/large.tsv, without the
    targets. Both directions are searched; Kabardian→Russian alone has distractors in Russian.
    """
    figures: list[Figure] = []

    def add(new: list[Figure]) -> None:
        figures.extend(new)
        for figure in new if progress else ():
            progress(str(figure))

    for name in sets:
        a, b = name.split("_")[-2:]
        texts = read_parallel(data / "dev" / f"{name}.tsv")
        left, right = (
            encoder.encode(side, [lang] * len(side))
            for side, lang in zip(texts, (a, b), strict=True)
        )
        add(both_directions(name, (a, b), left, right, texts))
        if name == "sentences_kbd_ru":
            extra = read_distractors(data / "corpus" / "large.tsv", "ru", DISTRACTORS, texts[1])
            vectors = encoder.encode(extra, ["ru"] * len(extra))
            label = f"{name} +{len(extra)} distractors"
            add([Figure(label, f"{a}→{b}", accuracy(left, right, texts[1], vectors))])
    return figures
