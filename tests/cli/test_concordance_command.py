"""``concordance``: lines, JSON, tables, advice, bad patterns."""

from __future__ import annotations

import csv
import json

import pytest


def test_lines_and_translations(run, phrasebook_index):
    code, out, err = run(
        "concordance", "къал* ?", "--index", phrasebook_index, "--lang", "kbd", "--to", "ru",
        "--to", "en", "-n", 2,
    )  # fmt: skip
    assert (code, err) == (0, "")
    counts, *lines = out.splitlines()
    assert counts.endswith(" (kbd)") and " occurrences in " in counts
    assert len(lines) == 6
    assert [line.split()[0] for line in lines[1:3]] == ["ru", "en"]
    assert lines[0].lower().index("къал") == lines[3].lower().index("къал")
    assert "\x1b" not in out  # no colours off a terminal


def test_the_shape_of_json(run, small_index, texts):
    code, out, err = run(
        "concordance", "*лодная", "--index", small_index, "--to", "kbd", "--json"
    )
    assert (code, err) == (0, "")
    shape = json.loads(out)
    assert list(shape) == ["pattern", "lang", "to", "occurrences", "sentences", "lines"]
    line = shape.pop("lines")[0]
    assert shape == {
        "pattern": "*лодная", "lang": [], "to": ["kbd"], "occurrences": 1, "sentences": 1
    }  # fmt: skip
    assert line == {
        "id": "water-ru", "lang": "ru", "left": "Вода ", "match": "холодная", "right": ".",
        "start": 5, "end": 13, "text": texts["water"]["ru"], "group": "water",
        "origin": "small.tsv",
        "translations": [{"id": "water-kbd", "lang": "kbd", "text": texts["water"]["kbd"],
                              "origin": "small.tsv"}],
    }  # fmt: skip


def test_the_table(run, write, tmp_path):
    file = write(
        "odd.jsonl",
        "".join(
            json.dumps(row, ensure_ascii=False) + "\n"
            for row in [
                {"id": "1", "lang": "ru", "text": "а\tвода \\ b\nк", "group": "g"},
                {"id": "2", "lang": "en", "text": "water", "group": "g"},
                {"id": "3", "lang": "en", "text": "the water", "group": "g"},
            ]
        ),
    )
    assert run("build", file, "--index", tmp_path / "i").code == 0
    code, out, _ = run("concordance", "вода", "--index", tmp_path / "i", "--tsv", "--to", "en",
                       "--to", "kbd")  # fmt: skip
    assert code == 0
    rows = list(csv.reader(out.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert rows == [
        ["id", "left", "match", "right", "en", "kbd"],
        ["1", "а\\t", "вода", " \\\\ b\\nк", "water\\nthe water", ""],
    ]
    code, out, _ = run("concordance", "вода", "--index", tmp_path / "i", "--tsv")
    assert out.splitlines()[0] == "id\tleft\tmatch\tright\ten\tru"


def test_pages_are_parts_of_everything(run, phrasebook_index):
    def ids(*options):
        _, out, _ = run("concordance", "къ*", "--index", phrasebook_index, "--json", *options)
        return [line["id"] for line in json.loads(out)["lines"]]

    everything = ids("--all")
    assert len(everything) > 20
    assert ids() == everything[:20]
    assert ids("-n", 5, "--offset", 18) == everything[18:23]
    ordered = ids("--all", "--sort", "left")
    assert ordered != everything and sorted(ordered) == sorted(everything)


def test_options_reach_the_search(run, phrasebook_index):
    def count(*arguments):
        code, out, _ = run("concordance", *arguments, "--index", phrasebook_index, "--json")
        assert code == 0
        return json.loads(out)["occurrences"]

    assert count("сэ * сы*", "--gap", 0) < count("сэ * сы*")
    assert count("Сэ", "--exact") < count("Сэ")
    assert count("куэрэ", "--loose") > count("куэрэ") == 0
    assert count("къ*", "--only-translated", "--to", "abk") == 0
    assert 0 < count("къ*", "--origin", "phrasebook:travel") < count("къ*")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["куэрэ"], "Nothing found. With --loose (a missing palochka forgiven): "),
        (["нОбЭ", "--exact"], "Nothing found. Without --exact: "),
        (["шщшщ"], "Nothing found.\n"),
        (["шщшщ", "--lang", "fi"], "no sentences in fi"),
    ],
)
def test_nothing_found_is_said_with_what_would_help(run, phrasebook_index, arguments, message):
    code, out, err = run("concordance", *arguments, "--index", phrasebook_index)
    assert (code, out) == (0, "") and message in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["* ?"], "no word to look for"),
        (["что-то|как"], "single words"),
        (["x", "--json", "--tsv"], "choose one"),
        (["x", "--exact", "--loose"], "exact and loose"),
        (["x", "--gap", "101"], "101"),
        (["x", "--lang", "?"], "--lang"),
    ],
)
def test_what_cannot_be_done_says_why(run, small_index, arguments, message):
    code, out, err = run("concordance", *arguments, "--index", small_index)
    assert (code, out) == (2, "") and message in err


def test_an_index_that_is_not_there(run, tmp_path):
    code, _, err = run("concordance", "x", "--index", tmp_path / "absent")
    assert code == 2 and "searchkbd build" in err
