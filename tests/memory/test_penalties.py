"""Penalties: by the name of an origin, by what was said when it was added, by the user."""

from __future__ import annotations

import pytest

from searchkbd.index.reader import StoredSentence
from searchkbd.memory.penalties import penalty_of, pivot_penalty, unit_penalty
from searchkbd.memory.quality import Term


def stored(origin: str, penalty: int | None = None) -> StoredSentence:
    return StoredSentence(
        row=1, id="a", lang="ru", text="да", key="да", group="g", group_row=1, origin=origin,
        penalty=penalty, markup=None, context=None, previous_hash=None, next_hash=None,
        date="2026-11-24T00:00:00Z", meta={}, unit={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("mt", Term("mt", 10)),
        ("mt:nllb", Term("mt", 10)),
        ("mt-nllb", Term("mt", 10)),
        ("mt/nllb", Term("mt", 10)),
        ("mtx", None),
        ("human", None),
        ("book.po:fuzzy", Term("fuzzy", 15)),
        ("tm/penalty-20/old.tmx", Term("penalty-20", 20)),
        ("penalty-7", Term("penalty-7", 7)),
        ("penalty-0", None),
        ("tm/penalty-999/x", Term("penalty-999", 100)),
        ("tm/penalty-20x/old.tmx", None),
        ("mt:tm/penalty-20/old.po:fuzzy", Term("penalty-20", 20)),
    ],
)
def test_by_name(origin, expected):
    assert penalty_of(stored(origin), ()) == expected


def test_what_was_said_of_the_file_holds_before_its_name_and_the_user_before_that():
    assert penalty_of(stored("mt:x", 3), ()) == Term("mt", 3)
    assert penalty_of(stored("mt:x", 0), ()) is None
    assert penalty_of(stored("old.tmx", 3), ()) == Term("old.tmx", 3)
    assert penalty_of(stored("old.tmx", 3), [("old*", 8)]) == Term("old.tmx", 8)
    assert penalty_of(stored("mt:x"), [("*", 8), ("mt*", 0)]) is None
    assert penalty_of(stored("mt:x"), [("mt*", 0), ("*", 8)]) == Term("mt", 8)


def test_a_unit_loses_the_largest_of_its_sentences():
    sentences = [stored("mt"), stored("a.po:fuzzy"), stored("human")]
    assert unit_penalty(sentences, ()) == Term("fuzzy", 15)
    assert unit_penalty([stored("human")], ()) is None


def test_the_pivot():
    assert pivot_penalty(()) == Term("pivot", 5)
    assert pivot_penalty([("pivot", 1)]) == Term("pivot", 1)
    assert pivot_penalty([("pivot", 0)]) is None
