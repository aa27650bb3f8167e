"""``dedupe``: what is kept, the report, and what it refuses."""

from __future__ import annotations

import json

import pytest

from searchkbd import encoders

LONG = "Сегодня утром поезд опоздал на целый час из-за снега на путях"
LINES = f"{LONG}.\n{LONG}!\n{LONG.upper()}.\nВода холодная.\n"


@pytest.fixture
def quick(monkeypatch, trigrams):
    monkeypatch.setattr(encoders, "load_encoder", lambda name="embedded": trigrams)


def test_near_duplicates_by_the_encoder_that_ships(run, write, tmp_path):
    out = tmp_path / "out.tsv"
    code, said, err = run("dedupe", write("x.txt", LINES), "--lang", "ru", "-o", out)
    assert (code, said) == (0, "")
    assert "2 of 4 units; dropped 1 with the same keys and 1 near" in err
    assert [line.split("\t")[1] for line in out.read_text("utf-8").splitlines()] == [
        "text", f"{LONG}.", "Вода холодная.",
    ]  # fmt: skip
    report = out.with_name("out.tsv.dropped.tsv").read_text("utf-8").splitlines()
    assert [line.split("\t")[6] for line in report] == ["reason", "near", "key"]


def test_json_and_keys_only(run, write, tmp_path, monkeypatch):
    def refuse(name="embedded"):
        raise AssertionError("an encoder is loaded")

    monkeypatch.setattr(encoders, "load_encoder", refuse)
    out, report = tmp_path / "out.jsonl", tmp_path / "r.tsv"
    code, said, _ = run(
        "dedupe", write("x.txt", LINES), "--lang", "ru", "-o", out, "--keys-only", "--json",
        "--report", report,
    )  # fmt: skip
    assert code == 0 and json.loads(said) == {
        "output": str(out), "form": "sentences", "units": 4, "kept": 3,
        "dropped": {"key": 1, "near": 0}, "report": str(report), "rejected": 0,
    }  # fmt: skip
    assert report.read_text("utf-8").count("\n") == 2
    assert [json.loads(line)["text"] for line in out.read_text("utf-8").splitlines()][2] == (
        "Вода холодная."
    )


def test_standard_input_and_output(run, quick):
    code, out, err = run("dedupe", "-", "--lang", "ru", "-o", "-", stdin=LINES)
    assert code == 0 and out.count("\n") >= 3 and "standard output: " in err


def test_bad_rows_are_named(run, quick, write):
    file = write("x.txt", LINES + "...\n")
    code, _, err = run("dedupe", file, "--lang", "ru", "-o", "-")
    assert code == 1 and f"{file}:5: no text" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "x.txt"], ".tsv or .jsonl"),
        (["-o", "-", "--json"], "standard output"),
        (["-o", "x.tsv", "--report", "x.tsv"], "the same"),
        (["-o", "-", "--report", "x.txt"], "--report"),
        (["-o", "-", "--similarity", "2"], "2"),
        (["-o", "-", "--keep", "best"], "none is the best"),
    ],
)
def test_what_makes_no_sense(run, quick, write, monkeypatch, tmp_path, arguments, said):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("dedupe", write("in.txt", LINES), "--lang", "ru", *arguments)
    assert (code, out) == (2, "") and said in err
    assert [path.name for path in tmp_path.iterdir()] == ["in.txt"]


def test_files_without_a_language_or_a_sentence(run, quick, write):
    code, _, err = run("dedupe", write("x.txt", LINES), "-o", "-")
    assert code == 2 and "--lang" in err
    code, _, err = run("dedupe", write("y.txt", ""), "--lang", "ru", "-o", "-")
    assert code == 2 and "is empty" in err
