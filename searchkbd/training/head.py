"""Tuning the head of the teacher on parallel text, so that translations come nearer.

Everything below the head stays as published: a text's pooled features are computed once, which
makes a step cheap. The loss is a cross-entropy over the batch in both directions (the right
translation among those of all others), held back by the cosine to the published vectors. Half
of a batch or more are near neighbours of the rest, since those are what search confuses. Needs
torch (the extra ``train``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.encoders.head import NAMES, Head
from searchkbd.encoders.use import UniversalSentenceEncoder
from searchkbd.training.data import read_rows


@dataclass(frozen=True)
class HeadConfig:
    """How the head is tuned. The defaults are those of the shipped one."""

    steps: int = 900
    batch: int = 1024
    """Pairs a step, before repeated ones are dropped."""
    mates: int = 3
    """Pairs drawn from the cluster of each pair that is drawn by chance."""
    clusters: int = 3000
    """Clusters of the mean vectors of pairs."""
    learning_rate: float = 1e-4
    """Of AdamW without weight decay; rises for 50 steps, falls linearly from the 30th per cent."""
    scale: float = 30.0
    """Factor of the cosines in the cross-entropy (inverse temperature)."""
    anchor: float = 0.5
    """Weight of the distance (1 - cosine) to the published vectors, summed over both sides."""
    dropout: float = 0.1
    """Of the pooled features."""
    words: float = 0.2
    """Share of single words and glosses among what is drawn."""
    balance: float = 0.6
    """Power of a source's size that gives its share: less than 1 favours small sources."""
    seed: int = 0


@dataclass(frozen=True)
class Bitext:
    """Pairs of one source: English texts and their translations."""

    source: str
    words: bool
    english: list[str]
    other: list[str]


def read_bitext(folder: Path) -> list[Bitext]:
    """Return what the files ``KIND_en_LANG_ORIGIN.tsv`` in *folder* hold, by language and origin.

    Raises FileNotFoundError when there is none, and ValueError for a file of other columns.
    """
    found: dict[str, Bitext] = {}
    for path in sorted(folder.glob("*_en_*.tsv")):
        kind, first, other = path.name.split("_")[:3]
        if first != "en":
            continue
        for row in read_rows(path):
            origin = kind if kind == "words" else row["origin"].split(":")[0]
            source = f"{other} {origin}"
            text = found.setdefault(source, Bitext(source, kind == "words", [], []))
            text.english.append(row["text_a"])
            text.other.append(row["text_b"])
    if not found:
        raise FileNotFoundError(f"no files *_en_*.tsv in {folder}")
    return list(found.values())


def tune_head(
    bitext: Sequence[Bitext],
    teacher: UniversalSentenceEncoder,
    config: HeadConfig = HeadConfig(),  # noqa: B008 - frozen
    watch: Callable[[int, float, float], None] | None = None,
    say: Callable[[str], None] = lambda message: None,
) -> Head:
    """Tune the published head, which *teacher* must have, on *bitext*.

    *watch* is called with the step, its cross-entropy and its distance to the published vectors.
    Equal arguments give equal weights on one machine.
    """
    import torch
    from torch.nn import functional

    rng = np.random.default_rng(config.seed)
    torch.manual_seed(config.seed)
    texts = [[t for one in bitext for t in side(one)] for side in (_english, _other)]
    sides = []
    for side in texts:
        say(f"the teacher reads {len(side):,} texts")
        pooled, roots = teacher.pool(side)
        # Halves the memory; the head's own numbers are kept in 16 bits too.
        sides.append((pooled.astype(np.float16), roots))
    published = teacher.head
    before = [_apply(published, *side) for side in sides]
    chances = _chances(bitext, config)
    sampler = _Sampler((before[0] + before[1]) / 2, chances, config, rng)
    labels = [np.unique([t.casefold() for t in side], return_inverse=True)[1] for side in texts]

    net = {
        name: torch.from_numpy(array.copy()).requires_grad_()
        for name, array in published.arrays().items()
    }
    optimiser = torch.optim.AdamW(net.values(), lr=config.learning_rate, weight_decay=0)

    def forward(side, rows):
        pooled, roots = side
        x = torch.from_numpy(pooled[rows].astype(np.float32))
        x = functional.dropout(x, config.dropout) @ net["out"]
        x = x + torch.from_numpy(roots[rows])[:, None] * net["out_b"]
        hidden = functional.relu(functional.relu(x @ net["d0"]) @ net["d1"] + x @ net["p1"])
        out = functional.relu(hidden @ net["d2"]) @ net["d3"] + hidden @ net["p3"]
        return functional.normalize(torch.tanh(out), eps=1e-12)

    for step in range(1, config.steps + 1):
        rate = min(1.0, step / 50) * min(1.0, 0.02 + 1.4 * (1 - step / config.steps))
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * rate
        rows = sampler.draw()
        left, right = forward(sides[0], rows), forward(sides[1], rows)
        scores = config.scale * left @ right.T
        same = np.logical_or(*(label[rows][:, None] == label[rows][None] for label in labels))
        np.fill_diagonal(same, False)
        scores = scores.masked_fill(torch.from_numpy(same), -1e4)
        place = torch.arange(len(rows))
        entropy = functional.cross_entropy(scores, place)
        entropy = (entropy + functional.cross_entropy(scores.T, place)) / 2
        moved = sum(
            1 - (new * torch.from_numpy(old[rows])).sum(dim=1).mean()
            for new, old in zip((left, right), before, strict=True)
        )
        optimiser.zero_grad()
        (entropy + config.anchor * moved).backward()
        optimiser.step()
        if watch:
            watch(step, entropy.item(), moved.item())
    return Head(**{name: net[name].detach().numpy().copy() for name in NAMES})


