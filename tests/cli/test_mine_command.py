"""``mine``: two files, given pairs, and what it refuses."""

from __future__ import annotations

import json

import pytest

from searchkbd import encoders

HEAD = "lang_a\tlang_b\ttext_a\ttext_b\n"


@pytest.fixture
def quick(monkeypatch, trigrams):
    monkeypatch.setattr(encoders, "load_encoder", lambda name="embedded": trigrams)


@pytest.fixture
def sides(write, texts):
    groups = [group for group in texts.values() if "kbd" in group]
    a = write("a.txt", "".join(group["kbd"] + "\n" for group in groups) + "Псы.\n")
    b = write("b.txt", "".join(group["ru"] + "\n" for group in groups[::-1]) + "Поезд опоздал.\n")
    return a, b


def rows(text: str) -> list[dict[str, str]]:
    head, *lines = (line.split("\t") for line in text.splitlines())
    return [dict(zip(head, line, strict=True)) for line in lines]


def test_translations_are_found(run, sides, texts):
    code, out, err = run("mine", *sides, "--langs", "kbd,ru", "-o", "-", "--threshold", "1.2")
    found = {(row["text_a"], row["text_b"]) for row in rows(out)}
    assert code == 0 and "of 4 different sentences in kbd and 4 in ru" in err
    assert "--threshold" not in err
    wanted = {(group["kbd"], group["ru"]) for group in texts.values() if "kbd" in group}
    assert len(found & wanted) >= 2


def test_json_and_the_default_retrieval_take_each_sentence_once(run, quick, sides, tmp_path):
    out = tmp_path / "out.jsonl"
    code, said, _ = run("mine", *sides, "--langs", "kbd,rus", "-o", out, "--json")
    shape = json.loads(said)
    found = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert code == 0 and shape["pairs"] == len(found) == len({row["text_a"] for row in found})
    assert shape["rejected"] == 0 and shape["files"] == [
        {"file": str(side), "lang": lang, "sentences": 4, "different": 4, "other_languages": 0}
        for side, lang in zip(sides, ("kbd", "ru"), strict=True)
    ]


@pytest.mark.parametrize("scoring", ["ratio", "distance", "absolute"])
def test_forward_and_backward(run, quick, sides, scoring):
    common = (*sides, "--langs", "kbd,ru", "-o", "-", "--scoring", scoring)
    found = {}
    for retrieval in ("forward", "backward", "intersection"):
        code, out, err = run("mine", *common, "--retrieval", retrieval)
        assert code == 0 and "--threshold" in err
        found[retrieval] = {(row["text_a"], row["text_b"]) for row in rows(out)}
    assert len(found["forward"]) == len(found["backward"]) == 4
    assert found["intersection"] == found["forward"] & found["backward"]
    once = rows(run("mine", *common, "--retrieval", "forward", "--unique").out)
    assert len({row["text_b"] for row in once}) == len(once)


def test_sentences_in_other_languages_are_noted(run, quick, sentences_file):
    code, out, err = run("mine", sentences_file, sentences_file, "--langs", "ru,en", "-o", "-")
    assert code == 0 and "15 sentences in other languages than ru, left out" not in err
    assert "13 sentences in other languages than ru, left out" in err and rows(out)


def test_filter_keeps_given_pairs(run, quick, write, tmp_path):
    file = write("pairs.tsv", HEAD + "ru\ten\tВода\tWater\nru\ten\tвода 2\tтрейн\n")
    every = rows(run("score", file, "-o", "-").out)
    least = max(float(row["margin"]) for row in every)
    code, out, err = run("mine", "--mode", "filter", file, "-o", "-", "--threshold", least - 1e-6)
    assert code == 0 and rows(out) == [row for row in every if float(row["margin"]) >= least]
    assert "of 2 pairs" in err
    out = tmp_path / "o.tsv"
    shape = json.loads(
        run("mine", "--mode", "filter", file, "-o", out, "--threshold", 0, "--scoring",
            "absolute", "--json").out
    )  # fmt: skip
    assert shape["pairs"] == 2
    for row in rows(out.read_text("utf-8")):
        assert row["margin"] == row["similarity"]


def test_bad_rows_are_named(run, quick, sides):
    a, b = sides
    a.write_text(a.read_text("utf-8") + "...\n", "utf-8")
    code, _, err = run("mine", a, b, "--langs", "kbd,ru", "-o", "-")
    assert code == 1 and f"{a}:5: no text" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{a}", "{b}", "-o", "-"], "--langs kbd,ru"),
        (["{a}", "--langs", "kbd,ru", "-o", "-"], "two files"),
        (["{a}", "{b}", "--langs", "kbd,kbd", "-o", "-"], "two different"),
        (["{a}", "{b}", "--langs", "kbd,xq1", "-o", "-"], "xq1"),
        (["{a}", "nowhere.txt", "--langs", "kbd,ru", "-o", "-"], "nowhere.txt"),
        (["{a}", "{b}", "--langs", "kbd,ru", "-o", "{b}"], ".tsv or .jsonl"),
        (["-", "-", "--langs", "kbd,ru", "-o", "-"], "read once"),
        (["--mode", "filter", "{a}", "-o", "-"], "--threshold"),
        (["--mode", "filter", "{a}", "-o", "-", "--threshold", "1", "--unique"], "--unique"),
        (["--mode", "filter", "{a}", "-o", "-", "--threshold", "1", "--retrieval", "max"],
         "--retrieval"),
        (["{a}", "{b}", "--langs", "kbd,ru", "-o", "-", "--scoring", "cosine"], "ratio"),
    ],
)  # fmt: skip
def test_what_makes_no_sense(run, quick, sides, arguments, said):
    a, b = sides
    code, out, err = run("mine", *(part.format(a=a, b=b) for part in arguments))
    assert (code, out) == (2, "") and said in err


def test_a_side_without_sentences(run, quick, sides, write):
    empty = write("empty.txt", "")
    code, _, err = run("mine", sides[0], empty, "--langs", "kbd,ru", "-o", "-")
    assert code == 2 and "is empty" in err
