"""Units: direct, through a third language, and the links of Tatoeba."""

from __future__ import annotations

import pytest

from searchkbd.memory.units import UnitFinder
from tests.memory.conftest import sentence


def found(reader, source_id, source="kbd", target="tr", **options):
    """(target id, ids of the path, points) of each unit of a source sentence."""
    (row,) = reader.connection.execute(
        "SELECT row FROM sentences WHERE id = ?", (source_id,)
    ).fetchone()
    units = UnitFinder(reader, source, target, **options).units([row])
    return [(u.target.id, [s.id for s in u.path], u.penalty) for u in units]


@pytest.fixture(scope="module")
def pivoted(memory):
    return memory(
        sentence("kbd", "kbd", "Еджапӏэр дэнэ щыӏэ?", "a"),
        sentence("ru-a", "ru", "Где школа?", "a"),
        sentence("en-a", "en", "Where is the school?", "a"),
        sentence("fr-a", "fr", "Où est l'école ?", "a"),
        sentence("ru-b", "ru", "ГДЕ ШКОЛА?", "b"),
        sentence("tr-b", "tr", "Okul nerede?", "b", "mt:x"),
        sentence("en-c", "en", "Where is the school?", "c"),
        sentence("tr-c", "tr", "Okul nerede acaba?", "c"),
        sentence("fr-d", "fr", "Où est l'école ?", "d"),
        sentence("tr-d", "tr", "Okul nerededir?", "d"),
        sentence("direct", "kbd", "Псыр щӏыӏэщ.", "e", "mt"),
        sentence("tr-e", "tr", "Su soğuk.", "e"),
        sentence("ru-e", "ru", "Вода холодная.", "e"),
        sentence("ru-f", "ru", "Вода холодная.", "f"),
        sentence("tr-f", "tr", "Su soğuktur.", "f"),
    )


def test_a_translation_in_the_group_needs_no_pivot(pivoted):
    assert found(pivoted, "direct") == [("tr-e", [], 10)]


def test_pivots_in_their_order(pivoted):
    by_russian = [("tr-b", ["kbd", "ru-a", "ru-b", "tr-b"], 15)]  # pivot 5 and mt 10
    assert found(pivoted, "kbd") == by_russian
    assert found(pivoted, "kbd", pivots=("en", "ru"))[0][0] == "tr-c"
    assert found(pivoted, "kbd", pivots=("fr",)) == [("tr-d", ["kbd", "fr-a", "fr-d", "tr-d"], 5)]
    assert found(pivoted, "kbd", pivots=("de",)) == []
    assert found(pivoted, "kbd", pivots=()) == []
    assert found(pivoted, "kbd", penalties=[("mt*", 0), ("pivot", 2)])[0][2] == 2


def test_the_pivot_goes_both_ways(pivoted):
    assert found(pivoted, "tr-b", "tr", "kbd") == [("kbd", ["tr-b", "ru-b", "ru-a", "kbd"], 15)]


def test_any_language_is_a_pivot_in_the_end(memory):
    reader = memory(
        sentence("kbd", "kbd", "Псыр щӏыӏэщ.", "a"),
        sentence("de-a", "de", "Das Wasser ist kalt.", "a"),
        sentence("de-b", "de", "Das Wasser ist kalt.", "b"),
        sentence("tr-b", "tr", "Su soğuk.", "b"),
    )
    assert [path for _, path, _ in found(reader, "kbd")] == [["kbd", "de-a", "de-b", "tr-b"]]


def test_each_unit_on_the_way_costs(memory):
    reader = memory(
        sentence("kbd", "kbd", "Псыр щӏыӏэщ.", "a", "mt"),
        sentence("ru-a", "ru", "Вода холодная.", "a"),
        sentence("ru-b", "ru", "Вода холодная.", "b"),
        sentence("tr-b", "tr", "Su soğuk.", "b", "x.po:fuzzy"),
        sentence("ru-c", "ru", "Вода холодная.", "c", "penalty-70"),
        sentence("tr-c", "tr", "su soğuk.", "c"),
    )
    # The same target by two ways is given by the cheaper one.
    assert found(reader, "kbd") == [("tr-b", ["kbd", "ru-a", "ru-b", "tr-b"], 5 + 10 + 15)]


def test_direct_links_of_tatoeba_are_worth_more(memory):
    def tatoeba(number, lang, text, *links):
        return sentence(
            f"tatoeba:{number}", lang, text, "tatoeba:1", "tatoeba",
            meta={"tatoeba": {"links": list(links)}},
        )  # fmt: skip

    reader = memory(
        tatoeba(1, "ru", "Вода холодная.", 2),
        tatoeba(2, "en", "The water is cold.", 1, 3),
        tatoeba(3, "tr", "Su soğuk.", 2),
        sentence("own", "ru", "Вода холодна.", "tatoeba:1"),
    )
    assert found(reader, "tatoeba:2", "en", "tr") == [("tatoeba:3", [], 0)]
    assert found(reader, "tatoeba:1", "ru", "tr") == [("tatoeba:3", [], 2)]
    assert found(reader, "own", "ru", "tr") == [("tatoeba:3", [], 0)]
