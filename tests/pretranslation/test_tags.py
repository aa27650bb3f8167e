"""Placing the tags of a segment in the memory's target."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.corpus.inline import Tag, runs
from searchkbd.pretranslation.tags import with_tags_of


def pair(i: int, text: str, code: str = "b") -> str:
    return f'<bpt i="{i}">&lt;{code}&gt;</bpt>{text}<ept i="{i}">&lt;/{code}&gt;</ept>'


def single(x: int, code: str) -> str:
    return f'<ph x="{x}">{code}</ph>'


def test_tags_follow_their_words():
    placed = with_tags_of(
        segment=f"a {pair(1, 'b', 'B')} c {single(2, 'BR')}{pair(3, 'd', 'I')}",
        source=f"a {pair(7, 'b')} c {single(1, 'br')}{pair(9, 'd', 'i')}",
        target=f"{pair(1, 'D', 'i')} C{single(5, 'br')} {pair(2, 'B')} A &amp;",
    )
    assert placed == f"{pair(3, 'D', 'I')} C{single(2, 'BR')} {pair(1, 'B', 'B')} A &amp;"


@pytest.mark.parametrize(
    ("segment", "source", "target"),
    [
        (pair(1, "a"), None, pair(1, "A")),
        (pair(1, "a"), pair(1, "a"), None),
        (pair(1, "a"), pair(1, "a"), "A"),
        (pair(1, "a"), pair(1, "a"), pair(1, "A") + pair(2, "B")),
        (pair(1, "a"), pair(1, "a"), pair(1, "A", "i")),
        (pair(1, "a"), pair(1, "a") + single(2, "x"), pair(1, "A") + single(2, "x")),
        (pair(1, "a"), '<bpt i="1"/>a<ept i="2"/>', '<bpt i="1"/>A<ept i="2"/>'),
        ("<hi>a</hi>", pair(1, "a"), pair(1, "A")),
        (pair(1, "a"), pair(1, "a"), '<ept i="1">&lt;/b&gt;</ept>A<bpt i="1">&lt;b&gt;</bpt>'),
    ],
)
def test_tags_that_do_not_correspond(segment, source, target):
    assert with_tags_of(segment, source, target) is None


def test_highlights_nest():
    placed = with_tags_of(
        '<hi type="x">a <hi>b</hi></hi>', '<hi type="1">a <hi type="2">b</hi></hi>',
        '<hi type="1"><hi type="2">B</hi> A</hi>',
    )  # fmt: skip
    assert placed == '<hi type="x"><hi>B</hi> A</hi>'


@given(
    st.lists(st.sampled_from(["pair", "single"]), min_size=1, max_size=6).flatmap(
        lambda kinds: st.tuples(st.just(kinds), st.permutations(range(len(kinds))))
    )
)
def test_any_order_of_different_tags(kinds_and_order):
    kinds, order = kinds_and_order

    def markup(places, prefix: str) -> str:
        return " ".join(
            pair(n + 1, f"w{at}", f"{prefix}{at}")
            if kinds[at] == "pair"
            else single(n, f"{prefix}{at}")
            for n, at in enumerate(places)
        )

    source, segment = markup(range(len(kinds)), "old"), markup(range(len(kinds)), "new")
    placed = with_tags_of(segment, source, markup(order, "old"))
    codes = [run.code.strip("</>") for run in runs(placed) if isinstance(run, Tag)]
    assert codes == [f"new{at}" for at in order for _ in range(1 + (kinds[at] == "pair"))]
