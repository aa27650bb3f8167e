"""The forms of a text: properties on any text, cases that people write, and real writings."""

from __future__ import annotations

import csv
import unicodedata
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.text.forms import (
    PALOCHKA,
    fold_palochka,
    fold_twins,
    loose_key,
    model_input,
    search_key,
    stored_form,
    words,
)

# Letters, look-alikes, twins, digits and signs in the mixtures that make folding hard.
MIXED = st.text(alphabet="кщэуыьъТцШӏӀIiLl1|!іІıİabcxXyVMC039 -.,нрд\u00ad\u0301\n", max_size=30)
ANY_TEXT = st.one_of(st.text(max_size=60), MIXED)

SPELLINGS = ["ӏ", "Ӏ", "I", "i", "l", "1", "|", "!", "І", "і"]


@given(ANY_TEXT)
def test_keys_are_idempotent(text):
    key = search_key(text)
    assert search_key(key) == key
    loose = loose_key(text)
    assert loose_key(loose) == loose


@given(ANY_TEXT)
def test_stored_form_is_idempotent_and_keeps_every_letter(text):
    stored = stored_form(text)
    assert stored_form(stored) == stored
    assert stored == unicodedata.normalize("NFC", text).strip()


@given(ANY_TEXT)
def test_palochka_folding_is_idempotent_and_keeps_the_length(text):
    folded = fold_palochka(text)
    assert fold_palochka(folded) == folded
    assert len(folded) == len(text)


@given(ANY_TEXT)
def test_twin_folding_is_idempotent_and_keeps_the_length(text):
    folded = fold_twins(text)
    assert fold_twins(folded) == folded
    assert len(folded) == len(text)


@given(ANY_TEXT)
def test_a_key_has_no_capital_no_invisible_and_no_double_space(text):
    key = search_key(text)
    assert key == key.strip()
    assert "  " not in key
    assert not any(char in key for char in "\u00ad\u200b\ufeff\u04c0")
    assert PALOCHKA not in loose_key(text)


@given(st.text(alphabet=st.characters(max_codepoint=0x24F), max_size=40))
def test_latin_text_numbers_and_roman_numerals_are_untouched(text):
    assert fold_palochka(text) == text
    assert fold_twins(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "1941", "11-нэ", "II-нэ илъэс", "XIX век", "XIXм", "в 1 классе", "1а класс", "1кг",
        "Windowsым", "COVIDым", "USB-флешкэ", "I love it", "да|нет", "Дэгъущ!", "Сыт?!", "№1",
        "2,1 м", "А-1", "кв. 1", "пункт 11а",
    ],
)  # fmt: skip
def test_what_is_no_palochka_stays(text):
    assert fold_palochka(text) == text
    assert PALOCHKA not in search_key(text)


@pytest.mark.parametrize("letter", SPELLINGS)
@pytest.mark.parametrize(
    "pattern", ["щ{}алэ", "к{}уэнщ", "{}эщ", "{}уэху", "е{}э", "Л{}ыр, ф{}ыщ", "жыхуе{}эр"]
)
def test_every_spelling_inside_a_word_gives_one_key(letter, pattern):
    assert search_key(pattern.format(*[letter] * 2)) == pattern.format("ӏ", "ӏ").casefold()


@pytest.mark.parametrize("letter", [s for s in SPELLINGS if s != "!"])
def test_a_palochka_may_end_a_word(letter):
    assert search_key(f"мыщ{letter} нэщ{letter}") == "мыщӏ нэщӏ"


def test_an_exclamation_mark_ends_a_word_unless_the_text_writes_palochkas_so():
    assert search_key("Ар дэгъущ!") == "ар дэгъущ!"
    assert search_key("к!эщ! зи!э") == "кӏэщӏ зиӏэ"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Къэк\u00adӏуащ", "къэкӏуащ"),
        ("къэ-\nкӏуащ", "къэкӏуащ"),
        ("нэхъ-нэхъ", "нэхъ-нэхъ"),
        ("я\u0301 люблю\u0301", "я люблю"),
        ("«Адыгэ псалъэ»", '"адыгэ псалъэ"'),
        ("Бзу — къуалэбзущ…", "бзу - къуалэбзущ..."),
        ("а  б\u00a0в", "а б в"),
        ("cыт хуэдэ", "сыт хуэдэ"),
        ("IŞIK İş ışık", "işik iş işik"),
        ("IXİЀ", "ӏхӏѐ"),
        ("Ёлка", "ёлка"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_search_keys(text, key):
    assert search_key(text) == key


def test_loose_keys_forgive_what_people_leave_out():
    assert loose_key("щӏэныгъэ") == loose_key("щэныгъэ") == "щэныгъэ"
    assert loose_key("Ещё") == "еще"
    assert loose_key("Où êtes-vous ?") == "ou etes-vous ?"


@given(ANY_TEXT)
def test_loose_key_of_a_key_is_the_loose_key_of_the_text(text):
    assert loose_key(search_key(text)) == loose_key(text)


def test_model_input_keeps_case_and_takes_the_letter_asked_for():
    assert model_input("Щ1алэр  к|уащ") == "ЩIалэр кIуащ"
    assert model_input("ЩӀАЛЭ", palochka="ӏ") == "ЩӏАЛЭ"
    assert model_input("XIX лӏэщӏыгъуэ") == "XIX лIэщIыгъуэ"


@given(MIXED)
def test_model_input_is_idempotent_in_the_palochka_asked_for(text):
    once = model_input(text, palochka=PALOCHKA)
    assert model_input(once, palochka=PALOCHKA) == once


def test_words_are_runs_of_letters_and_digits():
    assert words("нэхъ-нэхъ, 2 щӏалэ!") == ["нэхъ", "нэхъ", "2", "щӏалэ"]
    assert words("") == []


def test_real_writings_of_a_sentence_have_one_key(shared_data):
    """Every spelling in messy_palochka.tsv; without any palochka only the loose key can agree."""
    writings: dict[str, dict[str, str]] = defaultdict(dict)
    with open(shared_data / "corpus/messy_palochka.tsv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["lang"] == "kbd":
                writings[row["group"]][row["origin"].rsplit(":", 1)[1]] = row["text"]
    full = {group: w for group, w in writings.items() if len(w) > 1}
    assert len(full) == 100
    for group, variants in full.items():
        keys = {search_key(text) for name, text in variants.items() if name != "dropped"}
        assert len(keys) == 1, group
        assert len({loose_key(text) for text in variants.values()}) == 1, group
