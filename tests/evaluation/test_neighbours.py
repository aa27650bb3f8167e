"""Rankings by cosine and by margin, against sorting written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.evaluation import neighbours
from searchkbd.evaluation.neighbours import neighbour_means, ranked
from searchkbd.evaluation.retrieval import Relevance


def unit(rows) -> np.ndarray:
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def one_each(count: int) -> Relevance:
    return Relevance.of(np.arange(count), np.arange(count), count)


def naive(sources, candidates, right: set[tuple[int, int]], margin: bool) -> list[list[bool]]:
    """The definition, one pair at a time."""
    cosine = [[sum(a * b for a, b in zip(x, y, strict=True)) for y in candidates.tolist()]
              for x in sources.tolist()]  # fmt: skip

    def mean(values):
        nearest = sorted(values, reverse=True)[:4]
        return sum(nearest) / len(nearest)

    rows = []
    for i, scores in enumerate(cosine):
        ranking = []
        for j, score in enumerate(scores):
            if margin:
                other = mean([row[j] for row in cosine])
                score = score / max((mean(scores) + other) / 2, 1e-6)
            hit = (i, j) in right
            ranking.append((score - 1e-6 * hit, hit))  # at equal scores, what is wrong comes first
        best = [hit for _, hit in sorted(ranking, reverse=True)][:10]
        rows.append(best + [False] * (10 - len(best)))
    return rows


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(neighbours, "_ROWS", 3)
    monkeypatch.setattr(neighbours, "_COLUMNS", 4)


@given(
    seed=st.integers(0, 10_000),
    sources=st.integers(1, 9),
    candidates=st.integers(1, 25),
    different=st.integers(1, 12),
    margin=st.booleans(),
    blocks=st.sampled_from([(256, 8192), (3, 4), (1, 11)]),
)
def test_it_agrees_with_the_definition(seed, sources, candidates, different, margin, blocks):
    rng = np.random.default_rng(seed)
    # Few different vectors, so that there are ties; positive, so that no denominator is near 0.
    pool = unit(np.abs(rng.normal(size=(different, 4))))
    left, right = (pool[rng.integers(different, size=n)] for n in (sources, candidates))
    pairs = rng.integers([sources, candidates], size=(sources + 3, 2))
    relevance = Relevance.of(pairs[:, 0], pairs[:, 1], sources)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_ROWS", blocks[0])
        patch.setattr(neighbours, "_COLUMNS", blocks[1])
        found = ranked(left, right, relevance, margin)
    assert found.tolist() == naive(left, right, set(map(tuple, pairs.tolist())), margin)


def test_vectors_all_equal_find_nothing():
    same = unit(np.ones((20, 4)))
    assert not ranked(same, same, one_each(20)).any()
    assert not ranked(same, same, one_each(20), margin=True).any()


def test_rounding_does_not_break_ties():
    near = unit([[1, 0], [1, 1e-4]])  # cosines differ by 5e-9
    assert not ranked(near[:1], near, one_each(1))[0, 0]


def test_the_margin_sees_a_hub():
    # Cosines: [.55 .73 .32], [.29 .87 .00], [.00 .55 .32]. The second target is near to all.
    sources = unit([[2, 0, 1], [2, 0, 2], [1, 2, 0]])
    targets = unit([[2, -1, -1], [1, 1, 2], [1, 0, -1]])
    assert ranked(sources, targets, one_each(3))[:, 0].tolist() == [False, True, False]
    assert ranked(sources, targets, one_each(3), margin=True)[:, 0].all()


def test_unrelated_neighbours_leave_the_order_of_the_cosines(small_blocks):
    sources, targets = unit([[1, 0]]), unit([[-1, 0.1], [-1, 2]])
    relevance = Relevance.of(np.array([0]), np.array([1]), 1)
    assert ranked(sources, targets, relevance, margin=True)[0, :2].tolist() == [True, False]


def test_means_of_neighbours(small_blocks):
    pool = unit([[1, 0], [0, 1], [1, 1], [-1, 0], [0, -1], [1, 0]])
    mean = (1 + 1 + 2**-0.5 + 0) / 4
    assert neighbour_means(unit([[1, 0]]), pool) == pytest.approx([mean])
    assert neighbour_means(unit([[1, 0]]), pool[:2]) == pytest.approx([0.5])  # fewer than four


def test_progress_is_told_block_by_block(small_blocks):
    vectors = unit(np.eye(7))
    told: list[int] = []
    assert ranked(vectors, vectors, one_each(7), progress=told.append)[:, 0].all()
    assert told == [3, 6, 7]
