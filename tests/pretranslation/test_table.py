"""Tables: the column that is filled or added, and cells that stay as they are written."""

from __future__ import annotations

import csv
import io

import pytest

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import CorpusError

WATER, BREAD = "Псыр щӏыӏэщ.", "Щакхъуэр хуабэщ."


def rows(text: str, delimiter: str = "\t") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def test_columns_called_by_their_languages(fill):
    table = "id\ten\tkbd\n1\tThe water is cold.\t\n2\tOld\tЖьы\n3\tNothing like it\t\n"
    done = fill(table, "a.tsv")
    assert rows(done.text) == [
        ["id", "en", "kbd", "match", "quality"],
        ["1", "The water is cold.", WATER, "exact", "100"],
        ["2", "Old", "Жьы", "", ""],
        ["3", "Nothing like it", "", "", ""],
    ]
    assert (done.summary.source, done.summary.kept, done.row("none")) == ("en", 1, 1)


def test_a_column_is_added_when_there_is_none(fill):
    done = fill("en\nThe water is cold.\n", "a.tsv")
    assert rows(done.text)[0] == ["en", "kbd", "match", "quality"]
    done = fill("source\nThe bread is warm.\n", "a.tsv", source="en")
    assert rows(done.text) == [
        ["source", "target", "match", "quality"],
        ["The bread is warm.", BREAD, "exact", "90"],
    ]


def test_filling_again_uses_the_same_columns(fill):
    first = fill("en\nThe water is cold.\nThe water is very cold.\n", "a.tsv")
    assert fill(first.data, "b.tsv").data == first.data
    second = rows(fill(first.data, "b.tsv", min_quality=70).text)
    assert second[0] == ["en", "kbd", "match", "quality"]
    assert [row[2:] for row in second[1:]] == [["exact", "100"], ["fuzzy", "77"]]


def test_cells_of_csv_stay_as_they_are_written(fill):
    text = (
        '\ufeff# made by hand\r\n"text_a", text_b;x,note\r\n'
        '"The water\r\nis cold.",, "n"\r\n\r\n'
        'The bread is warm.,"",5" x 6"\r\n"a ""quoted"" one",т,\r\n"open,x,y\r\n'
    ).replace(" text_b;x", "text_b").replace(' "n"', '"n"')  # fmt: skip
    done = fill(text, "a.csv", source="en")
    assert done.text == (
        '\ufeff# made by hand\r\n"text_a",text_b,note,match,quality\r\n'
        f'"The water\r\nis cold.",{WATER},"n",exact,100\r\n\r\n'
        f'The bread is warm.,{BREAD},5" x 6",exact,90\r\n"a ""quoted"" one",т,,,\r\n"open,x,y\r\n'
    )
    assert [(r.place.line, r.kind) for r in done.rejects] == [(8, "bad quoting")]


def test_a_translation_is_quoted_where_it_must_be(fill):
    done = fill("en;ru\nPress the red key now.;\n", "a.csv", target="ru")
    assert rows(done.text, ";")[1][1] == "Сейчас нажмите красную клавишу."
    spaced = fill('en,ru\n"Cold and rainy day\n",\n', "a.csv", target="ru")
    assert rows(spaced.text, ",")[1][1] == "Холодный и дождливый день\n"


def test_columns_by_name_and_by_number(fill):
    named = ReadOptions(columns={"text_a": "English", "text_b": "Адыгэбзэ"})
    done = fill("Адыгэбзэ\tEnglish\n\tThe water is cold.\n", "a.tsv", source="en", reading=named)
    assert rows(done.text)[1][:2] == [WATER, "The water is cold."]
    numbered = ReadOptions(columns={"en": "2", "kbd": "1"})
    done = fill("\tThe water is cold.\n", "a.tsv", source="en", reading=numbered)
    assert rows(done.text) == [[WATER, "The water is cold.", "exact", "100"]]


def test_rows_in_other_languages_are_left(fill):
    text = "lang\ttext\nen\tThe water is cold.\nru\tThe water is cold.\n"
    done = fill(text, "a.tsv", source="en")
    assert [row[2:] for row in rows(done.text)[1:]] == [[WATER, "exact", "100"], ["", "", ""]]


def test_rows_that_cannot_be_read_are_told_and_stay(fill):
    text = "en\tkbd\nThe water is cold.\t\nThe water is cold.\n"
    text += "caf\udce9\t\n\0x\t\n\nIt is raining.\t"
    done = fill(text.encode("utf-8", "surrogateescape"), "a.tsv")
    lines = done.data.split(b"\n")
    assert lines[2:5] == [b"The water is cold.", b"caf\xe9\t", b"\0x\t"]
    assert [(r.place.line, r.kind) for r in done.rejects] == [
        (3, "wrong column count"), (4, "not UTF-8"), (5, "NUL byte"),
    ]  # fmt: skip
    assert lines[6].decode() == "It is raining.\tУэшх къошх.\texact\t100"


def test_utf_16_becomes_utf_8(fill):
    done = fill("en\nThe water is cold.\n".encode("utf-16"), "a.tsv")
    assert rows(done.text)[1][1] == WATER


@pytest.mark.parametrize(
    ("header", "source", "said"),
    [
        ("en\tru\tkbd", None, "--from LANG"),
        ("a\tb", "en", "--column text_a=NAME"),
        ("text", None, "--from LANG"),
        ("kbd", None, "no column with texts"),
        ("", "en", "no column with texts"),
    ],
)
def test_what_does_not_say_where_the_texts_are(fill, header, source, said):
    with pytest.raises(CorpusError, match=said):
        fill(f"{header}\nx\ty\tz\n", "a.tsv", source=source)


@pytest.mark.parametrize(
    "columns", [{"nobody": "en"}, {"text_a": "missing"}, {"text_a": "en", "text_b": "en"}]
)
def test_columns_that_are_not_there(fill, columns):
    with pytest.raises(CorpusError, match="column"):
        fill("en\nx\n", "a.tsv", source="en", reading=ReadOptions(columns=columns))
