"""Parts: of a segment that the memory has, and of a longer unit that is like the segment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.memory.lookup import look_up
from searchkbd.memory.parts import best_part, read_words
from searchkbd.memory.query import LookupOptions, Query
from searchkbd.text.segment import read_segment
from tests.memory.conftest import sentence

UNITS = [
    ("Где школа?", "Еджапӏэр дэнэ щыӏэ?"),
    ("завтра утром", "пщэдей пщэдджыжьым"),
    ("завтра", "пщэдей"),
    ("Мой брат вчера купил новую большую машину в городе.", "Си къуэшым машинэ къищэхуащ."),
    ("вода", "псы"),
]


@pytest.fixture(scope="module")
def reader(memory):
    return memory(
        *(
            sentence(f"{lang}{n}", lang, text, f"g{n}", "mt" if n == 4 else "o")
            for n, pair in enumerate(UNITS)
            for lang, text in zip(("ru", "kbd"), pair, strict=True)
        ),
        sentence("alone", "ru", "мы пойдём", "alone"),
    )


def matches(reader, segment, **options):
    options = LookupOptions(semantic=False, step_down=False, **options)
    return look_up(reader, None, [Query(segment)], "ru", "kbd", options=options)[0].matches


def parts(reader, segment, **options):
    found = matches(reader, segment, **options)
    assert {m.kind.value for m in found} <= {"part"}
    return [
        (segment[slice(*m.part.segment)], m.source[slice(*m.part.source)], m.quality)
        for m in found
    ]


def test_whole_units_within_a_segment(reader):
    segment = "Скажи, где ШКОЛА, и завтра утром мы пойдём туда вместе с моим братом."
    assert parts(reader, segment) == [
        ("где ШКОЛА", "Где школа?", 99),
        ("завтра утром", "завтра утром", 100),
    ]


def test_single_words_only_where_nothing_longer_is_known(reader):
    assert parts(reader, "Она придёт завтра домой") == [("завтра", "завтра", 100)]
    assert "завтра" not in [p[0] for p in parts(reader, "Она придёт завтра утром домой")]


def test_penalties_hold_for_parts(reader):
    segment = "Сегодня холодная вода везде"
    assert parts(reader, segment) == [("вода", "вода", 90)]
    assert parts(reader, segment, min_quality=91) == []
    assert [m.score.penalty for m in matches(reader, segment)] == [10]


def test_a_part_of_a_longer_unit(reader):
    assert parts(reader, "купил новую машину в городе", min_quality=70) == []
    assert parts(reader, "купил новую большую машину") == [
        ("купил новую большую машину", "купил новую большую машину", 100)
    ]
    found = matches(reader, "купила новую большую машину")[0]
    assert found.source[slice(*found.part.source)] == "купил новую большую машину"
    assert found.quality == 96 and found.score.edits == 1
    assert [(c.op, c.text) for c in found.diff][:2] == [("delete", "купил"), ("insert", "купила")]


def test_no_parts_beside_a_match_of_the_whole(reader):
    found = matches(reader, "Где школа")
    assert [m.kind.value for m in found] == ["fuzzy"] and found[0].part is None


def test_parts_can_be_left_out(reader):
    assert matches(reader, "купил новую большую машину", parts=False) == ()


def test_words_and_where_they_stand():
    text = "Сыхьэт 10-м, {name}, щ1алэ-ц1ык1у!"
    words = read_words(text)
    assert words.words == ("сыхьэт", "м", "щӏалэ", "цӏыкӏу")
    assert [text[start:end] for start, end in words.spans] == ["Сыхьэт", "м", "щ1алэ", "ц1ык1у"]


TEXTS = st.lists(
    st.sampled_from(["мы", "щ1алэ", "ß", "а́", "10", "%s", "-", ",", " ", "\u00ad"]), max_size=8
).map("".join)


@given(TEXTS)
def test_words_are_those_of_the_base_form(text):
    words = read_words(text)
    if words.words:
        assert words.base(0, len(words.words)) == read_segment(text).base
    assert all(0 <= start < end <= len(text) for start, end in words.spans)


def test_the_best_part_keeps_whole_words():
    longer = read_words("Он сказал: мой брат вернулся вчера.")
    assert best_part(read_words("брат вернулся"), longer) == (3, 5)
    assert best_part(read_words("вода холодная"), longer) is None
