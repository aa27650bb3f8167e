"""``pairs prepare``: what it writes and says, and what it refuses."""

from __future__ import annotations

import json

import pytest

from searchkbd.resources import PHRASEBOOK

HEAD = "lang_a\tlang_b\ttext_a\ttext_b\torigin\n"
ROWS = (
    "kbd\tru\tПсыр щIыIэщ.\tВода холодная.\tx\n"
    "kbd\tru\tУэшх къошх.\tИдёт дождь.\tmt:nllb\n"
    "kbd\tru\tпсыр щ1ы1эщ.\tвода  холодная.\tx\n"
    "kbd\ten\tЩакхъуэр хуабэщ.\tThe bread is warm.\tx\n"
)


@pytest.fixture
def pairs_file(write):
    return write("pairs.tsv", HEAD + ROWS)


def test_a_table_and_files(run, tmp_path):
    out = tmp_path / "out"
    code, said, err = run(
        "pairs", "prepare", PHRASEBOOK, "--out", out, "--dev", "10%", "--test", "40", "--mix",
        "kbd-ru=2", "--mix", "kbd-en=1", "--max", "600", "--drop", "none",
    )  # fmt: skip
    assert code == 0
    assert "kbd-ru" in said and "66.7%" in said and "batches of 16" in said
    assert "note: kbd-ru is" in err and "kbd-fr" not in said
    assert max(map(len, said.splitlines()[1:])) <= 80
    assert sorted(path.name for path in out.iterdir()) == [
        "README.md", "dev.tsv", "statistics.json", "test.tsv", "train.tsv",
    ]  # fmt: skip
    card = (out / "README.md").read_text("utf-8")
    assert f"searchkbd pairs prepare {PHRASEBOOK.name} --drop none --dev 10%" in card
    assert "--mix kbd-ru=2 --mix kbd-en=1 --max 600" in card and str(tmp_path) not in card


def test_json_rejects_and_report(run, write, tmp_path):
    file = write("pairs.tsv", HEAD + ROWS + "kbd\tru\tпсы\n")
    out, report = tmp_path / "out", tmp_path / "report.jsonl"
    code, said, err = run(
        "pairs", "prepare", file, "--out", out, "--no-machine", "--report", report, "--json",
        "--only", "ru-kbd", "--only", "kbd,en",
    )  # fmt: skip
    shape = json.loads(said)
    assert code == 1 and err == ""
    assert (shape["out"], shape["read"], shape["rejected"]) == (str(out), 4, 1)
    assert shape["left_out"] == {"machine": 1, "duplicate": 1}
    assert shape["splits"] == {"train": 2, "dev": 0, "test": 0}
    assert shape["rejects"] == str(tmp_path / "out.rejects.tsv")
    assert "pairs.tsv\t6" in (tmp_path / "out.rejects.tsv").read_text("utf-8")
    (line,) = report.read_text("utf-8").splitlines()
    assert json.loads(line)["reason"] == "duplicate" and json.loads(line)["line"] == 4
    stored = json.loads((out / "statistics.json").read_text("utf-8"))
    assert {name: shape[name] for name in stored} == stored


def test_an_index_as_a_source(run, tmp_path, phrasebook_index):
    code, said, _ = run(
        "pairs", "prepare", phrasebook_index, "--out", tmp_path / "out", "--only", "kbd-tr",
        "--json", "--drop", "none",
    )  # fmt: skip
    shape = json.loads(said)
    assert code == 0 and shape["sources"][0]["kind"] == "index"
    (one,) = shape["sets"]
    assert one["name"] == "kbd-tr" and one["splits"]["train"]["pairs"] > 200


def test_standard_input(run, tmp_path):
    code, said, _ = run(
        "pairs", "prepare", "-", "--out", tmp_path / "out", "--json", stdin=HEAD + ROWS
    )
    assert code == 0 and json.loads(said)["splits"]["train"] == 3


def test_tokens(run, tmp_path, pairs_file, tiny_labse):
    code, said, _ = run(
        "pairs", "prepare", pairs_file, "--out", tmp_path / "out", "--tokenizer", tiny_labse,
        "--json",
    )  # fmt: skip
    shape = json.loads(said)
    assert code == 0 and shape["tokenizer"] == tiny_labse.name
    lengths = shape["sets"][0]["splits"]["train"]["lengths"]["a"]
    assert lengths["tokens"]["min"] > lengths["words"]["min"]
    assert str(tiny_labse) not in (tmp_path / "out" / "README.md").read_text("utf-8")


def test_replacing(run, tmp_path, pairs_file):
    out = tmp_path / "out"
    assert run("pairs", "prepare", pairs_file, "--out", out).code == 0
    code, _, err = run("pairs", "prepare", pairs_file, "--out", out)
    assert code == 2 and "--replace" in err
    assert run("pairs", "prepare", pairs_file, "--out", out, "--replace").code == 0
    (out / "mine.txt").write_text("x")
    code, _, err = run("pairs", "prepare", pairs_file, "--out", out, "--replace")
    assert code == 2 and "mine.txt" in err and (out / "mine.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dev", "x"], "as 2000, or a share, as 5%"),
        (["--dev", "100%"], "less than 100%"),
        (["--dev", "-1"], "less than 100%"),
        (["--only", "kbd"], "two languages"),
        (["--only", "kbd-kbd"], "two languages"),
        (["--only", "kbd-q"], "not a"),
        (["--mix", "kbd-ru"], "kbd-ru=4"),
        (["--mix", "kbd-ru=0"], "kbd-ru=4"),
        (["--mix", "kbd-ru=inf"], "kbd-ru=4"),
        (["--mix", "kbd-ru=1", "--mix", "ru-kbd=2"], "twice"),
        (["--drop", "spelling"], "copied, language, length, numbers"),
        (["--drop", "none,copied"], "none goes with no other"),
        (["--temperature", "5"], "--max N"),
        (["--dev", "3"], "leaves none"),
        (["--report", "x.txt"], "--report"),
        (["--tokenizer", "./none"], "none"),
        (["--min-similarity", "0.5"], "similarity"),
        (["--min-words", "9"], "words 4"),
        (["--exclude", "none.tsv"], "none.tsv"),
    ],
)
def test_what_cannot_be_done(run, tmp_path, pairs_file, arguments, said, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("pairs", "prepare", pairs_file, "--out", "out", *arguments)
    assert (code, out) == (2, "") and said in err, err
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.tsv"]


def test_sources_that_are_not_there(run, tmp_path):
    code, _, err = run("pairs", "prepare", tmp_path / "no.tsv", "--out", tmp_path / "out")
    assert code == 2 and "no such file, nor an index" in err
    code, _, err = run("pairs", "prepare", "--out", tmp_path / "out")
    assert code == 2 and "SOURCE" in err
