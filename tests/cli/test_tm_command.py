"""``tm lookup``: matches, their JSON shape, segments from standard input, bad segments."""

from __future__ import annotations

import json

import pytest


def look_up(run, index, *arguments, stdin=b""):
    return run("tm", "lookup", *arguments, "--index", index, stdin=stdin)


def test_the_shape_of_json(run, small_index, texts):
    code, out, err = look_up(
        run, small_index, "Вода холодная.", "--from", "ru", "--to", "kbd", "--json"
    )
    assert (code, err) == (0, "")
    shape = json.loads(out)
    assert list(shape) == ["segment", "from", "to", "matches"]
    assert (shape["segment"], shape["from"], shape["to"]) == ("Вода холодная.", "ru", "kbd")
    match = shape["matches"][0]
    assert list(match) == [
        "rank", "quality", "similarity", "kind", "source", "target", "source_id", "target_id",
        "origin",
    ]  # fmt: skip
    assert match == {
        "rank": 1, "quality": 100, "similarity": pytest.approx(1, abs=1e-3), "kind": "exact",
        "source": texts["water"]["ru"], "target": texts["water"]["kbd"],
        "source_id": "water-ru", "target_id": "water-kbd", "origin": "small.tsv",
    }  # fmt: skip


def test_every_spelling_of_the_palochka_is_the_same(run, small_index):
    for letter in "IӀӏ1l|":
        segment = f"Псыр щ{letter}ы{letter}эщ."
        _, out, _ = look_up(run, small_index, segment, "--from", "kbd", "--to", "ru", "--json")
        match = json.loads(out)["matches"][0]
        assert (match["kind"], match["target"]) == ("exact", "Вода холодная.")


def test_a_fuzzy_match(run, small_index):
    arguments = ["Вода очень холодная.", "--from", "ru", "--to", "en", "--json"]
    _, out, _ = look_up(run, small_index, *arguments)
    match = json.loads(out)["matches"][0]
    assert (match["kind"], match["target"]) == ("fuzzy", "The water is cold.")
    assert match["quality"] == 70  # 6 letters of 20 are new
    _, out, _ = look_up(run, small_index, *arguments, "--min-quality", 71, "--min-similarity", 1)
    assert json.loads(out)["matches"] == []


def test_text_output(run, small_index):
    code, out, err = look_up(run, small_index, "Вода холодная.", "--from", "ru", "--to", "kbd")
    assert (code, err) == (0, "")
    assert "exact" in out and "quality 100" in out and "Псыр щIыIэщ." in out


def test_no_match_is_said_and_is_no_failure(run, small_index):
    code, out, err = look_up(
        run, small_index, "Совсем другие слова здесь стоят", "--from", "ru", "--to", "kbd",
        "--min-similarity", 1,
    )  # fmt: skip
    assert (code, out) == (0, "") and "No match" in err


def test_a_language_that_the_index_has_not(run, small_index):
    code, out, err = look_up(run, small_index, "Wasser", "--from", "deu", "--to", "ru", "--json")
    assert code == 0 and json.loads(out)["matches"] == []
    assert "no sentences in de" in err


def test_segments_from_standard_input(run, small_index):
    lines = ["Вода холодная.".encode(), b"\xff", b"", "Хлеб тёплый.".encode()]
    code, out, err = look_up(
        run, small_index, "--from", "rus", "--to", "kbd-RU", "--json", stdin=b"\n".join(lines)
    )
    assert code == 1
    found = [json.loads(line) for line in out.splitlines()]
    assert [len(lookup["matches"]) > 0 for lookup in found] == [True, False, False, True]
    assert {(lookup["from"], lookup["to"]) for lookup in found} == {("ru", "kbd")}
    assert found[3]["matches"][0]["target"] == "Щакхъуэр хуабэщ."
    assert err == "standard input, line 2: not UTF-8 (byte 1)\n"
    code, out, _ = look_up(
        run, small_index, "--from", "ru", "--to", "kbd", stdin="Вода холодная.\n"
    )
    assert code == 0 and "» Вода холодная." in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["", "--from", "ru", "--to", "kbd"], "empty"),
        (["вода", "--from", "ru", "--to", "ru"], "both ru"),
        (["вода", "--from", "ru", "--to", "ru-RU"], "both ru"),
        (["вода", "--from", "ru"], "--to"),
        (["вода", "--to", "ru"], "--from"),
        (["вода", "--from", "xx", "--to", "ru"], "'xx'"),
        (["вода", "--from", "ru", "--to", "kbd", "-k", "0"], "-k"),
        (["вода", "--from", "ru", "--to", "kbd", "--min-quality", "101"], "--min-quality"),
        (["вода", "--from", "ru", "--to", "kbd", "--min-similarity", "2"], "--min-similarity"),
        (["ы" * 20_001, "--from", "ru", "--to", "kbd"], "20000"),
    ],
)
def test_what_cannot_be_looked_up(run, small_index, arguments, said):
    code, out, err = look_up(run, small_index, *arguments)
    assert (code, out) == (2, "") and said in err
