"""Rows out: what a table and JSON Lines hold, and that a file is whole or not there."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError, Place, Sentence
from searchkbd.mining.rows import (
    MAX_COLUMNS,
    PAIR_COLUMNS,
    Columns,
    check_output,
    pair_record,
    sentence_record,
    write_rows,
)


def sentence(lang="kbd", text="Псыр щIыIэщ.", *, id="x:1", group="auto:1", meta=None, own=False):
    return Sentence(id, lang, text, group, "x", meta, Place("x", 1), own_id=own)


def test_the_row_of_a_pair():
    a, b = sentence(), sentence("ru", "Вода холодная.")
    assert pair_record((a, b)) == {
        "lang_a": "kbd", "lang_b": "ru", "text_a": "Псыр щIыIэщ.", "text_b": "Вода холодная.",
        "origin": "x",
    }  # fmt: skip
    meta = {"similarity": "0.5", "note": "n", "origin": "o"}
    a, b = (sentence(id=name, group="g", meta=meta, own=True) for name in "ab")
    row = pair_record((a, b), ("similarity",))
    assert (row["id_a"], row["id_b"], row["group"]) == ("a", "b", "g")
    assert "similarity" not in row and row["note"] == "n"
    assert row["origin"] == "x" and row["meta:origin"] == "o"
    row = pair_record((sentence(meta={"n": "1"}), sentence(meta={"n": "2"})))
    assert (row["n_a"], row["n_b"]) == ("1", "2")


def test_what_exchange_formats_say(tmp_path):
    unit = {"similarity": 0.5, "tmx": {"tuid": "7"}}
    a = replace(sentence(meta={"tmx": {"x": 1}}), unit=unit, date="2026-01-01T00:00:00Z")
    b = replace(sentence("ru", "Вода."), unit=unit, origin="mt:m")
    assert pair_record((a, b)) == {
        "lang_a": "kbd", "lang_b": "ru", "text_a": "Псыр щIыIэщ.", "text_b": "Вода.",
        "origin": "mt:m", "origin_a": "x", "origin_b": "mt:m", "similarity": 0.5,
        "tmx": {"tuid": "7"}, "tmx_a": {"x": 1}, "date_a": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    row = sentence_record(a)
    assert (row["tmx"], row["meta:tmx"]) == ({"tuid": "7"}, {"x": 1})


def test_the_row_of_a_sentence():
    assert sentence_record(sentence(meta={"year": 1999})) == {
        "lang": "kbd", "text": "Псыр щIыIэщ.", "origin": "x", "year": 1999,
    }  # fmt: skip
    assert sentence_record(sentence(own=True, group="g"))["id"] == "x:1"


def test_columns_are_those_that_hold_something():
    columns = Columns(PAIR_COLUMNS)
    columns.add({"note": "n", "text_a": "x"})
    columns.add({"lang_a": "kbd", "year": 1})
    assert columns.names() == ["lang_a", "text_a", "note", "year"]
    with pytest.raises(CorpusError, match="different columns"):
        columns.add({str(number): 1 for number in range(MAX_COLUMNS)})


ROWS = [{"a": "один\tдва\r\nтри", "b": None}, {"a": 0.5, "b": {"x": ["ӏ"]}, "c": "?"}]


def test_a_table(tmp_path):
    out = tmp_path / "x.tsv"
    assert write_rows(str(out), ["a", "b"], ROWS) == 1
    assert out.read_text("utf-8") == 'a\tb\nодин два три\t\n0.5\t{"x": ["ӏ"]}\n'


def test_json_lines(tmp_path):
    out = tmp_path / "x.JSONL"
    assert write_rows(str(out), ["a"], ROWS) == 0
    assert [json.loads(line) for line in out.read_text("utf-8").splitlines()] == ROWS


def test_a_file_is_whole_or_not_there(tmp_path):
    out = tmp_path / "x.tsv"
    out.write_text("before")

    def rows():
        yield {"a": "x"}
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        write_rows(str(out), ["a"], rows())
    assert out.read_text() == "before" and list(tmp_path.iterdir()) == [out]


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"])), min_size=1, max_size=5))
def test_texts_are_read_back(tmp_path_factory, texts):
    wanted = [text for text in texts if any(char.isalnum() for char in text)]
    out = tmp_path_factory.mktemp("rows") / "x.tsv"
    write_rows(str(out), ["lang", "text"], ({"lang": "kbd", "text": text} for text in wanted))
    found = list(read_corpus(out, ReadOptions(repair=False)))
    assert all(isinstance(item, Sentence) for item in found)
    again = out.with_name("y.tsv")
    write_rows(str(again), ["lang", "text"], map(sentence_record, found))
    assert [s.text for s in read_corpus(again, ReadOptions(repair=False))] == [
        s.text for s in found
    ]


def test_where_rows_cannot_go(tmp_path):
    check_output("-")
    check_output(str(tmp_path / "x.jsonl"))
    for path, said in [
        (tmp_path / "x.csv", r"\.tsv or \.jsonl"), (tmp_path / "no" / "x.tsv", "directory"),
        (tmp_path / "in.tsv", "input"),
    ]:  # fmt: skip
        with pytest.raises(CorpusError, match=said):
            check_output(str(path), [str(tmp_path / "in.tsv")])
