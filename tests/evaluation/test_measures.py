"""The measures of a ranking, against their definitions."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.evaluation.measures import NAMES, MissingPackageError, per_source, require


@given(st.lists(st.lists(st.booleans(), min_size=10, max_size=10), min_size=1, max_size=30))
def test_they_are_what_they_are_called(rankings):
    found = per_source(np.array(rankings))
    assert found.shape == (len(rankings), len(NAMES))
    for values, ranking in zip(found, rankings, strict=True):
        first = ranking.index(True) + 1 if any(ranking) else 11
        wanted = [*(float(first <= k) for k in (1, 5, 10)), 1 / first if first <= 10 else 0.0]
        assert values == pytest.approx(wanted)


def test_a_missing_package_is_named_with_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r'ir-measures.*pip install "searchkbd\[eval\]"'):
        require("ir_measures")
    with pytest.raises(MissingPackageError):
        per_source(np.ones((1, 10), bool))
