"""Tatoeba's layout: two files, numbers, and links that hold a unit together."""

from __future__ import annotations

import pytest

from searchkbd.export.options import ExportError

SENTENCES = """\
10\trus\tВода холодная.
20\tkbd\tПсыр щIыIэщ.
30\teng\tThe water is cold.
40\ttur\tSu soğuk.
99\teng\tAlone.
"""
# English and Kabardian are translations of the Russian only, Turkish of the English.
LINKS = "10\t20\n20\t10\n10\t30\n30\t10\n30\t40\n40\t30\n"


@pytest.fixture
def tatoeba_index(workshop):
    sentences = workshop.write("sentences.csv", SENTENCES)
    (sentences.parent / "links.csv").write_text(LINKS, "utf-8")
    return workshop.build(sentences, format="tatoeba")


def rows(directory, name) -> list[tuple[str, ...]]:
    text = (directory / name).read_text("utf-8")
    return [tuple(line.split("\t")) for line in text.splitlines()]


def groups(sentences) -> set[frozenset[tuple[str, str]]]:
    found: dict[str, set] = {}
    for sentence in sentences:
        found.setdefault(sentence.group, set()).add((sentence.lang, sentence.text))
    return set(map(frozenset, found.values()))


def test_an_export_of_tatoeba_comes_back_as_it_was(workshop, tatoeba_index):
    out, summary = workshop.export(tatoeba_index, "out", format="tatoeba")
    assert (summary.units, summary.sentences) == (2, 5)
    assert sorted(path.name for path in out.iterdir()) == ["links.csv", "sentences.csv"]
    assert sorted(rows(out, "sentences.csv")) == [
        tuple(line.split("\t")) for line in SENTENCES.splitlines()
    ]
    assert sorted(rows(out, "links.csv")) == sorted(
        tuple(line.split("\t")) for line in LINKS.splitlines()
    )


def test_ids_languages_and_groups_come_back(workshop, table_index):
    out, _ = workshop.export(table_index, "out", format="tatoeba")
    assert [row[1] for row in rows(out, "sentences.csv")[:3]] == ["kbd", "rus", "eng"]
    again = workshop.build(out, format="tatoeba")
    assert workshop.rejects == []
    assert groups(workshop.stored(again)) == groups(workshop.stored(table_index))
    second, _ = workshop.export(again, "out", format="tatoeba")
    for name in ("sentences.csv", "links.csv"):
        assert (second / name).read_bytes() == (out / name).read_bytes()


def test_a_unit_stays_together_when_what_lay_between_is_left_out(workshop, tatoeba_index):
    out, _ = workshop.export(tatoeba_index, "out", format="tatoeba", source="kbd", target="tr")
    assert rows(out, "links.csv") == [("20", "40"), ("40", "20")]


def test_numbers_of_others_do_not_clash_with_tatoebas(workshop, table_index, tatoeba_index):
    tsv, _ = workshop.export(tatoeba_index, "t.tsv")
    index = workshop.build(tsv, workshop.write("more.tsv", table_text(table_index, workshop)))
    out, summary = workshop.export(index, "out", format="tatoeba")
    numbers = [int(row[0]) for row in rows(out, "sentences.csv")]
    assert len(set(numbers)) == len(numbers) == summary.sentences == 12
    assert set(numbers) >= {10, 20, 30, 40, 99} and min(set(numbers) - {10, 20, 30, 40, 99}) > 99
    again = workshop.stored(workshop.build(out, format="tatoeba"))
    assert groups(again) == groups(workshop.stored(index))


def table_text(index, workshop) -> str:
    return workshop.export(index, "t.tsv")[0].read_text("utf-8")


def test_a_large_unit_is_not_linked_each_to_each(workshop):
    lines = [f"{n}\ten\tSentence {n}.\tg" for n in range(150)]
    index = workshop.build(workshop.write("t.tsv", "\n".join(["id\tlang\ttext\tgroup", *lines])))
    out, _ = workshop.export(index, "out", format="tatoeba")
    assert len(rows(out, "links.csv")) == 2 * 149
    assert len(groups(workshop.stored(workshop.build(out, format="tatoeba")))) == 1


def test_a_text_is_one_line(workshop):
    text = '{"id": "1", "lang": "en", "text": "one\\n\\ttwo", "group": "g"}'
    index = workshop.build(workshop.write("t.jsonl", text))
    out, summary = workshop.export(index, "out", format="tatoeba")
    assert rows(out, "sentences.csv") == [("1", "eng", "one  two")] and summary.altered == 1


def test_a_number_that_does_not_fit(workshop):
    table = "id\tlang\ttext\tgroup\ntatoeba:2147483647\ten\tOne.\tg\nother\ten\tTwo.\tg\n"
    index = workshop.build(workshop.write("t.tsv", table))
    with pytest.raises(ExportError, match="2147483649"):
        workshop.export(index, "out", format="tatoeba")
