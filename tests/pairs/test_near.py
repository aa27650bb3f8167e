"""Near duplicates of pairs: what is found, and how many are missed."""

from __future__ import annotations

import random

import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from searchkbd.pairs.near import near_duplicates
from searchkbd.pairs.table import PairTable
from searchkbd.text.forms import search_key

LONG_A = "Сегодня утром поезд опоздал на целый час из-за снега на путях"
LONG_B = "This morning the train was a whole hour late because of snow on the tracks"


@pytest.fixture
def dropped(make_pair):
    """dropped(pairs, least): the numbers of those that are near to one before them."""

    def dropped(pairs, least=0.9, rows=None):
        with PairTable() as table:
            for texts in pairs:
                pair = make_pair(*texts, langs=("ru", "en"))
                table.add(pair, *map(search_key, texts))
            rows = np.arange(len(pairs)) if rows is None else np.array(rows)
            return near_duplicates(table, rows, least)

    return dropped


def test_both_sides_must_be_near(dropped):
    pairs = [
        (LONG_A, LONG_B), (LONG_A.replace("утром", "утрам"), LONG_B + "!"),
        (LONG_A, "Something else altogether, which nobody expects to stand here at all, does"),
        (LONG_A + "?", LONG_B), (LONG_A + " 5", LONG_B + " 5"), (LONG_A + " 6", LONG_B + " 6"),
    ]  # fmt: skip
    assert dropped(pairs) == [1]
    assert dropped(pairs, rows=[1, 0, 2]) == [0]
    assert dropped(pairs, least=0.99) == []


def test_none_that_is_kept_is_near_to_another_and_no_chain_drops_what_is_not_near(dropped):
    words = LONG_A.split()
    chain = []
    for at in range(len(words)):
        chain.append((" ".join(words), LONG_B))
        words[at] = "ы" * len(words[at])
    gone = dropped(chain, 0.85)
    kept = [at for at in range(len(chain)) if at not in gone]
    for at in range(len(chain)):
        near = [
            other for other in kept if other < at
            and Levenshtein.normalized_similarity(*(
                search_key(chain[n][0]).replace("-", " ") for n in (at, other)
            )) >= 0.85
        ]  # fmt: skip
        assert (at in gone) == bool(near)


def test_few_are_missed(dropped):
    random.seed(1)
    letters = "абвгдежзиклмнопрст"

    def words(n):
        return " ".join("".join(random.choices(letters, k=6)) for _ in range(n))

    pairs = []
    for _ in range(500):
        a, b = words(7), words(7)
        pairs.append((a, b))
        for text in (a, b):  # five edits in a hundred letters, as far apart as can be
            assert len(text) == 48
        pairs.append(tuple(_edited(text, (9, 28)) for text in (a, b)))
    found = dropped(pairs, 0.9)
    assert set(found) <= set(range(1, 1000, 2))
    assert len(found) >= 497


def _edited(text, places):
    for at in places:
        text = text[:at] + "щ" + text[at + 1 :]
    return text


def test_nothing_is_near_to_nothing(dropped):
    assert dropped([]) == []
