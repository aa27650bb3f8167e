"""Vectors laid out in a plane; run as a process of its own, ``python -m searchkbd.server.layout``.

It takes seconds in which nothing else should wait, and which end when they are wanted no more: a
thread cannot be stopped, a process can. It reads an array of vectors from its standard input and
writes the places to its standard output: a line with their shape, then 32-bit floats.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 1000, 640
"""The size of the plane; places are apart from its edges."""

_EDGE = 16
_APART = 5.5  # the least distance of two places, so that no sentence hides another
_ROUNDS = 60  # of moving apart; most need ten
_PERPLEXITY = 25
_ITERATIONS = 750
_SEED = 7
_LEAST = 6  # fewer sentences than this need no algorithm
_HEADER = 40  # bytes


def laid_out(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return float32 [n, 2], a place in the plane for each of *vectors* [n, dim], unit length.

    t-SNE (van der Maaten and Hinton, 2008) of the cosine distances: near ones stay near, what is
    far says little. The same vectors get the same places.
    """
    count = len(vectors)
    if count < _LEAST or not np.ptp(vectors, axis=0).any():
        return _moved_apart(_circle(count))
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    tsne = TSNE(
        metric="cosine", init="pca", perplexity=min(_PERPLEXITY, (count - 1) / 3),
        max_iter=_ITERATIONS, random_state=_SEED, n_jobs=1,
    )  # fmt: skip
    # Two threads take a processor from the searches, and wait for each other where both are busy.
    with threadpool_limits(1):
        places = tsne.fit_transform(vectors)
    return _moved_apart(_fitted(np.nan_to_num(places)))


def _circle(count: int) -> NDArray[np.float64]:
    angles = np.arange(count) * (2 * np.pi / max(count, 1))
    around = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return around * (HEIGHT / 6) + (WIDTH / 2, HEIGHT / 2)


def _fitted(places: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return *places* turned so that they spread most from left to right, filling the plane."""
    centred = places.astype(np.float64) - places.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    turned = centred @ axes[:, ::-1]
    low, high = turned.min(axis=0), turned.max(axis=0)
    size = np.array([WIDTH, HEIGHT]) - 2 * _EDGE
    return (turned - low) / np.maximum(high - low, 1e-9) * size + _EDGE


def _moved_apart(places: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return *places* with those that are nearer than _APART pushed off each other."""
    from scipy.spatial import cKDTree

    # What lies at one place needs a direction to go in.
    moved = places + np.random.default_rng(_SEED).uniform(-0.01, 0.01, places.shape)
    for _ in range(_ROUNDS):
        pairs = cKDTree(moved).query_pairs(_APART, output_type="ndarray")
        if not len(pairs):
            break
        between = moved[pairs[:, 0]] - moved[pairs[:, 1]]
        distance = np.maximum(np.linalg.norm(between, axis=1, keepdims=True), 1e-6)
        push = between / distance * (_APART - distance + 0.05) / 2
        np.add.at(moved, pairs[:, 0], push)
        np.add.at(moved, pairs[:, 1], -push)
        np.clip(moved, _EDGE / 2, (WIDTH - _EDGE / 2, HEIGHT - _EDGE / 2), out=moved)
    return moved.astype(np.float32)


def written(array: NDArray[np.float32]) -> bytes:
    """Return *array*, two-dimensional, as the processes pass it to each other."""
    rows, columns = array.shape
    return f"{rows} {columns}\n".encode() + array.astype("<f4").tobytes()


def read(file: BinaryIO) -> NDArray[np.float32]:
    """Return the array that :func:`written` made; raises ValueError for anything else."""
    rows, columns = map(int, file.readline(_HEADER).split())
    values = np.frombuffer(file.read(4 * rows * columns), dtype="<f4")
    return values.reshape(rows, columns)


def _end_with(file: BinaryIO) -> None:
    """End this process when *file* does: whoever wanted the places is gone."""
    file.read()
    os._exit(1)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Control-C is for the server, which ends this
    vectors = read(sys.stdin.buffer)
    threading.Thread(target=_end_with, args=(sys.stdin.buffer,), daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(10)  # searches go first
    sys.stdout.buffer.write(written(laid_out(vectors)))
    sys.stdout.buffer.flush()
    os._exit(0)  # the thread waits for the end of the input


if __name__ == "__main__":
    main()
