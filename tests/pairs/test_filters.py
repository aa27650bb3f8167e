"""Which pairs are left out, and for which reason."""

from __future__ import annotations

import numpy as np
import pytest

from searchkbd.pairs import filters
from searchkbd.pairs.filters import REASONS, fill, left_out
from searchkbd.pairs.options import FLAGS, PrepareOptions
from searchkbd.pairs.table import PairTable

RU_EN = ("ru", "en")
SENTENCE = ("Сегодня утром поезд опоздал на час", "The train was an hour late this morning")


@pytest.fixture
def reasons():
    """reasons(pairs, *steps, **options): the reason of each pair after these steps."""

    def reasons(pairs, *steps, **options):
        options = {"drop": frozenset(), **options}
        with PairTable() as table:
            found = fill(table, pairs, PrepareOptions(**options))
            for step in steps:
                step(table, found)
            assert len(list(left_out(table, found))) == np.count_nonzero(found)
            return [REASONS[code] for code in found]

    return reasons


def test_words(reasons, make_pair):
    pairs = [make_pair("унэ", "дом"), make_pair("Псыр щIыIэщ", "Вода холодная"),
             make_pair("псы", "Вода — это вода")]  # fmt: skip
    assert reasons(pairs, min_words=2) == ["words", "", "words"]
    assert reasons(pairs, max_words=2) == ["", "", "words"]
    assert reasons(pairs) == ["", "", ""]


def test_flags_of_a_single_pair(reasons, make_pair):
    pairs = [
        make_pair("Налшык", "налшык"), make_pair(*SENTENCE[::-1], langs=RU_EN),
        make_pair("в 5 часов", "at 6 o'clock", langs=RU_EN), make_pair(*SENTENCE, langs=RU_EN),
    ]  # fmt: skip
    assert reasons(pairs, drop=frozenset(FLAGS)) == ["copied", "language", "numbers", ""]
    assert reasons(pairs, drop=frozenset({"language"})) == ["", "language", "", ""]


def test_unusual_lengths_are_told_by_their_own_languages(reasons, make_pair):
    pairs = [make_pair("Вода холодная " * 6, "It is cold water", langs=RU_EN)]
    pairs += [make_pair(f"Псыр щIыIэщ {n}", f"Вода холодная {n}") for n in range(3)]
    assert reasons(pairs, filters.flag_lengths) == ["length", "", "", ""]


def test_duplicates_have_the_same_search_keys_and_those_by_people_are_kept(reasons, make_pair):
    pairs = [
        make_pair("Псыр щIыIэщ", "Вода холодная", machine=True),
        make_pair("псыр щ1ыӏэщ", "вода  Холодная"), make_pair("ПСЫР ЩӀЫӀЭЩ", "вода холодная"),
        make_pair("Псыр щIыIэщ", "Вода холодная", langs=("kbd", "en")),
        make_pair("Псыр щIыIэщ", "Вода холодна"), make_pair("псы", "вода"),
    ]  # fmt: skip
    assert reasons(pairs, filters.flag_duplicates) == ["duplicate", "", "duplicate", "", "", ""]


@pytest.mark.parametrize("most", [1, 2])
def test_a_text_is_in_so_many_pairs_of_two_languages_at_most(reasons, make_pair, most):
    pairs = [make_pair(f"псы {n}", "вода") for n in "абвг"]
    pairs += [make_pair("псы а", "water", langs=("kbd", "en"))]
    found = reasons(pairs, lambda *both: filters.flag_repeated(*both, most))
    assert found == [""] * most + ["target"] * (4 - most) + [""]


def test_no_pairs(reasons):
    assert reasons([], filters.flag_lengths, filters.flag_duplicates) == []
