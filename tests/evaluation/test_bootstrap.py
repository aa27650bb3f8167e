"""Intervals by resampling."""

from __future__ import annotations

import numpy as np
import pytest

from searchkbd.evaluation.bootstrap import interval, resampled_means


def test_the_interval_of_a_share_is_near_that_of_the_binomial():
    values = np.zeros((400, 1))
    values[:300] = 1
    low, high = interval(resampled_means(values)[:, 0])
    error = 1.96 * (0.75 * 0.25 / 400) ** 0.5
    assert (low, high) == pytest.approx((0.75 - error, 0.75 + error), abs=0.008)


def test_it_draws_rows_as_the_definition_does():
    rng = np.random.default_rng(1)
    values = rng.random((50, 2)).round(1)
    drawn = resampled_means(values, 4000)
    plain = np.array([values[rng.integers(50, size=50)].mean(axis=0) for _ in range(4000)])
    assert drawn.mean(axis=0) == pytest.approx(values.mean(axis=0), abs=0.005)
    assert drawn.std(axis=0) == pytest.approx(plain.std(axis=0), rel=0.06)


def test_columns_are_resampled_together():
    rng = np.random.default_rng(2)
    column = (rng.random(200) < 0.5).astype(float)
    drawn = resampled_means(np.stack([column, column * 2 + 1], axis=1))
    assert drawn[:, 1] == pytest.approx(drawn[:, 0] * 2 + 1)


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(3).random((30, 1))
    assert (resampled_means(values) == resampled_means(values)).all()
    assert (resampled_means(values, seed=1) != resampled_means(values, seed=2)).any()


def test_nothing_cannot_be_resampled():
    with pytest.raises(ValueError, match="nothing"):
        resampled_means(np.empty((0, 2)))
