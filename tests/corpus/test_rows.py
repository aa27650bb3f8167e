"""What every format checks: texts, languages, ids, and the mending of texts."""

from __future__ import annotations

import unicodedata

import pytest

LONG = "id\tlang\ttext\tgroup\torigin\tpage\n"


@pytest.mark.parametrize("tag", ["kbd", "KBD", "kbd-Cyrl-RU", "kbd_RU"])
def test_a_language_has_one_code_however_it_is_tagged(read, tag):
    sentences, _ = read(f"lang\ttext\n{tag}\tДа\n {tag} \tнет\n")
    assert [s.lang for s in sentences] == ["kbd", "kbd"]


def test_an_unknown_language_is_told(read):
    sentences, rejects = read("lang\ttext\nqq-nonsense\tДа\nund\tНе знаю\nru\tНет\n\tПусто\n")
    assert [s.lang for s in sentences] == ["und", "ru"]
    assert [(r.place.line, r.kind) for r in rejects] == [
        (2, "unknown language"), (5, "no language"),
    ]  # fmt: skip


def test_the_language_of_the_row_comes_before_that_of_the_option(read):
    sentences, _ = read("lang\ttext\nru\tДа\n\tЕвет\n", lang="tr")
    assert [s.lang for s in sentences] == ["ru", "tr"]
    pairs, _ = read(
        "lang_a\tlang_b\ttext_a\ttext_b\n\t \tуэ\tты\nen\t\tyou\tтебя\n", langs=("kbd", "ru")
    )
    assert [s.lang for s in pairs] == ["kbd", "ru", "en", "ru"]


@pytest.mark.parametrize("text", ["", "   ", "…?!", "— —", "\u00ad", "\u0301"])
def test_a_text_without_a_letter_or_a_digit_is_told(read, text):
    sentences, rejects = read(f"lang\ttext\nru\t{text}\nru\t7\n")
    assert [s.text for s in sentences] == ["7"]
    assert [r.reason for r in rejects] == ["no text"]


@pytest.mark.parametrize("char", ["\x01", "\x08", "\x0b", "\x0c", "\x1b", "\x1c", "\x7f"])
def test_a_control_character_in_any_column_is_told(read, char):
    rows = [f"{char}\tru\tДа\t\t\t", f"2\tru\tД{char}а\t\t\t", f"3\tru\tДа\t\t\t{char}"]
    sentences, rejects = read(LONG + "\n".join(rows) + "\n")
    assert sentences == []
    assert [r.reason for r in rejects] == [f"control character: U+{ord(char):04X}"] * 3


@pytest.mark.parametrize("char", ["\u00ad", "\u00a0", "\u200b", "\u2028", "\u202f", "\ufffd"])
def test_other_invisible_characters_stay(read, char):
    sentences, _ = read(f"lang\ttext\nfr\tun{char}deux\n")
    assert sentences[0].text == f"un{char}deux"


def test_texts_are_in_stored_form(read):
    decomposed = unicodedata.normalize("NFD", "Йод ёлка")
    sentences, _ = read(f"lang\ttext\nru\t  {decomposed} \n")
    assert sentences[0].text == "Йод ёлка"


def test_a_text_that_is_too_long_is_told_by_its_beginning(read):
    sentences, rejects = read(f"lang\ttext\nru\t{'я' * 2_000_000}\nru\t{'ы' * 20_000}\n")
    assert [len(s.text) for s in sentences] == [20_000]
    assert [(r.place.line, r.reason) for r in rejects] == [(2, "text too long: 2000000 characters")]
    assert rejects[0].raw == ("ru\t" + "я" * 500)[:500]


@pytest.mark.parametrize("column", ["id", "group", "origin", "page"])
def test_other_cells_are_bounded_too(read, column):
    cells = {"id": "1", "lang": "ru", "text": "Да", "group": "", "origin": "", "page": ""}
    row = "\t".join({**cells, column: "x" * 30_000}.values())
    sentences, rejects = read(LONG + row + "\n")
    assert (sentences, [r.kind for r in rejects]) == ([], ["field too long"])


def test_mojibake_is_repaired_unless_told_otherwise(read):
    damaged = "Гъуэгу махуэ".encode().decode("mac_roman")
    content = f"lang\ttext\nkbd\t{damaged}\nkbd\tГъуэгу махуэ\n"
    sentences, _ = read(content)
    assert [(s.text, s.repaired) for s in sentences] == [
        ("Гъуэгу махуэ", True), ("Гъуэгу махуэ", False),
    ]  # fmt: skip
    sentences, _ = read(content, repair=False)
    assert [(s.text, s.repaired) for s in sentences] == [
        (damaged, False), ("Гъуэгу махуэ", False),
    ]  # fmt: skip


def test_a_no_break_space_at_the_end_that_is_half_a_letter_is_not_stripped(read):
    damaged = "Шоферыр КЪУЭКӀЫПӀЭ ЛЪАГЪУЭР".encode().decode("cp1251")
    assert damaged.endswith("\u00a0")
    sentences, _ = read(f"lang\ttext\nkbd\t{damaged}\n")
    assert sentences[0].text == "Шоферыр КЪУЭКӀЫПӀЭ ЛЪАГЪУЭР"


def test_missing_ids_groups_and_origins(read):
    sentences, _ = read("lang\ttext\nru\tРаз\nru\tДва\n", name="числа.tsv", origin="счёт")
    assert [(s.id, s.origin) for s in sentences] == [
        ("числа.tsv:2", "счёт"), ("числа.tsv:3", "счёт"),
    ]  # fmt: skip
    assert len({s.group for s in sentences}) == 2
    grouped, _ = read("id\tlang\ttext\torigin\nx\tru\tРаз\tсам\n", origin="счёт")
    assert [(s.id, s.origin) for s in grouped] == [("x", "сам")]


def test_a_hundred_thousand_duplicates_all_come(read):
    sentences, rejects = read("lang\ttext\n" + "ru\tОпять одно и то же.\n" * 100_000)
    assert (len(sentences), rejects) == (100_000, [])
    assert len({s.id for s in sentences}) == 100_000
