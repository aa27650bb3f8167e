"""Which units are exported, and which of their sentences."""

from __future__ import annotations

import sqlite3

import pytest

from searchkbd.export.options import ExportError, Filters
from searchkbd.export.units import units
from searchkbd.index.reader import IndexReader
from tests.index.helpers import reseal_sentences


def exported(index, **filters) -> dict[str, list[str]]:
    """Return the ids of the sentences of each unit, by group, in order."""
    with IndexReader(index) as reader:
        return {
            unit.group: [sentence.id for sentence in unit.sentences]
            for unit in units(reader, Filters(**filters))
        }


ALL = {"water": ["w-kbd", "w-ru", "w-en"], "bread": ["b-kbd", "b-ru"], "train": ["t-ru", "t-en"]}


def test_all_units_in_the_order_in_which_they_were_added(table_index):
    found = exported(table_index)
    assert found == ALL and list(found) == list(ALL)


def test_one_language_keeps_the_whole_unit_and_two_only_theirs(table_index):
    assert exported(table_index, source="kbd") == {k: ALL[k] for k in ("water", "bread")}
    assert exported(table_index, target="en") == {k: ALL[k] for k in ("water", "train")}
    assert exported(table_index, source="en", target="ru") == {
        "water": ["w-ru", "w-en"], "train": ["t-ru", "t-en"],
    }  # fmt: skip


def test_origins_are_patterns_of_sentences(table_index):
    assert exported(table_index, origins=("home:*",)) == {
        "water": ["w-kbd", "w-ru"], "bread": ["b-ru"],
    }  # fmt: skip
    assert exported(table_index, origins=("home:*", "roa?")) == {
        "water": ["w-kbd", "w-ru"], "bread": ["b-ru"], "train": ["t-ru", "t-en"],
    }  # fmt: skip
    assert exported(table_index, origins=("HOME:*",)) == {}
    # A pair of which one half is from elsewhere is none.
    assert exported(table_index, origins=("home:*",), source="kbd", target="ru") == {
        "water": ["w-kbd", "w-ru"]
    }


def test_every_word_of_a_query_is_in_one_sentence(table_index):
    assert exported(table_index, query="вода") == {"water": ALL["water"]}
    assert exported(table_index, query="late TRAIN") == {"train": ALL["train"]}
    assert exported(table_index, query="вода cold") == {}  # of two sentences
    assert exported(table_index, query="хуаб") == {"bread": ALL["bread"]}  # inside a word
    for spelling in ("щIыIэщ", "щӏыӏэщ", "щ1ы1эщ", "ЩӀЫӀЭЩ"):
        assert exported(table_index, query=spelling) == {"water": ALL["water"]}
    # The sentence that has it must be among those exported.
    assert exported(table_index, query="cold", source="kbd", target="ru") == {}


def test_groups_and_ids(table_index):
    assert exported(table_index, groups=("train",)) == {"train": ALL["train"]}
    assert exported(table_index, ids=("w-en", "b-ru")) == {k: ALL[k] for k in ("water", "bread")}
    assert exported(table_index, ids=("w-en",), groups=("train",), source="kbd") == {
        "water": ALL["water"]
    }


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"groups": ("tea",)}, "no group 'tea'"),
        ({"ids": ("x",)}, "no sentence with the id 'x'"),
        ({"query": "?!"}, "no letter or digit"),
    ],
)
def test_filters_that_cannot_be(table_index, filters, said):
    with pytest.raises(ExportError, match=said.replace("?", r"\?")):
        exported(table_index, **filters)


def test_dates_of_the_units_last_change(table_index):
    dates = {"w-en": "2025-03-01T12:00:00Z", "t-ru": "2026-01-31T23:59:59Z"}
    connection = sqlite3.connect(table_index / "index.db")
    with connection:
        connection.execute("UPDATE sentences SET date = '2024-01-01T00:00:00Z'")
        for id_, date in dates.items():
            connection.execute("UPDATE sentences SET date = ? WHERE id = ?", (date, id_))
    connection.close()
    reseal_sentences(table_index)
    assert list(exported(table_index, since="2025-03-01")) == ["water", "train"]
    assert list(exported(table_index, since="2025-03-01T12:00:01Z")) == ["train"]
    assert list(exported(table_index, since="2025-03-01", until="2025-03-01")) == ["water"]
    assert list(exported(table_index, since="2026-01-31", until="2026-01-31T23:59:58Z")) == []
    assert list(exported(table_index, since="2026-01-31", until="2026-01-31")) == ["train"]
    assert list(exported(table_index, until="2024-12-31")) == list(ALL)
    # The date must be that of a sentence that is exported.
    assert exported(table_index, since="2025-03-01", source="kbd", target="ru") == {}


def test_progress_counts_sentences(table_index):
    seen = []
    with IndexReader(table_index) as reader:
        list(units(reader, Filters(), lambda done, total: seen.append((done, total))))
    assert seen == [(0, 7)]
