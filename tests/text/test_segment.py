"""Segments taken apart: words, placeholders, numbers, punctuation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.text.forms import search_key
from searchkbd.text.segment import (
    base_form,
    base_words,
    blank_placeholders,
    number_spans,
    read_segment,
)

PIECES = st.sampled_from(
    ["мы", "щ1алэ", "Open", "%s", "{0}", "<b>", "&amp;", "10", "2,5", "1", "5км",
      "-", "!", ", ", " "]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=30)


@pytest.mark.parametrize(
    ("text", "base", "placeholders", "numbers", "punctuation"),
    [
        ("Open {0} of 10 files.", "open of files", ("{0}",), ("10",), "."),
        ("Открыть %1$s и %(name)s", "открыть и", ("%1$s", "%(name)s"), (), ""),
        ("<b>Yes</b>, ${x} &amp; %d\\n", "yes", ("<b>", "</b>", "${x}", "&amp;", "%d", "\\n"), (),
         ","),
        ("Meet at 10:30, bring 2,5 kg", "meet at bring kg", (), ("10:30", "2,5"), ","),
        ("Сыхьэт 11-м", "сыхьэт м", (), ("11",), "-"),
        ("100% off", "off", (), ("100",), "%"),
        ("5км v1.5 12а", "5км v1 12а", (), (), "."),
        ("123", "0", (), ("123",), ""),
        ("№ 5 — 7", "№ 0 - 0", (), ("5", "7"), "№-"),
        ("…", "...", (), (), "..."),
        ("{0}", "{0}", ("{0}",), (), ""),
    ],
)  # fmt: skip
def test_what_a_segment_is_made_of(text, base, placeholders, numbers, punctuation):
    segment = read_segment(text)
    assert (segment.base, segment.placeholders) == (base, placeholders)
    assert (segment.numbers, segment.punctuation) == (numbers, punctuation)


@pytest.mark.parametrize("letter", ["ӏ", "Ӏ", "I", "l", "1", "|"])
def test_a_palochka_is_a_letter_and_no_number(letter):
    segment = read_segment(f"Псыр щ{letter}ы{letter}эщ 10")
    assert (segment.base, segment.numbers, segment.punctuation) == ("псыр щӏыӏэщ", ("10",), "")
    assert number_spans(f"щ{letter}ы{letter}эщ 10") == [(7, 9)]


def test_numbers_in_placeholders_are_none():
    assert number_spans("{0} 12 %1$s 3.5") == [(4, 6), (12, 15)]
    assert blank_placeholders("a {0} b") == "a     b"


@given(TEXTS)
def test_the_base_is_made_of_the_key(text):
    segment = read_segment(text)
    assert segment.key == search_key(text)
    assert segment.base == base_form(segment.key)
    assert segment.base or not segment.key
    if base_words(segment.key):
        assert segment.base.split(" ") == base_words(segment.key)


@given(TEXTS)
def test_numbers_stand_where_they_are_said_to(text):
    for start, end in number_spans(text):
        number = text[start:end]
        assert number[0].isdecimal() and number[-1].isdecimal()
        bare = blank_placeholders(text)
        assert not bare[end : end + 1].isalpha() and not bare[:start][-1:].isalpha()
    assert len(blank_placeholders(text)) == len(text)
