"""Margins: the formulas, and their guard."""

from __future__ import annotations

import numpy as np
import pytest

from searchkbd.mining.margin import SCORINGS, margin

COSINES = np.array([0.9, 0.5, -0.2], dtype=np.float32)
MEANS = np.array([0.6, 0.5, 0.4], dtype=np.float32)


@pytest.mark.parametrize(
    ("scoring", "wanted"),
    [("ratio", [1.5, 1, -0.5]), ("distance", [0.3, 0, -0.6]), ("absolute", [0.9, 0.5, -0.2])],
)
def test_the_formulas(scoring, wanted):
    found = margin(COSINES, MEANS, scoring)
    assert found == pytest.approx(wanted) and found.dtype == np.float32


def test_a_ratio_over_unrelated_neighbours_is_finite():
    assert np.isfinite(margin(COSINES, np.zeros(3, dtype=np.float32))).all()
    assert np.isfinite(margin(COSINES, -MEANS)).all()


def test_another_scoring():
    with pytest.raises(ValueError, match=", ".join(SCORINGS)):
        margin(COSINES, MEANS, "cosine")
