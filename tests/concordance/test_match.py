"""Matching, against a matcher that tries everything."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.concordance.match import find
from searchkbd.concordance.pattern import PatternError, parse_pattern
from searchkbd.index.tokens import Tokens, build

SENTENCES = st.lists(st.lists(st.sampled_from(["а", "б", "аб", "ба", "абба"]), max_size=9))
ELEMENTS = st.lists(
    st.sampled_from(["а", "б", "аб", "а*", "*а", "*б*", "а*а", "а|ба", "?", "*"]),
    min_size=1, max_size=6,
)  # fmt: skip


def shortest(elements, words, at, gap):
    """The end of the shortest match of *elements* at *at*, by trying; None without any."""
    if not elements:
        return at
    head, *rest = elements
    if head == "*":
        tries = [shortest(rest, words, at + skip, gap) for skip in range(gap + 1)]
        return min((end for end in tries if end is not None), default=None)
    if at >= len(words):
        return None
    regex = "|".join(map(re.escape, head.split("|"))).replace(r"\*", ".*")
    if head == "?" or re.fullmatch(regex, words[at]):
        return shortest(rest, words, at + 1, gap)
    return None


def normal(elements):
    """Between words, wildcards are so many ? and at most one *; at the ends, * is nothing."""
    out: list[str] = []
    run: list[str] = []
    for element in [*elements, None]:
        if element in ("?", "*"):
            run.append(element)
            continue
        inside = bool(out) and element is not None and any(e not in "?*" for e in out)
        out += ["?"] * run.count("?") + ["*"] * (inside and "*" in run)
        out += [element] if element is not None else []
        run = []
    return out


def by_trying(elements, sentences, gap):
    return [
        (at, start, end)
        for at, words in enumerate(sentences)
        for start in range(len(words))
        if (end := shortest(normal(elements), words, start, gap)) is not None
    ]


def matches(text, sentences, **options):
    tokens = Tokens(build([" ".join(words) for words in sentences]))
    found = find(tokens, parse_pattern(text, **options))
    shift = tokens.starts[found.sentences].astype(int)
    assert found.count_sentences() == len(set(found.sentences.tolist()))
    return list(
        zip(
            found.sentences.tolist(), (found.starts - shift).tolist(),
            (found.ends - shift).tolist(), strict=True,
        )
    )  # fmt: skip


@given(ELEMENTS, SENTENCES, st.integers(0, 3))
def test_everything_is_found_that_trying_finds(elements, sentences, gap):
    text = " ".join(elements)
    try:
        parse_pattern(text)
    except PatternError:
        assert set(elements) <= {"?", "*"}
        return
    assert matches(text, sentences, gap=gap) == by_trying(elements, sentences, gap)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("вода", [(0, 1, 2), (0, 3, 4), (1, 0, 1)]),
        ("вода холодная", [(0, 3, 5)]),
        ("вода *", [(0, 1, 2), (0, 3, 4), (1, 0, 1)]),
        ("вода ?", [(0, 1, 3), (0, 3, 5)]),
        ("? вода", [(0, 0, 2), (0, 2, 4)]),
        ("вода * холодная", [(0, 1, 5), (0, 3, 5)]),
        ("холодная вода", []),  # not across sentences
        ("нет воды", []),
    ],
)
def test_examples(pattern, expected):
    sentences = [["эта", "вода", "и", "вода", "холодная"], ["вода"], []]
    assert matches(pattern, sentences) == expected


def test_hostile_patterns_are_quick_and_right():
    """Thirty-one gaps over repeated words: a backtracking matcher would not end."""
    sentences = [["а"] * 200, ["а"] * 10]
    pattern = " * ".join(["а"] * 16)
    assert len(matches(pattern, sentences)) == 200 - 15
    assert matches(pattern + " б", sentences) == []