class _Sampler:
    """Draws pairs by chance, and to each some of its cluster."""

    def __init__(
        self,
        vectors: NDArray[np.float32],
        chances: NDArray[np.float64],
        config: HeadConfig,
        rng: np.random.Generator,
    ) -> None:
        import faiss

        count = max(1, min(config.clusters, len(vectors) // 8))
        faiss.omp_set_num_threads(1)  # else the sums, and so the clusters, vary from run to run
        means = faiss.Kmeans(
            vectors.shape[1], count, niter=4, spherical=True, seed=1, max_points_per_centroid=20,
            min_points_per_centroid=1,
        )  # fmt: skip
        means.train(vectors)
        self._cluster = means.index.search(vectors, 1)[1][:, 0]
        self._order = np.argsort(self._cluster, kind="stable")
        self._start = np.searchsorted(self._cluster[self._order], np.arange(count + 1))
        self._within = np.concatenate(([0], np.cumsum(chances[self._order])))
        self._cumulative = np.cumsum(chances)
        self._config = config
        self._rng = rng

    def draw(self) -> NDArray[np.int64]:
        """Return the rows of a batch, ascending, each once."""
        config, rng = self._config, self._rng
        alone = max(1, config.batch // (config.mates + 1))
        rows = _invert(self._cumulative, rng.random(alone) * self._cumulative[-1])
        of = np.repeat(self._cluster[rows], config.mates)
        low, high = self._within[self._start[of]], self._within[self._start[of + 1]]
        place = _invert(self._within[1:], low + rng.random(len(of)) * (high - low))
        return np.unique(np.concatenate([rows, self._order[place]]))


def _invert(cumulative: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.minimum(np.searchsorted(cumulative, at, side="right"), len(cumulative) - 1)


def _chances(bitext: Iterable[Bitext], config: HeadConfig) -> NDArray[np.float64]:
    """Return the chance of each pair, in the order of *bitext*; they add up to 1."""
    sizes = [(one.words, len(one.english)) for one in bitext]
    parts = {True: config.words, False: 1 - config.words}
    whole = {
        kind: sum(size**config.balance for words, size in sizes if words == kind)
        for kind in parts
    }
    chances = np.concatenate([
        np.full(size, parts[words] * size**config.balance / whole[words] / size)
        for words, size in sizes
    ])  # fmt: skip
    return chances / chances.sum()


def _apply(head: Head, pooled: NDArray[np.float16], roots: NDArray[np.float32]):
    return np.concatenate([
        head(pooled[at : at + 4096].astype(np.float32), roots[at : at + 4096])
        for at in range(0, len(pooled), 4096)
    ])  # fmt: skip


def _english(bitext: Bitext) -> list[str]:
    return bitext.english


def _other(bitext: Bitext) -> list[str]:
    return bitext.other
