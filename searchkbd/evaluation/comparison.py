"""Two indexes asked the same questions: how far they agree, and which finds more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from searchkbd.evaluation.agreement import overlap, rank_biased_overlap, sign_test
from searchkbd.evaluation.asking import RANKS, Asked, Found, Outcome
from searchkbd.evaluation.bootstrap import SEED, interval, resampled_means
from searchkbd.evaluation.measures import NAMES, per_source
from searchkbd.evaluation.queries import Query, Question
from searchkbd.evaluation.results import Estimate
from searchkbd.mining.units import language_order


@dataclass(frozen=True, slots=True)
class Agreement:
    """Means over all questions: the share of common hits among the first and the first k, and
    rank-biased overlap; ``same_first`` counts those with the same first hit."""

    same_first: int
    overlap_at_1: float
    overlap_at_k: float
    rbo: float

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, rounded to six places."""
        return {
            "same_first": self.same_first,
            "overlap_at_1": round(self.overlap_at_1, 6),
            "overlap_at_k": round(self.overlap_at_k, 6),
            "rbo": round(self.rbo, 6),
        }


@dataclass(frozen=True, slots=True)
class Paired:
    """A figure of either index, and by how much B's is higher."""

    a: float
    b: float
    difference: Estimate

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, rounded to six places."""
        return {"a": round(self.a, 6), "b": round(self.b, 6),
                "difference": self.difference.to_dict()}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How well both find the right answers, in one direction or (languages None) in all together.

    *both*, *only_a*, *only_b* and *neither* count the questions whose first hit is right; *p* is
    the sign test's of *only_a* against *only_b*.
    """

    source: str | None
    target: str | None
    queries: int
    at_1: Paired
    at_5: Paired
    at_10: Paired
    mrr_at_10: Paired
    both: int
    only_a: int
    only_b: int
    neither: int
    p: float

    def to_dict(self) -> dict[str, Any]:
        """Return the row as docs/json.md describes it."""
        return {
            "from": self.source,
            "to": self.target,
            "queries": self.queries,
            "accuracy_at_1": self.at_1.to_dict(),
            "accuracy_at_5": self.at_5.to_dict(),
            "accuracy_at_10": self.at_10.to_dict(),
            "mrr_at_10": self.mrr_at_10.to_dict(),
            "both": self.both,
            "only_a": self.only_a,
            "only_b": self.only_b,
            "neither": self.neither,
            "p": self.p,
        }


