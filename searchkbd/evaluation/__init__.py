"""How well an encoder finds translations: accuracy@k and MRR@10 over files of parallel text."""

from __future__ import annotations

from searchkbd.evaluation.evaluator import SCORINGS, evaluate
from searchkbd.evaluation.pairs import PairFile, PairSet, Side, read_pairs
from searchkbd.evaluation.results import Estimate, Evaluation

__all__ = [
    "SCORINGS",
    "Estimate",
    "Evaluation",
    "PairFile",
    "PairSet",
    "Side",
    "evaluate",
    "read_pairs",
]
