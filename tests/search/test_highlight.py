"""Which words of a text are marked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.search.highlight import highlights


def marked(query, text):
    return [text[start:end] for start, end in highlights(query, text)]


@pytest.mark.parametrize(
    ("query", "text", "words"),
    [
        ("щIалэ", "Щ1алэр къэк1уащ, щӏалэ!", ["Щ1алэр", "щӏалэ"]),
        ("щалэ", "(щӏалэ)", ["щӏалэ"]),
        ("school", "At school, in School-time", ["school", "School"]),
        ("a", "a cat and a dog", ["a", "a"]),
        ("день", "«Добрый день!»", ["день"]),
        ("л|ы", "ар л!ы хьэлэмэтщ", ["л!ы"]),
        ("nothing", "что-то другое", []),
        ("", "x", []),
        ("?!", "x ?!", []),
    ],
)
def test_words_are_marked_in_any_spelling(query, text, words):
    assert marked(query, text) == words


@given(st.text(max_size=40), st.text(max_size=80))
def test_spans_are_in_order_and_inside_the_text(query, text):
    at = 0
    for start, end in highlights(query, text):
        assert at <= start < end <= len(text)
        at = end
