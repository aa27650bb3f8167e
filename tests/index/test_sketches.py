"""Lower bounds on edits must never lose a text that is near enough."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from searchkbd.index import sketches

# Few letters, so that many texts are near each other; and a few that no alphabet of ours has.
LETTERS = "абвгд эщъыӏ abcü漢😀"
TEXTS = st.text(LETTERS, min_size=1, max_size=60)


def file_of(texts, first_row=1):
    """A text file as the index has it, with rows that leave gaps."""
    rows = np.arange(first_row, first_row + 3 * len(texts), 3)
    return SimpleNamespace(rows=rows, arrays=sketches.build(texts), live=None)


def scan(files, texts_of, base, least):
    """What comparing with every text finds."""
    found = set()
    for file, texts in zip(files, texts_of, strict=True):
        for row, text in zip(file.rows.tolist(), texts, strict=True):
            longer = max(len(text), len(base))
            if 1 - Levenshtein.distance(base, text) / longer >= least - 1e-9:
                found.add(row)
    return found


@given(
    st.lists(st.lists(TEXTS, min_size=1, max_size=12), min_size=1, max_size=3),
    TEXTS,
    st.sampled_from([0.3, 0.5, 0.7, 0.75, 0.9, 1.0]),
)
def test_everything_near_enough_is_found_and_nothing_else(texts_of, base, least):
    files = [file_of(texts, 1 + 1000 * number) for number, texts in enumerate(texts_of)]
    found = sketches.similar(files, base, least)
    assert {s.row for s in found} == scan(files, texts_of, base, least)
    for similar in found:
        number, place = divmod(similar.row - 1, 1000)
        text = texts_of[number][place // 3]
        assert similar.edits == Levenshtein.distance(base, text)
        assert similar.length == len(text)
    worth = [1 - s.edits / max(s.length, len(base)) for s in found]
    assert worth == sorted(worth, reverse=True)


@st.composite
def edited(draw):
    """A long text and the same after some edits, at a length near a bound of the classes."""
    size = draw(st.sampled_from([23, 24, 25, 47, 49, 95, 97, 191, 193, 400]))
    text = draw(st.text(LETTERS, min_size=size, max_size=size))
    out = list(text)
    for _ in range(draw(st.integers(0, max(1, size // 4)))):
        at = draw(st.integers(0, len(out) - 1))
        change = draw(st.sampled_from("sid"))
        letter = draw(st.sampled_from(LETTERS))
        if change == "s":
            out[at] = letter
        elif change == "i":
            out.insert(at, letter)
        elif len(out) > 1:
            del out[at]
    return text, "".join(out)


@given(st.lists(edited(), min_size=1, max_size=6))
def test_long_texts_of_every_class_are_found_from_each_other(pairs):
    texts = [text for text, _ in pairs]
    files = [file_of(texts)]
    for _, other in pairs:
        found = {s.row for s in sketches.similar(files, other, 0.7)}
        assert found == scan(files, [texts], other, 0.7)


def worst(kind, size, edits, start):
    """A text without a repeated letter, and another so many edits away with nothing in common
    where they differ: as far apart as sketches can be for so many edits."""
    text = "".join(chr(start + at) for at in range(size))
    out = list(text)
    for number in range(edits):
        at = 1 + number * (size - 2) // edits
        if kind == "substitute":
            out[at] = chr(start + size + number)
        elif kind == "insert":
            out[at] += chr(start + size + number)
        else:
            out[at] = ""
    return text, "".join(out)


@pytest.mark.parametrize("kind", ["substitute", "insert", "delete"])
@pytest.mark.parametrize("least", [0.7, 0.8])
@pytest.mark.parametrize("size", [20, 22])
def test_the_bounds_are_reached_and_not_passed(kind, least, size):
    reached = set()
    for start in range(0x4E00, 0x4E00 + 40 * 32, 32):
        # As many edits as are allowed; the longer text is what they are measured by.
        edits = max(
            e for e in range(1, 10)
            if 1 - e / (size + (e if kind == "insert" else 0)) >= least - 1e-9
        )  # fmt: skip
        text, other = worst(kind, size, edits, start)
        assert Levenshtein.distance(text, other) == edits
        assert [s.edits for s in sketches.similar([file_of([text])], other, least)] == [edits]
        apart = abs(len(text) - len(other))
        letters, grams = (
            int(np.bitwise_count(a ^ b).sum())
            for a, b in zip(sketches._sketch([text], 0), sketches._sketch([other], 0), strict=True)
        )
        reached |= {
            name
            for name, bits, bound in (
                ("letters", letters, 2 * edits - apart), ("grams", grams, 4 * edits - apart),
            )
            if bits == bound
        }  # fmt: skip
    assert reached == {"letters", "grams"}  # else this test would pass with tighter bounds


def test_lower_bounds_rule_out_what_has_nothing_in_common():
    """Not only sound but of use: of 400 different sentences hardly any is compared in full."""
    words = ["дом", "река", "вода", "школа", "поезд", "снег", "ветер", "хлеб", "окно", "гора"]
    texts = [
        " ".join(words[(n // 10**place + place) % 10] for place in range(3)) + f" {words[n % 7]}"
        for n in range(400)
    ]
    arrays = sketches.build(texts)
    passing = sketches._passing(arrays, texts[123], 0.8, {})
    assert 1 <= len(passing) <= 40


@given(st.lists(TEXTS, min_size=1, max_size=20), TEXTS)
def test_the_same_base_form_is_found_by_its_hash(texts, other):
    files = [file_of(texts), file_of(texts[::-1], 5001)]
    wanted = [*texts[:3], other]
    found = sketches.same_base(files, wanted)
    for base in set(wanted):
        rows = [
            row
            for file, written in zip(files, (texts, texts[::-1]), strict=True)
            for row, text in zip(file.rows.tolist(), written, strict=True)
            if text == base
        ]
        assert sorted(found.get(base, [])) == rows


@pytest.mark.parametrize("base", ["", "x"])
def test_an_empty_memory_or_query_gives_nothing(base):
    assert sketches.similar([], base) == []
    assert sketches.similar([file_of(["дом"])], "") == []
