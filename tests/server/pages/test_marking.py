"""Marks in texts: nothing is lost, and nothing in a text is HTML."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from searchkbd.server.pages.marking import highlighted, marked

HOSTILE = st.text(st.sampled_from("<>&\"'/ aбщӏ{}%\n"), max_size=40)


@st.composite
def text_and_spans(draw):
    text = draw(HOSTILE)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    return text, list(zip(cuts[::2], cuts[1::2], strict=False))


def parsed(markup):
    return html.fragment_fromstring(f"<p>{markup}</p>")


@given(text_and_spans())
def test_marks_stand_around_their_spans_and_the_text_is_the_same(example):
    text, spans = example
    tree = parsed(marked(text, spans))
    assert tree.text_content() == text
    assert [mark.text_content() for mark in tree] == [text[start:end] for start, end in spans]
    assert {mark.tag for mark in tree} <= {"mark"}


@given(HOSTILE, HOSTILE)
def test_a_query_cannot_bring_elements_in(query, text):
    tree = parsed(highlighted(query, text))
    assert tree.text_content() == text
    assert {mark.tag for mark in tree} <= {"mark"}
