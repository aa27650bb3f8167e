"""The measures of a ranking, computed by ir-measures (trec_eval)."""

from __future__ import annotations

import importlib.util

import numpy as np
from numpy.typing import NDArray

from searchkbd.errors import SearchkbdError

NAMES = ("accuracy@1", "accuracy@5", "accuracy@10", "MRR@10")
"""What the columns of :func:`per_source` are called. Accuracy@k is ir-measures' ``Success@k``."""


class MissingPackageError(SearchkbdError, ImportError):
    """A package that only some commands need is not installed."""


def require(module: str) -> None:
    """Raise MissingPackageError, which says what to install, when *module* is not there."""
    if importlib.util.find_spec(module) is None:
        raise MissingPackageError(
            f"evaluation needs the package {module.replace('_', '-')}, which is not installed: "
            'pip install "searchkbd[eval]"'
        )


def per_source(hits: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return float64 ``[n, 4]``, the :data:`NAMES` of each source.

    *hits* is bool ``[n, depth]``: whether the candidate at each rank is right. A source without
    a right candidate at any rank gets 0.
    """
    require("ir_measures")
    import ir_measures

    # The measures depend on nothing but which ranks are right. With ten ranks there are at most
    # 1,024 such patterns, however many sources.
    patterns, which = np.unique(hits, axis=0, return_inverse=True)
    qrels: dict[str, dict[str, int]] = {}
    run: dict[str, dict[str, float]] = {}
    for number, pattern in enumerate(patterns):
        qrels[str(number)] = {str(rank): int(right) for rank, right in enumerate(pattern)}
        run[str(number)] = {str(rank): -float(rank) for rank in range(len(pattern))}
    wanted = [ir_measures.parse_measure(name) for name in
              ("Success@1", "Success@5", "Success@10", "RR@10")]  # fmt: skip
    column = {measure: place for place, measure in enumerate(wanted)}
    values = np.zeros((len(patterns), len(wanted)))
    for metric in ir_measures.iter_calc(wanted, qrels, run):
        values[int(metric.query_id), column[metric.measure]] = metric.value
    return values[which.reshape(-1)]
