"""What makes a pair doubtful."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.mining.checks import in_wrong_language, is_copied, numbers, unusual_lengths
from searchkbd.text.forms import search_key


@pytest.mark.parametrize(
    ("a", "b", "copied"),
    [
        ("Интернет", "интернет", True),
        ("Сэ еджап1эм сок1уэ.", "Сэ еджапIэм сокIуэ.", True),
        ("The train was late today.", "The train was late, today!", True),
        ("Paris", "Pariş", False),  # too short to be judged by likeness
        ("Поезд сегодня опоздал.", "The train was late today.", False),
        ("Мы автобусыр дэнэ кIуэрэ?", "Куда идёт этот автобус?", False),
    ],
)
def test_copied(a, b, copied):
    assert is_copied(search_key(a), search_key(b)) is copied
    assert is_copied(search_key(b), search_key(a)) is copied


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("без чисел", ()),
        ("в 1941 году, 22 июня", ("1941", "22")),
        ("1,000 или 1.000 или 1 000", ("1000", "1000", "1000")),
        ("3,5 км", ("35",)), ("3.5 km", ("35",)),
        ("1 000,5", ("10005",)),
        ("07:05", ("5", "7")), ("0", ("0",)),
        ("2 3 4", ("2", "3", "4")),
        ("комнаты 12 345 и 5 1234", ("12345", "1234", "5")),
        ("1эщ, щ1алэ, к1уэрэ", ()),  # a palochka
        ("11-нэ классым", ("11",)),
    ],
)
def test_numbers(text, found):
    assert numbers(search_key(text)) == tuple(sorted(found))


@given(st.text("0123456789 .,'-:аыxyz1", max_size=30))
def test_numbers_are_digits_and_sorted(text):
    found = numbers(text)
    assert list(found) == sorted(found) and all(one.isdecimal() for one in found)
    assert all(one == "0" or one[0] != "0" for one in found)


@pytest.mark.parametrize(
    ("text", "lang", "wrong"),
    [
        ("Сегодня на улице очень холодно и ветрено.", "ru", False),
        ("Сегодня на улице очень холодно и ветрено.", "kbd", True),
        ("Мы автобусыр къалэкум макIуэ, нобэ щIыIэщ.", "kbd", False),
        ("Мы автобусыр къалэкум макIуэ, нобэ щIыIэщ.", "ru", True),
        ("The train was very late again this morning.", "de", True),
        ("Der Zug hatte heute Morgen wieder große Verspätung.", "de", False),
        ("Der Zug hatte heute Morgen wieder große Verspätung.", "en", True),
        ("The train was very late again this morning.", "und", False),
        ("машинэ", "ru", False),  # too short
    ],
)
def test_the_language(text, lang, wrong):
    assert in_wrong_language([text, "Ekmek sıcak."], [lang, "tr"]) == [wrong, False]


def lengths(pairs):
    pairs = np.array(pairs)
    return unusual_lengths(np.log(pairs[:, 0] / pairs[:, 1]), pairs.min(axis=1)).tolist()


def test_few_pairs_are_judged_by_their_ratio_alone():
    assert lengths([(30, 30), (100, 30), (130, 30), (30, 130)]) == [False, False, True, True]


def test_many_are_judged_by_what_is_usual():
    rng = np.random.default_rng(0)
    usual = [(int(n), 40) for n in rng.normal(60, 6, size=200)]
    found = lengths([*usual, (25, 40), (130, 40), (60, 40)])
    assert found[-3:] == [True, True, False] and sum(found[:-3]) <= 4
    # What is usual may be unequal: 4 to 1 is not judged against 1 to 1.
    assert not any(lengths([(80, 20)] * 40))


def test_short_texts_are_never_unusual():
    assert lengths([(9, 90), (10, 90)]) == [False, True]


def test_alike_lengths_do_not_make_a_word_more_unusual():
    assert lengths([*[(40, 40)] * 50, (46, 40), (80, 40)])[-2:] == [False, True]
