"""Quality: each of its terms, against its definition."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.memory.quality import Score, Term, compare
from searchkbd.text.segment import read_segment

WORDS = st.sampled_from(["мы", "живём", "у", "реки", "10", "2,5", "{0}", "%s", ".", ",", "щ1алэ"])
TEXTS = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)


def score(segment: str, source: str, **tags) -> Score:
    return compare(read_segment(segment), read_segment(source), **tags)


@pytest.mark.parametrize(
    ("segment", "source", "quality", "deducted"),
    [
        ("Мы живём у реки.", "мы живём у  реки.", 100, []),
        ("Сэ еджап1эм сок1уэ.", "Сэ еджапӏэм сокӏуэ.", 100, []),
        ("Мы живём у реки", "Мы живём у реки.", 99, ["punctuation"]),
        ("Встреча в 10", "Встреча в 11", 98, ["numbers"]),
        ("Встреча в 2,5", "Встреча в 3", 98, ["numbers"]),
        ("Open {0}", "Open {1}", 97, ["placeholders"]),
        ("Open {0}: 5!", "Open %s, 6", 94, ["punctuation", "numbers", "placeholders"]),
        ("Сегодня, друг мой", "Сегодня друг, мой", 99, ["placement"]),
        ("5 10", "7 10", 98, ["numbers"]),
        ("Мы живём у реки.", "Мы жили у реки.", 80, []),  # 3 edits in 15 letters
        ("Мы жили у реки!", "Мы живём у реки.", 79, ["punctuation"]),
        ("аб вг", "де жз", 20, []),  # the space stays
    ],
)
def test_quality(segment, source, quality, deducted):
    found = score(segment, source)
    assert (found.quality, [term.reason for term in found.deductions]) == (quality, deducted)
    assert found.same == (quality == 100)


def test_tags_are_compared():
    assert score("да", "да", segment_tags=("<ph/>",), source_tags=("<ph/>",)).same
    differing = score("да", "да", source_tags=("<ph/>",))
    assert (differing.quality, differing.deductions) == (98, (Term("tags", 2),))


def test_context_and_penalties():
    same = replace(score("да", "да"), context="key")
    assert same.quality == 101
    penalised = replace(same, penalties=(Term("mt", 10), Term("pivot", 5)))
    assert (penalised.quality, penalised.penalty) == (86, 15)
    assert replace(same, penalties=(Term("mt", 100), Term("mt", 100))).quality == 0
    assert penalised.to_dict() == {
        "edits": 0, "length": 2, "edit_quality": 100, "deductions": [],
        "penalties": [{"reason": "mt", "points": 10}, {"reason": "pivot", "points": 5}],
        "context": "key", "quality": 86,
    }  # fmt: skip


def naive_distance(a: str, b: str) -> int:
    """Levenshtein's recurrence, row by row."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


@given(TEXTS, TEXTS)
def test_quality_is_the_share_left_unedited_less_what_differs_besides(one, other):
    a, b = read_segment(one), read_segment(other)
    found = compare(a, b)
    longest = max(len(a.base), len(b.base))
    assert found.edits == naive_distance(a.base, b.base)
    left = 100 * (longest - found.edits) // longest
    differs = [
        (a.punctuation != b.punctuation) * 1,
        (a.numbers != b.numbers) * 2,
        (a.placeholders != b.placeholders) * 3,
    ]
    deducted = sum(differs) or int(a.base == b.base and a.key != b.key)
    assert found.quality == max(0, left - deducted)
    assert found.quality == compare(b, a).quality
    assert (found.quality == 100) == (a.key == b.key)
