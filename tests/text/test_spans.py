"""Where the words of keys stand in texts."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.text.forms import search_key, words
from searchkbd.text.spans import align, word_spans

# Every kind of character that a key drops, joins, splits or changes, among plain ones.
TROUBLE = st.text(
    st.sampled_from(
        "кщлэыӏӀIil1|!aceоя Яİıßﬁŉǰΐ-–…«»'\t\r\n\u00a0\u00ad\u200b\u0300\u0301\u0306\u0308\ufeff"
        "\u1112\u1161\u11ab"
    ),
    max_size=30,
)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Щ1алэр  къэк!уащ, л|ы!", ["Щ1алэр", "къэк!уащ", "л|ы"]),
        ("моя́ земля́.", ["моя́", "земля́"]),
        ("щӏэ\u00adны\u00adгъэ", ["щӏэ\u00adны\u00adгъэ"]),
        ("щӏэны-\n  гъэ псы", ["щӏэны-\n  гъэ", "псы"]),
        ("Straße ﬁn", ["Straße", "ﬁn"]),
        ("да… что-то", ["да", "что", "то"]),
        (" \ufeffвода\n\nесть ", ["вода", "есть"]),
        (unicodedata.normalize("NFD", "Мой ёж, où étés"), ["Мой", "ёж", "où", "étés"]),
        ("1941 год, 11-нэ", ["1941", "год", "11", "нэ"]),
        ("", []),
        ("?!", []),
    ],
)
def test_words_are_found_as_they_are_written(text, written):
    found = [text[start:end] for start, end in word_spans(text)]
    assert found == [
        unicodedata.normalize("NFD", word) if word not in text else word for word in written
    ]


@given(st.text(max_size=40) | TROUBLE)
def test_spans_are_those_of_the_words_of_the_key_in_order(text):
    spans = word_spans(text)
    assert len(spans) == len(words(search_key(text)))
    at = 0
    for start, end in spans:
        assert at <= start <= end <= len(text)
        at = start


@given(TROUBLE)
def test_a_word_that_stands_alone_is_where_it_is(noise):
    text = f"{noise} (водопад) {noise}"
    at = [words(search_key(text))[n] == "водопад" for n in range(len(word_spans(text)))]
    start, end = word_spans(text)[at.index(True)]
    assert text[start:end].strip("\u00ad\u200b\u0300\u0301\ufeff") == "водопад"


@given(st.text(max_size=40) | TROUBLE)
def test_every_character_of_the_key_has_a_span(text):
    key, spans = align(text)
    assert key == search_key(text) and len(spans) == len(key)
