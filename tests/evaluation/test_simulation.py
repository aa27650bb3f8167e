"""The simulation that docs/evaluation.md quotes."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "simulate_card_figure.py"


def load():
    spec = importlib.util.spec_from_file_location("simulate_card_figure", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_document_quotes_what_it_prints():
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    document = (ROOT / "docs" / "evaluation.md").read_text("utf-8")
    assert "\n".join(lines) in document


def test_ranks_of_ties_are_means_and_the_correlation_is_of_ranks():
    script = load()
    assert script.ranks(np.array([3.0, 1, 3, 2])).tolist() == [3.5, 1, 3.5, 2]
    scipy = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=50), rng.integers(3, size=50).astype(float)
    assert script.spearman(a, b) == pytest.approx(scipy.spearmanr(a, b).statistic)


def test_pairs_have_the_cosines_that_were_asked_for():
    script = load()
    wanted = np.array([-0.5, 0, 0.9])
    left, right = script.pairs_of_cosine(np.random.default_rng(1), wanted, 16)
    assert (left * right).sum(axis=1) == pytest.approx(wanted)
    assert np.linalg.norm(right, axis=1) == pytest.approx(np.ones(3))
