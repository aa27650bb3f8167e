"""Mining bitext by margin: which sentences of two collections are translations of each other.

After Artetxe and Schwenk (2019, "Margin-based Parallel Corpus Mining with Multilingual Sentence
Embeddings", arXiv 1811.01136, section 3), as LASER's ``mine_bitexts.py`` does it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from searchkbd.mining.margin import MARGIN_NEIGHBOURS, RATIO, margin
from searchkbd.mining.neighbours import Rows, mean_cosines, nearest

FORWARD = "forward"
BACKWARD = "backward"
INTERSECTION = "intersection"
MAX = "max"
RETRIEVALS = (FORWARD, BACKWARD, INTERSECTION, MAX)


@dataclass(frozen=True, slots=True, eq=False)
class Neighbourhoods:
    """The k nearest of either side for each of x (``[n, k]``) and of y (``[m, k]``): cosines
    float32, row numbers int64, nearest first."""

    x_cosines: NDArray[np.float32]
    x_rows: NDArray[np.int64]
    y_cosines: NDArray[np.float32]
    y_rows: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Bitext:
    """Mined pairs, the best first, arrays ``[pairs]``: rows of x and y, margin, cosine."""

    x: NDArray[np.int64]
    y: NDArray[np.int64]
    scores: NDArray[np.float32]
    cosines: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.x)


def neighbourhoods(
    x: Rows,
    y: Rows,
    k: int = MARGIN_NEIGHBOURS,
    progress: Callable[[int, int], None] | None = None,
) -> Neighbourhoods:
    """Search y for each of x and x for each of y; neither may be empty.

    Memory: 12 × k bytes for each row, and what ``nearest`` takes. *progress* gets (done, in all).
    """
    total = len(x) + len(y)
    forward = nearest(x, y, k, progress and (lambda done: progress(done, total)))
    backward = nearest(y, x, k, progress and (lambda done: progress(len(x) + done, total)))
    return Neighbourhoods(*forward, *backward)


def mine(
    near: Neighbourhoods,
    scoring: str = RATIO,
    retrieval: str = MAX,
    *,
    threshold: float | None = None,
    unique: bool = False,
) -> Bitext:
    """Return the pairs found, by descending margin (at equal ones by row of x, then of y).

    The candidates of a sentence are its k nearest on the other side; its best is the one of the
    greatest margin (see :func:`searchkbd.mining.margin.margin`), the nearer one of equals.

    * ``forward``: each x with its best y;
    * ``backward``: each y with its best x;
    * ``intersection``: x and y that are each other's best;
    * ``max``: of forward and backward pairs, the greatest margin first, each that has no sentence
      in common with one taken before.

    Pairs with a margin below *threshold* are left out. *unique* takes, as ``max`` always does, each
    sentence once. Raises ValueError for another *scoring* or *retrieval*.
    """
    if retrieval not in RETRIEVALS:
        raise ValueError(f"retrievals are {', '.join(RETRIEVALS)}, not {retrieval}")
    x_means, y_means = mean_cosines(near.x_cosines), mean_cosines(near.y_cosines)
    best_y, x_scores, x_cosines = _best(near.x_cosines, near.x_rows, x_means, y_means, scoring)
    best_x, y_scores, y_cosines = _best(near.y_cosines, near.y_rows, y_means, x_means, scoring)
    every_x, every_y = np.arange(len(best_y)), np.arange(len(best_x))
    forward = Bitext(every_x, best_y, x_scores, x_cosines)
    backward = Bitext(best_x, every_y, y_scores, y_cosines)
    if retrieval == FORWARD:
        found = forward
    elif retrieval == BACKWARD:
        found = backward
    elif retrieval == INTERSECTION:
        found = _taken(forward, best_x[best_y] == every_x)
    else:
        found = _both(forward, backward)
    if threshold is not None:
        found = _taken(found, found.scores >= threshold)
    found = _taken(found, np.lexsort((found.y, found.x, -found.scores)))
    return _each_once(found) if unique or retrieval == MAX else found


def _best(
    cosines: NDArray[np.float32],
    rows: NDArray[np.int64],
    means: NDArray[np.float32],
    other_means: NDArray[np.float32],
    scoring: str,
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Return the best candidate of each, its margin and its cosine."""
    scores = margin(cosines, (means[:, None] + other_means[rows]) / 2, scoring)
    best = scores.argmax(axis=1)[:, None]
    return tuple(np.take_along_axis(a, best, axis=1)[:, 0] for a in (rows, scores, cosines))


def _both(one: Bitext, other: Bitext) -> Bitext:
    columns = ("x", "y", "scores", "cosines")
    return Bitext(*(np.concatenate([getattr(one, c), getattr(other, c)]) for c in columns))


def _taken(bitext: Bitext, which: NDArray) -> Bitext:
    return Bitext(
        bitext.x[which], bitext.y[which], bitext.scores[which], bitext.cosines[which]
    )


def _each_once(found: Bitext) -> Bitext:
    seen_x: set[int] = set()
    seen_y: set[int] = set()
    kept = []
    for at, (x, y) in enumerate(zip(found.x.tolist(), found.y.tolist(), strict=True)):
        if x not in seen_x and y not in seen_y:
            seen_x.add(x)
            seen_y.add(y)
            kept.append(at)
    return _taken(found, np.array(kept, dtype=np.int64))
