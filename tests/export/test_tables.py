"""TSV, CSV and JSON Lines: what is written is read back as it was."""

from __future__ import annotations

import csv
import json
import unicodedata

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.export.options import ExportError
from searchkbd.export.tables import one_line


def essence(sentences, change=lambda text: text):
    """Return what a table keeps of sentences."""
    return [
        (
            change(s.id), s.lang, change(s.text), change(s.group), change(s.origin),
            {name: change(value) for name, value in (s.meta or {}).items()},
        )
        for s in sentences
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["t.tsv", "t.csv", "t.jsonl", "t.tsv.gz", "t.csv.zst"])
def test_ids_groups_origins_and_other_columns_come_back(workshop, table_index, name):
    out, summary = workshop.export(table_index, name)
    assert (summary.units, summary.sentences, summary.altered) == (3, 7, 0)
    assert summary.languages == {"ru": 3, "kbd": 2, "en": 2}
    again = workshop.build(out)
    assert workshop.rejects == []
    assert essence(workshop.stored(again)) == essence(workshop.stored(table_index))
    assert essence(workshop.stored(again))[1][-1] == {"note": "checked"}
    second, _ = workshop.export(again, name)
    assert second.read_bytes() == out.read_bytes()


@pytest.mark.parametrize("name", ["t.tsv", "t.csv", "t.jsonl"])
def test_pairs_come_back(workshop, table_index, name):
    out, summary = workshop.export(table_index, name, source="ru", target="en", pairs=True)
    assert (summary.units, summary.sentences) == (2, 4)
    sentences = workshop.stored(workshop.build(out))
    assert workshop.rejects == []
    assert [(s.id, s.lang, s.text, s.group, s.origin) for s in sentences] == [
        # A row has one origin, that of the translation.
        ("w-ru", "ru", "Вода холодная.", "water", "mt:model"),
        ("w-en", "en", "The water is cold.", "water", "mt:model"),
        ("t-ru", "ru", "Поезд опоздал.", "train", "road"),
        ("t-en", "en", "The train was late.", "train", "road"),
    ]


def test_a_pair_for_every_translation(workshop):
    table = "id\tlang\ttext\tgroup\na\tru\tДа.\tg\nb\tru\tАга.\tg\nc\ten\tYes.\tg\n"
    index = workshop.build(workshop.write("t.tsv", table))
    out, summary = workshop.export(index, "t.csv", source="ru", target="en", pairs=True)
    rows = list(csv.DictReader(out.read_text("utf-8").splitlines()))
    assert [(row["text_a"], row["text_b"]) for row in rows] == [("Да.", "Yes."), ("Ага.", "Yes.")]
    assert (summary.units, summary.sentences) == (1, 3)
    assert essence(workshop.stored(workshop.build(out)))[0][:3] == ("a", "ru", "Да.")


def test_tabs_and_line_ends_are_counted_in_tsv_only(workshop):
    rows = [
        {"id": "1", "lang": "en", "text": "one\ttwo\r\nthree", "group": "a\tb"},
        {"id": "2", "lang": "en", "text": "four", "group": "g"},
    ]
    index = workshop.build(workshop.write("t.jsonl", "\n".join(map(json.dumps, rows))))
    out, summary = workshop.export(index, "t.tsv")
    assert summary.altered == 2
    assert out.read_text("utf-8").splitlines()[1].split("\t")[:4] == [
        "1", "en", "one two three", "a b",
    ]  # fmt: skip
    for name in ("t.csv", "t.jsonl"):
        assert workshop.export(index, name)[1].altered == 0


def test_columns_that_differ_in_letter_case_only_are_one(workshop):
    files = [
        workshop.write("1.tsv", "id\tlang\ttext\tNote\n1\ten\tOne.\tfirst\n"),
        workshop.write("2.tsv", "id\tlang\ttext\tnote\n2\ten\tTwo.\tsecond\n"),
    ]
    index = workshop.build(*files)
    for name in ("t.tsv", "t.csv", "t.jsonl"):
        again = workshop.build(workshop.export(index, name)[0])
        assert workshop.rejects == []
        assert [list(s.meta.values()) for s in workshop.stored(again)] == [["first"], ["second"]]


def test_a_column_named_as_one_of_ours_is_renamed(workshop):
    table = "id\tlang\ttext\tsentence\tgroup\n1\ten\tshort\tA long one.\tg\n"
    index = workshop.build(workshop.write("t.tsv", table), columns={"text": "sentence"})
    for name in ("t.tsv", "t.csv", "t.jsonl"):
        (again,) = workshop.stored(workshop.build(workshop.export(index, name)[0]))
        assert (again.text, again.meta) == ("A long one.", {"other text": "short"})


def test_too_many_columns_for_a_table(workshop):
    rows = [{"id": str(n), "lang": "en", "text": f"Text {n}.", f"k{n}": "x"} for n in range(201)]
    index = workshop.build(workshop.write("t.jsonl", "\n".join(map(json.dumps, rows))))
    with pytest.raises(ExportError, match="--format jsonl"):
        workshop.export(index, "t.csv")
    assert workshop.export(index, "t.jsonl")[1].sentences == 201
    assert workshop.export(index, "t.csv", source="en", target="en", pairs=True)[1].sentences == 201


CHARS = st.one_of(
    st.sampled_from("абIӏ1 ,;\"'#\t\n\r\\|\u00a0\u0085\u2028"),
    st.characters(exclude_categories=("Cs", "Cc")),
)
TEXT = st.text(CHARS, max_size=30).map(
    lambda text: unicodedata.normalize("NFC", text + "x").strip()
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=5))
@example([('#,"x', '"x', "#x")])
def test_odd_texts_come_back(shared_workshop, rows):
    lines = (
        {"id": f"{n}{text}", "lang": "en", "text": text, "group": group, "origin": group,
         "note": note}
        for n, (text, group, note) in enumerate(rows)
    )  # fmt: skip
    content = "\n".join(map(json.dumps, lines))
    index = shared_workshop.build(shared_workshop.write("t.jsonl", content))
    sentences = shared_workshop.stored(index)
    changes = {
        # What reads CSV takes every line end for one kind.
        "t.csv": lambda text: text.replace("\r\n", "\n").replace("\r", "\n"),
        "t.tsv": one_line,
        "t.jsonl": lambda text: text,
    }
    for name, change in changes.items():
        out, _ = shared_workshop.export(index, name)
        again = list(read_corpus(out, ReadOptions(repair=False)))
        assert essence(again) == essence(sentences, change), name
