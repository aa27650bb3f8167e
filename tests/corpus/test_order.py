"""What stands before and after a sentence in its document."""

from __future__ import annotations

from searchkbd.corpus.order import with_neighbours
from searchkbd.corpus.rows import UNIDENTIFIED
from searchkbd.corpus.sentence import Place, Reject, Sentence

PLACE = Place("f", 1)


def s(lang: str, text: str, **said: str) -> Sentence:
    return Sentence(text, lang, text, "", "o", None, PLACE, **said)


def around(*units):
    return {
        item.text: (item.previous, item.next)
        for item in with_neighbours(units)
        if isinstance(item, Sentence)
    }


def test_neighbours_are_those_of_the_language():
    found = around([s("ru", "раз"), s("en", "one")], [s("ru", "два")], [s("ru", "три")])
    assert found == {
        "раз": ("", "два"), "one": ("", None), "два": ("раз", "три"), "три": ("два", ""),
    }  # fmt: skip


def test_the_nearest_of_several_counts():
    found = around([s("ru", "а"), s("ru", "б")], [s("ru", "в")], [s("ru", "г"), s("ru", "д")])
    assert found["в"] == ("б", "г")


def test_rejects_come_in_their_order_and_hide_a_neighbour():
    reject = Reject(PLACE, "no text", "")
    items = list(with_neighbours([[s("ru", "раз")], [reject], [s("ru", "три")]]))
    assert items[1] is reject
    assert [items[0].next, items[2].previous] == [None, None]


def test_empty_units_do_not_count():
    assert around([], [s("ru", "раз")], [], [s("ru", "два")], []) == {
        "раз": ("", "два"), "два": ("раз", ""),
    }  # fmt: skip
    assert around() == around([]) == {}


def test_what_a_sentence_says_itself_is_kept():
    found = around([s("ru", "раз", next="сам")], [s("ru", "два", previous="")])
    assert found == {"раз": ("", "сам"), "два": ("", "")}


def test_a_text_of_no_known_language_has_no_neighbours():
    assert around([s(UNIDENTIFIED, "раз")], [s(UNIDENTIFIED, "iki")])["раз"] == (None, None)


def test_three_units_are_held_at_a_time():
    taken = 0

    def units():
        nonlocal taken
        for number in range(100):
            taken += 1
            yield [s("ru", str(number))]

    for number, _ in enumerate(with_neighbours(units())):
        assert taken <= number + 2
