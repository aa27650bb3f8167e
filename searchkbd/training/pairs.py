"""Pairs to train on, from corpus files: sentences of a language and their translations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from searchkbd.corpus.sentence import CorpusError, Reject, Sentence
from searchkbd.encoders.features import model_key
from searchkbd.pairs.clusters import Clusters
from searchkbd.text.forms import search_key
from searchkbd.training.data import Pair

MAX_PAIRS = 500_000
"""More are refused: the teacher's vectors of as many texts take some gigabytes."""

MAX_HELD_OUT = 500
"""Groups that are held out for development at most."""

_HELD_OUT_SHARE = 0.05
_LEAST_HELD_OUT = 20  # groups; fewer make a figure that jumps
_MOST_SHARE = 5  # a fifth
_LEAST_GROUPS = 10
_LARGEST = 0.1  # of what is held out: larger clusters of groups would make it one-sided

Group = list[Pair]
"""The pairs of one translation group, in the order in which they were read."""


@dataclass
class Pairs:
    """What was read: groups of pairs, and how many pairs were read before (merged)."""

    groups: list[Group] = field(default_factory=list)
    merged: int = 0

    @property
    def count(self) -> int:
        """Number of pairs."""
        return sum(map(len, self.groups))


@dataclass(frozen=True)
class Split:
    """Groups to train on and to measure on, with no text in both.

    *left_out* counts the pairs that were not trained on because a text of theirs is measured on.
    """

    train: list[Pair]
    dev: list[Group]
    left_out: int = 0


def pair_up(
    items: Iterable[Sentence | Reject],
    lang: str,
    teacher_langs: Collection[str],
    on_reject: Callable[[Reject], None],
) -> Pairs:
    """Pair each sentence in *lang* with each of its group in one of *teacher_langs*.

    Rejects among *items*, and sentences that make no pair, go to *on_reject*; a pair that was
    there before is merged and counted. Raises CorpusError for more than MAX_PAIRS.
    """
    own: dict[str, list[Sentence]] = {}
    others: dict[str, list[Sentence]] = {}
    for item in items:
        if isinstance(item, Reject):
            on_reject(item)
        elif item.lang == lang and not model_key(item.text):
            on_reject(Reject(item.source, "no text", item.text))
        elif item.lang == lang:
            own.setdefault(item.group, []).append(item)
        elif item.lang in teacher_langs:
            others.setdefault(item.group, []).append(item)
        else:
            reason = f"language that the teacher does not read: {item.lang}"
            on_reject(Reject(item.source, reason, item.text))
    for group, sentences in others.items():
        for sentence in sentences if group not in own else ():
            reason = f"no sentence in the language to learn: {lang}"
            on_reject(Reject(sentence.source, reason, sentence.text))
    found, seen = Pairs(), set()
    total = 0
    for group, sentences in own.items():
        if group not in others:
            for sentence in sentences:
                reason = "no translation in a language that the teacher reads"
                on_reject(Reject(sentence.source, reason, sentence.text))
            continue
        pairs = []
        for sentence in sentences:
            for other in others[group]:
                keys = (search_key(sentence.text), other.lang, search_key(other.text))
                if keys in seen:
                    found.merged += 1
                    continue
                seen.add(keys)
                weight = weight_of(sentence.text)
                pairs.append(Pair(sentence.text, other.text, other.lang, weight))
        total += len(pairs)
        if total > MAX_PAIRS:
            raise CorpusError(
                f"more than {MAX_PAIRS:,} pairs; give fewer files, or smaller groups "
                f"(the group {group!r} makes {len(pairs):,})"
            )
        if pairs:
            found.groups.append(pairs)
    return found


def weight_of(text: str) -> float:
    """Return how much a text counts: a word 1, a phrase of two or three words 2, a sentence 4."""
    words = len(text.split())
    return 1.0 if words < 2 else 2.0 if words < 4 else 4.0


def hold_out(groups: Sequence[Group], seed: int) -> Split:
    """Split *groups*: a twentieth, 20 to 500 of them and a fifth at most, are for development.

    Groups that share a text stay together. The same groups and seed give the same split. Raises
    CorpusError when there are too few groups, or too few that can be kept apart.
    """
    advice = "give development pairs of their own: --dev FILE"
    if len(groups) < _LEAST_GROUPS:
        raise CorpusError(
            f"{len(groups)} groups of translations are too few to hold some out; {advice}"
        )
    share = max(round(_HELD_OUT_SHARE * len(groups)), _LEAST_HELD_OUT)
    wanted = min(share, MAX_HELD_OUT, len(groups) // _MOST_SHARE)
    clusters = _clusters(groups)
    chosen: set[int] = set()
    for place in np.random.default_rng([seed, 1]).permutation(len(clusters)):
        cluster = clusters[place]
        if len(cluster) <= max(1, _LARGEST * wanted) and len(chosen) + len(cluster) <= wanted:
            chosen.update(cluster)
    if len(chosen) < max(2, wanted // 2):
        raise CorpusError(
            f"nearly all groups share texts with others, so none can be held out; {advice}"
        )
    return Split(
        [pair for row, group in enumerate(groups) if row not in chosen for pair in group],
        [groups[row] for row in sorted(chosen)],
    )


def without(groups: Iterable[Group], dev: list[Group]) -> Split:
    """Leave out of *groups* the pairs of which a text is in *dev*."""
    measured = {key for group in dev for pair in group for key in _keys(pair)}
    pairs = [pair for group in groups for pair in group]
    train = [pair for pair in pairs if measured.isdisjoint(_keys(pair))]
    return Split(train, dev, len(pairs) - len(train))


def _keys(pair: Pair) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return what the two texts are compared by."""
    return ("", model_key(pair.kabardian)), (pair.lang, search_key(pair.translation))


def _clusters(groups: Sequence[Group]) -> list[list[int]]:
    """Return the groups (their numbers) in clusters: two that share a text are in one."""
    joined = Clusters(len(groups))
    first: dict[tuple[str, str], int] = {}
    for row, group in enumerate(groups):
        for key in {key for pair in group for key in _keys(pair)}:
            joined.join(row, first.setdefault(key, row))
    clusters: dict[int, list[int]] = {}
    for row, root in enumerate(joined.roots()):
        clusters.setdefault(root, []).append(row)
    return list(clusters.values())
