"""Mining against the definitions of the paper, written out pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchkbd.mining.bitext import RETRIEVALS, mine, neighbourhoods
from searchkbd.mining.margin import SCORINGS

SHAPES = {
    "seed": st.integers(0, 10_000), "n": st.integers(1, 9), "m": st.integers(1, 9),
    "k": st.integers(1, 5), "scoring": st.sampled_from(SCORINGS),
}  # fmt: skip


def naive_margins(x, y, k, scoring):
    """The margin of every x with every y, and who is a candidate of whom."""
    cosines = [[float(np.dot(a, b)) for b in y] for a in x]

    def nearest(values):
        return sorted(range(len(values)), key=lambda at: -values[at])[:k]

    columns = [[row[j] for row in cosines] for j in range(len(y))]
    near_x = [nearest(row) for row in cosines]
    near_y = [nearest(column) for column in columns]
    mean_x = [np.mean([row[j] for j in near]) for row, near in zip(cosines, near_x, strict=True)]
    mean_y = [np.mean([c[i] for i in near]) for c, near in zip(columns, near_y, strict=True)]
    of = {"ratio": lambda a, b: a / b, "distance": lambda a, b: a - b, "absolute": lambda a, b: a}
    margins = [
        [of[scoring](cosines[i][j], (mean_x[i] + mean_y[j]) / 2) for j in range(len(y))]
        for i in range(len(x))
    ]
    return margins, near_x, near_y


def naive(x, y, k, scoring, retrieval):
    margins, near_x, near_y = naive_margins(x, y, k, scoring)
    forward = {(i, max(near, key=lambda j: margins[i][j])) for i, near in enumerate(near_x)}
    backward = {(max(near, key=lambda i: margins[i][j]), j) for j, near in enumerate(near_y)}
    if retrieval == "forward":
        return forward
    if retrieval == "backward":
        return backward
    if retrieval == "intersection":
        return forward & backward
    taken = set()
    for i, j in sorted(forward | backward, key=lambda pair: -margins[pair[0]][pair[1]]):
        if i not in {a for a, _ in taken} and j not in {b for _, b in taken}:
            taken.add((i, j))
    return taken


def pairs(found):
    return list(zip(found.x.tolist(), found.y.tolist(), strict=True))


@settings(max_examples=40)
@given(**SHAPES, retrieval=st.sampled_from(RETRIEVALS))
def test_it_agrees_with_the_definition(unit_rows, seed, n, m, k, scoring, retrieval):
    x, y = unit_rows(seed, n), unit_rows(seed + 1, m)
    found = mine(neighbourhoods(x, y, k), scoring, retrieval)
    assert sorted(pairs(found)) == sorted(naive(x, y, k, scoring, retrieval))
    margins, _, _ = naive_margins(x, y, k, scoring)
    assert found.scores == pytest.approx([margins[i][j] for i, j in pairs(found)], abs=1e-4)
    assert found.cosines == pytest.approx([float(x[i] @ y[j]) for i, j in pairs(found)], abs=1e-5)
    assert (np.diff(found.scores) <= 0).all()


@settings(max_examples=40)
@given(**SHAPES)
def test_how_the_retrievals_relate(unit_rows, seed, n, m, k, scoring):
    near = neighbourhoods(unit_rows(seed, n), unit_rows(seed + 1, m), k)
    forward, backward, both, best = (set(pairs(mine(near, scoring, one))) for one in RETRIEVALS)
    assert both == forward & backward
    assert best <= forward | backward
    assert len(forward) == n and len(backward) == m
    if k >= max(n, m):  # else a candidate need not be one the other way round
        assert pairs(mine(near, scoring))[0] in both


@settings(max_examples=40)
@given(**SHAPES, retrieval=st.sampled_from(RETRIEVALS))
def test_turned_round_it_finds_the_same(unit_rows, seed, n, m, k, scoring, retrieval):
    x, y = unit_rows(seed, n), unit_rows(seed + 1, m)
    turned = {"forward": "backward", "backward": "forward"}.get(retrieval, retrieval)
    one = mine(neighbourhoods(x, y, k), scoring, retrieval)
    other = mine(neighbourhoods(y, x, k), scoring, turned)
    assert sorted(pairs(one)) == sorted((i, j) for j, i in pairs(other))


@settings(max_examples=40)
@given(**SHAPES, retrieval=st.sampled_from(RETRIEVALS), threshold=st.floats(-1, 2))
def test_threshold_and_unique(unit_rows, seed, n, m, k, scoring, retrieval, threshold):
    near = neighbourhoods(unit_rows(seed, n), unit_rows(seed + 1, m), k)
    every = mine(near, scoring, retrieval)
    above = mine(near, scoring, retrieval, threshold=threshold)
    assert pairs(above) == [
        pair for pair, score in zip(pairs(every), every.scores, strict=True) if score >= threshold
    ]
    once = pairs(mine(near, scoring, retrieval, unique=True))
    assert set(once) <= set(pairs(every)) and once[:1] == pairs(every)[:1]
    assert len({i for i, _ in once}) == len({j for _, j in once}) == len(once)
    # Whoever is left out has lost a sentence to a better pair.
    for i, j in set(pairs(every)) - set(once):
        assert any(i == a or j == b for a, b in once)


def test_the_margin_finds_what_a_hub_hides():
    def unit(rows):
        return np.array(rows, "f4") / np.linalg.norm(rows, axis=1, keepdims=True).astype("f4")

    # The second of y is near to all of x.
    x, y = unit([[2, 0, 1], [2, 0, 2], [1, 2, 0]]), unit([[2, -1, -1], [1, 1, 2], [1, 0, -1]])
    near = neighbourhoods(x, y, 3)
    assert sorted(pairs(mine(near, "absolute", "forward"))) != [(0, 0), (1, 1), (2, 2)]
    assert sorted(pairs(mine(near, "ratio", "forward"))) == [(0, 0), (1, 1), (2, 2)]


def test_progress_counts_both_sides(unit_rows):
    told = []
    neighbourhoods(unit_rows(1, 5), unit_rows(2, 3), 4, lambda *n: told.append(n))
    assert told == [(5, 8), (8, 8)]


def test_another_retrieval(unit_rows):
    near = neighbourhoods(unit_rows(1, 2), unit_rows(2, 2))
    with pytest.raises(ValueError, match="forward, backward"):
        mine(near, "ratio", "best")
