"""Units of files, and the pairs in them."""

from __future__ import annotations

import pytest

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import CorpusError
from searchkbd.mining.units import pairs_of, read_units

SENTENCE = ("id", "lang", "text", "group")


def units(paths, rejects, **options):
    found = read_units(paths, ReadOptions(**options), on_reject=rejects.append)
    return [tuple(s.text for s in unit) for unit in found]


def test_rows_of_pairs(pairs_file, rejects):
    found = units([pairs_file], rejects)
    assert len(found) == 5 and found[0] == ("Псыр щIыIэщ.", "Вода холодная.") and not rejects


def test_a_row_is_a_unit_even_if_it_has_a_group(table, rejects):
    head = ("lang_a", "lang_b", "text_a", "text_b", "group")
    rows = [("ru", "en", "Вода.", "Water.", "g"), ("ru", "en", "Хлеб.", "Bread.", "g")]
    assert units([table("x.tsv", rows, head)], rejects) == [r[2:4] for r in rows]


def test_a_group_goes_on_in_other_rows_and_files(table, rejects):
    one = table("a.tsv", [("1", "ru", "Вода.", "g"), ("2", "ru", "Хлеб.", "h")], SENTENCE)
    other = table("b.tsv", [("3", "en", "Water.", "g")], SENTENCE)
    assert units([one, other], rejects) == [("Вода.", "Water."), ("Хлеб.",)]


def test_sentences_without_groups_are_units_of_their_own(write, rejects):
    file = write("x.txt", "Вода.\nВода.\nХлеб.\n")
    assert units([file], rejects, lang="ru") == [("Вода.",), ("Вода.",), ("Хлеб.",)]


def test_bad_rows_are_told_and_the_rest_goes_on(table, rejects):
    rows = [("ru", "en", "Вода.", "..."), ("ru", "en", "Хлеб.", "Bread."), ("ru", "en", "Снег.")]
    found = units([table("x.tsv", rows)], rejects)
    assert found == [("Вода.",), ("Хлеб.", "Bread.")]
    assert [(r.place.line, r.kind) for r in rejects] == [(2, "no text"), (4, "wrong column count")]


def pairs(path, rejects, **options):
    found = read_units([path], ReadOptions(**options), on_reject=rejects.append)
    return [(a.lang, b.lang) for unit in found for a, b in pairs_of(unit, rejects.append)]


def test_a_pair_is_as_the_row_has_it_and_a_group_in_our_order(table, rejects):
    assert pairs(table("x.tsv", [("en", "kbd", "Water.", "Псыр.")]), rejects) == [("en", "kbd")]
    rows = [("1", "tr", "Su.", "g"), ("2", "de", "Wasser.", "g"), ("3", "kbd", "Псы.", "g")]
    found = pairs(table("y.tsv", rows, SENTENCE), rejects)
    assert found == [("kbd", "tr"), ("kbd", "de"), ("tr", "de")] and not rejects


def test_whoever_has_no_partner_is_told(table, rejects):
    rows = [("1", "ru", "Вода.", "g"), ("2", "ru", "Водичка.", "g"), ("3", "en", "Bread.", "h")]
    assert pairs(table("x.tsv", rows, SENTENCE), rejects) == []
    assert [r.place.line for r in rejects] == [2, 3, 4]
    assert {r.kind for r in rejects} == {"no translation"}


def test_an_empty_file(write, rejects):
    with pytest.raises(CorpusError, match="is empty"):
        units([write("x.tsv", "")], rejects)