@dataclass(frozen=True, slots=True)
class Differing:
    """A query that the indexes answer differently; *right* is the one whose first hit is right,
    ``a`` or ``b``, None when no answer is known."""

    query: Query
    right: str | None
    rbo: float
    a: Outcome
    b: Outcome

    def to_dict(self) -> dict[str, Any]:
        """Return the query as docs/json.md describes it."""
        return {
            "query": self.query.text,
            "lang": self.query.lang,
            "right": self.right,
            "rbo": round(self.rbo, 6),
            "a": _side(self.a, self.right is not None),
            "b": _side(self.b, self.right is not None),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that two indexes were found to have in common and to differ in.

    *found* counts the different sentences that either found among the first k, *only* those
    of them that the other found for no question. *accuracy* has the row of all directions first,
    and none when no answer is known. *differing* has those that A answers right first, then those
    that B does, each with the farthest from right of the other first; without known answers those
    that agree least.
    """

    agreement: Agreement
    found: tuple[int, int]
    only: tuple[int, int]
    accuracy: tuple[Accuracy, ...]
    differing: tuple[Differing, ...]


def compare(
    questions: Sequence[Question], a: Asked, b: Asked, *, k: int = RANKS, seed: int = SEED
) -> Comparison:
    """Compare what two indexes said to the same *questions*, of which there is one at least.

    Agreement is that of the first *k* hits. Raises MissingPackageError when answers are known and
    ir-measures is not installed.
    """
    pairs = list(zip(a.outcomes, b.outcomes, strict=True))
    rankings = [(left.keys[:k], right.keys[:k]) for left, right in pairs]
    rbo = [rank_biased_overlap(*each) for each in rankings]
    agreement = Agreement(
        sum(left[:1] == right[:1] for left, right in rankings),
        float(np.mean([overlap(*each, 1) for each in rankings])),
        float(np.mean([overlap(*each, k) for each in rankings])),
        float(np.mean(rbo)),
    )
    found = [{key for each in rankings for key in each[side]} for side in (0, 1)]
    differing = [
        Differing(question.query, _right(left, right), nearness, left, right)
        for question, (left, right), nearness in zip(questions, pairs, rbo, strict=True)
    ]
    return Comparison(
        agreement,
        (len(found[0]), len(found[1])),
        (len(found[0] - found[1]), len(found[1] - found[0])),
        _accuracies(questions, pairs, seed),
        _most_telling(differing),
    )


def _accuracies(
    questions: Sequence[Question], pairs: Sequence[tuple[Outcome, Outcome]], seed: int
) -> tuple[Accuracy, ...]:
    together: list[tuple[int, int]] = []
    directions: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for question, (a, b) in zip(questions, pairs, strict=True):
        if a.ranks:
            together.append((a.rank, b.rank))
        for lang, rank in a.ranks.items():
            directions.setdefault((question.query.lang, lang), []).append((rank, b.ranks[lang]))
    if not together:
        return ()
    ordered = sorted(directions, key=lambda pair: tuple(map(language_order, pair)))
    return (
        _accuracy(None, None, together, seed),
        *(_accuracy(*pair, directions[pair], seed) for pair in ordered),
    )


def _accuracy(
    source: str | None, target: str | None, ranks: Sequence[tuple[int, int]], seed: int
) -> Accuracy:
    """Return a row from the ranks of the first right answer in A and B, 0 where there is none."""
    of = np.array(ranks)
    hits = of[:, :, None] == np.arange(1, RANKS + 1)
    values = np.concatenate([per_source(hits[:, side]) for side in (0, 1)], axis=1)
    means, drawn = values.mean(axis=0), resampled_means(values, seed=seed)
    figures = []
    for at in range(len(NAMES)):
        gain = float(means[at + len(NAMES)] - means[at])
        low, high = interval(drawn[:, at + len(NAMES)] - drawn[:, at])
        difference = Estimate(gain, low, high)
        figures.append(Paired(float(means[at]), float(means[at + len(NAMES)]), difference))
    first = of == 1
    only_a = int((first[:, 0] & ~first[:, 1]).sum())
    only_b = int((first[:, 1] & ~first[:, 0]).sum())
    both = int(first.all(axis=1).sum())
    return Accuracy(
        source, target, len(of), *figures, both, only_a, only_b, len(of) - both - only_a - only_b,
        sign_test(only_a, only_b),
    )  # fmt: skip


def _right(a: Outcome, b: Outcome) -> str | None:
    """Return which of two is right alone; None where both or neither are, or nothing is known."""
    if (a.rank == 1) == (b.rank == 1):
        return None
    return "a" if a.rank == 1 else "b"


def _most_telling(differing: Sequence[Differing]) -> tuple[Differing, ...]:
    if not any(each.a.ranks for each in differing):
        return tuple(sorted((d for d in differing if d.rbo < 1), key=lambda d: d.rbo))

    def wrong(each: Differing) -> float:
        rank = (each.b if each.right == "a" else each.a).rank
        return -rank if rank else float("-inf")

    return tuple(
        sorted((d for d in differing if d.right), key=lambda each: (each.right, wrong(each)))
    )


def _side(outcome: Outcome, known: bool) -> dict[str, Any]:
    """Return what one index said; *known*: whether there is a right answer to have a rank."""
    return {
        "rank": (outcome.rank or None) if known else None,
        "hit": _hit(outcome.first) if outcome.first else None,
    }


def _hit(found: Found) -> dict[str, Any]:
    return {"lang": found.lang, "text": found.text, "similarity": round(found.similarity, 4)}
