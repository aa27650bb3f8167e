"""Reading patterns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.concordance.pattern import (
    MAX_ELEMENTS,
    Block,
    PatternError,
    Word,
    parse_pattern,
)


def keys(text, **options):
    """The keys of a pattern's words, as one would write them."""
    pattern = parse_pattern(text, **options)
    return [
        "|".join("*".join(word.key) for word in words)
        for block in pattern.blocks
        for words in block.words
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Хотел", ["хотел"]),
        ("хотел, «забы*»!", ["хотел", "забы*"]),
        ("*ТЬ за*ть *мэ*", ["*ть", "за*ть", "*мэ*"]),
        ("за**ть", ["за*ть"]),
        ("что-то *-то", ["что", "то", "то"]),
        ("земля́", ["земля"]),
        ("щIалэ Щ1АЛЭ щ!алэ", ["щӏалэ"] * 3),
        # A star hides the neighbour by which a palochka is told.
        ("щ1*", ["щӏ*"]),
        ("*1ащ", ["*ӏащ"]),
        ("*к1", ["*кӏ"]),
        ("1*", ["1*"]),
        ("19*", ["19*"]),
        ("co* *ed", ["co*", "*ed"]),
        ("aujourd'hui", ["aujourd", "hui"]),
        ("Straße*", ["strasse*"]),
    ],
)
def test_words(text, expected):
    assert keys(text) == expected


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("хотел|хочет", set(), ["хотел|хочет"]),
        ("хотел | хочет", set(), ["хотел|хочет"]),
        ("за*|*ть", set(), ["за*|*ть"]),
        ("|вода|", set(), ["вода"]),
        ("щ|алэ", {"щӏалэ"}, ["щӏалэ"]),
        ("щ|алэ", set(), ["щ|алэ"]),
        ("щ|ал*", {"щӏал*"}, ["щӏал*"]),
        ("к|уэ|мак|уэ", {"кӏуэ", "макӏуэ"}, ["кӏуэ|макӏуэ"]),
        ("water|milk", {"waterӏmilk"}, ["water|milk"]),
    ],
)
def test_a_bar_is_a_palochka_where_there_is_such_a_word(text, known, expected):
    assert keys(text, known=lambda parts: "*".join(parts) in known) == expected


def test_what_is_written_is_kept_beside_the_key():
    pattern = parse_pattern("Щ1ал* МАШИНЭ|Straße")
    (first, second) = pattern.blocks[0].words
    assert first == (Word(("щӏал", ""), ("Щ1ал", "")),)
    assert second == (
        Word(("машинэ",), ("МАШИНЭ",)), Word(("strasse",), ("Straße",)),
    )  # fmt: skip


def distances(text, gap=5):
    pattern = parse_pattern(text, gap=gap)
    return (
        pattern.before,
        [(block.least, block.most, block.offsets) for block in pattern.blocks],
        pattern.after,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b", (0, [(0, 0, (0, 1))], 0)),
        ("a ? b", (0, [(0, 0, (0, 2))], 0)),
        ("a * b", (0, [(0, 0, (0,)), (0, 5, (0,))], 0)),
        ("a * ? * b", (0, [(0, 0, (0,)), (1, 6, (0,))], 0)),
        ("a * * * b c", (0, [(0, 0, (0,)), (0, 5, (0, 1))], 0)),
        ("* ? a * ?", (1, [(0, 0, (0,))], 1)),
        ("a *-b", (0, [(0, 0, (0, 2))], 0)),
    ],
)
def test_wildcards_are_distances(text, expected):
    assert distances(text) == expected


def test_the_gap_is_what_is_asked_for():
    assert parse_pattern("a * b", gap=2).blocks[1] == Block(
        ((Word(("b",), ("b",)),),), (0,), least=0, most=2
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no word"),
        ("* ? *", "no word"),
        ("?!.", "no word"),
        ("|", "no word"),
        ("a " * (MAX_ELEMENTS + 1), "more than 32"),
        ("? " * 40 + "a", "more than 32"),
        ("а" * 1001, "1001 characters"),
        ("a*b*c*d*e*f", "stars"),
        ("что-то|как", "single words"),
    ],
)
def test_what_cannot_be_looked_for_is_refused(text, message):
    with pytest.raises(PatternError, match=message):
        parse_pattern(text)


@given(st.text(max_size=60) | st.text("аӏ1|!*? -\u0301щß", max_size=30), st.booleans())
def test_any_text_is_read_or_refused(text, known):
    try:
        pattern = parse_pattern(text, known=lambda parts: known)
    except PatternError:
        return
    for block in pattern.blocks:
        assert len(block.words) == len(block.offsets)
        for words in block.words:
            assert words and all(any(word.key) for word in words)
            assert all((len(word.key) == 1) == (len(word.written) == 1) for word in words)
