"""``eval``: the table, the JSON, the picture, and what it says of bad input."""

from __future__ import annotations

import importlib.util
import json
import re

import numpy as np
import pytest

from searchkbd import encoders

HEAD = "lang_a\tlang_b\ttext_a\ttext_b\n"


@pytest.fixture
def quick(monkeypatch, trigrams):
    """A fast encoder in the place of every other."""
    monkeypatch.setattr(encoders, "load_encoder", lambda name="embedded": trigrams)


@pytest.fixture
def pairs(write, texts):
    rows = [("kbd", "ru", group["kbd"], group["ru"]) for group in texts.values() if "kbd" in group]
    return write("pairs.tsv", HEAD + "".join("\t".join(row) + "\n" for row in rows))


def test_without_a_file_the_phrasebook_is_measured(run):
    code, out, err = run("eval")
    assert code == 0 and "phrasebook" in err
    assert out.count("→") == 20
    assert re.search(r"^  kbd → ru +245 0\.\d{3} \[0\.\d{3}-[01]\.\d{3}\]", out, re.M)
    assert max(map(len, out.splitlines())) <= 80


def test_the_table_is_grouped_by_language_pair(run, quick, pairs, sentences_file):
    code, out, err = run("eval", pairs, sentences_file)
    assert (code, err) == (0, "")
    heads = re.findall(r"^(\w+) - (\w+)  (.*)$", out, re.M)
    assert len(heads) == 11 and heads == sorted(heads, key=lambda head: heads.index(head))
    assert [head[:2] for head in heads[:3]] == [("kbd", "ru"), ("kbd", "ru"), ("kbd", "en")]
    assert heads[0][2].endswith("pairs.tsv") and heads[1][2].endswith("small.tsv")
    assert "trigrams" in out and max(map(len, out.splitlines())) <= 80


def test_json(run, quick, pairs):
    code, out, _ = run("eval", pairs, "--json")
    shape = json.loads(out)
    assert code == 0
    assert {key: shape[key] for key in ("encoder", "fingerprint", "dim", "rejected")} == {
        "encoder": "trigrams", "fingerprint": "trigrams-64-v1", "dim": 64, "rejected": 0,
    }  # fmt: skip
    assert shape["files"] == [{"file": str(pairs), "sentences": 6, "unpaired": 0}]
    rows = shape["evaluations"]
    assert [(row["from"], row["to"], row["scoring"]) for row in rows] == [
        ("kbd", "ru", "cosine"), ("kbd", "ru", "margin"),
        ("ru", "kbd", "cosine"), ("ru", "kbd", "margin"),
    ]  # fmt: skip
    for row in rows:
        assert (row["sources"], row["candidates"], row["distractors"]) == (3, 3, 0)
        for name in ("accuracy_at_1", "accuracy_at_5", "accuracy_at_10", "mrr_at_10"):
            assert 0 <= row[name]["low"] <= row[name]["value"] <= row[name]["high"] <= 1
        assert row["accuracy_at_5"]["value"] == 1  # of three
        assert (row["gain_at_1"] is None) == (row["scoring"] == "cosine")


def test_files_that_do_not_name_their_languages(run, quick, write):
    file = write("x.csv", "Псыр щIыIэщ.,Вода холодная.\nУэшх къошх.,Идёт дождь.\n")
    code, out, _ = run("eval", file, "--langs", "kbd,ru", "--no-header", "--json")
    assert code == 0 and json.loads(out)["evaluations"][0]["sources"] == 2


def test_two_files_of_lines(run, quick, write, texts):
    groups = [group for group in texts.values() if "kbd" in group]
    halves = [
        write(f"moses.{lang}", "".join(group[lang] + "\n" for group in groups))
        for lang in ("kbd", "ru")
    ]
    code, out, _ = run("eval", *halves, "--json")
    shape = json.loads(out)
    assert code == 0 and len(shape["files"]) == 1
    assert {(row["from"], row["to"]) for row in shape["evaluations"]} == {
        ("kbd", "ru"), ("ru", "kbd"),
    }  # fmt: skip


def test_distractors(run, quick, pairs, write):
    pool = write("pool.txt", "Снег.\nвода холодная.\nЛёд.\nснег.\nМороз.\n")
    arguments = ("eval", pairs, "--distractors", pool, "--lang", "ru", "--max-distractors", 2)
    code, out, err = run(*arguments)
    assert code == 0 and "note: no distractors in kbd" in err
    assert re.search(r"^    \+ 2 +[01]\.", out, re.M) and out.count("    + ") == 1
    rows = json.loads(run(*arguments, "--json").out)["evaluations"]
    assert [(row["to"], row["candidates"], row["distractors"]) for row in rows[::2]] == [
        ("ru", 3, 0), ("ru", 5, 2), ("kbd", 3, 0),
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_plot(run, quick, pairs, tmp_path, suffix):
    code, out, _ = run("eval", pairs, "--plot", tmp_path / f"map.{suffix}")
    assert code == 0 and f"heat map: {tmp_path / 'map'}.{suffix}" in out
    assert (tmp_path / f"map.{suffix}").stat().st_size > 1000


def test_rejected_rows_are_named_and_the_exit_code_is_1(run, quick, write, tmp_path):
    bad = "kbd\tru\tПсы.\t…\nkbd\tru\n"
    file = write("a.tsv", HEAD + "kbd\tru\tПсыр щIыIэщ.\tВода холодная.\n" + bad)
    code, out, err = run("eval", file)
    assert code == 1 and "kbd → ru" in out
    assert f"{file}:3: no text" in err and f"{file}:4: wrong column count" in err
    assert "2 rows rejected" in err and "1 sentence without a translation" in err
    code, _, err = run("eval", file, "--rejects", tmp_path / "r.tsv")
    assert code == 1 and "listed in" in err and str(tmp_path / "r.tsv") in err
    assert len((tmp_path / "r.tsv").read_text("utf-8").splitlines()) == 3


def test_of_many_rejects_the_first_are_named(run, quick, write, pairs):
    file = write("b.tsv", pairs.read_text("utf-8") + "kbd\tru\t…\t…\n" * 15)
    code, _, err = run("eval", file)
    assert code == 1 and "30 rows rejected" in err and "... and 10 more" in err
    assert err.count(": no text") == 20


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        (HEAD, "no sentences"),
        (HEAD + "ru\tru\tСнег.\tСнежок.\n", "all sentences are in one language (ru 2)"),
        ("id\tlang\ttext\n1\tru\tСнег.\n2\ten\tSnow.\n", "no group"),
        ("Снег.\tSnow.\n", "missing column"),
        (HEAD + "kbd\tru\tПсы.\t…\n", "a.tsv:2: no text"),
    ],
)
def test_files_without_pairs(run, quick, write, content, said):
    code, out, err = run("eval", write("a.tsv", content))
    assert (code, out) == (2, "") and said in err


def test_a_file_that_is_not_there(run, quick, tmp_path, pairs):
    code, out, err = run("eval", tmp_path / "no.tsv")
    assert (code, out) == (2, "") and "no.tsv" in err
    code, out, err = run("eval", pairs, "--distractors", tmp_path / "no.tsv")
    assert (code, out) == (2, "") and "no.tsv" in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--plot", "a.gif"], ".png, .svg, .pdf"),
        (["--plot", "nowhere/a.png"], "there is no directory"),
        (["--plot", "{pairs}"], ".png, .svg, .pdf"),
        (["--rejects", "{pairs}"], "is an input file"),
        (["--distractors", "x.png", "--plot", "x.png"], "is an input file"),
        (["--plot", "a.svg", "--rejects", "a.svg"], "same file"),
        (["--max-distractors", "0"], "--max-distractors"),
        (["--distractors", "-", "-"], "standard input"),
        (["--encoder", "nonesuch"], "nonesuch"),
    ],
)
def test_what_makes_no_sense_is_said_before_any_work(
    run, pairs, monkeypatch, tmp_path, options, said
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("searchkbd.evaluation.evaluator.evaluate", None)
    options = [option.format(pairs=pairs) for option in options]
    code, out, err = run("eval", pairs, *options)
    assert (code, out) == (2, "") and said in err
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.tsv"]


def test_an_encoder_that_gives_no_numbers(run, pairs, monkeypatch, trigrams):
    class Broken:
        name, fingerprint, dim = "broken", "0", 64

        def encode(self, texts, langs=None):
            return trigrams.encode(texts) * np.float32(np.nan)

    monkeypatch.setattr(encoders, "load_encoder", lambda name="embedded": Broken())
    code, out, err = run("eval", pairs)
    assert (code, out) == (2, "") and "'broken'" in err and "length nan" in err


@pytest.mark.parametrize("missing", ["ir_measures", "matplotlib"])
def test_a_missing_package_is_named(run, quick, pairs, monkeypatch, tmp_path, missing):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == missing else find(name)
    )
    code, out, err = run("eval", pairs, "--plot", tmp_path / "a.png")
    assert (code, out) == (2, "") and 'pip install "searchkbd[eval]"' in err


def test_one_progress_bar_after_the_other_on_a_terminal(run, pairs, monkeypatch, quick):
    from searchkbd.cli import progress

    opened: list[str] = []
    shown: set[str] = set()

    class Bar:
        def __init__(self, label, unit, scale):
            assert not shown, "two bars at a time"
            self.label = label
            opened.append(label)
            shown.add(label)

        def update(self, done, total):
            assert total is None or 0 < done <= total

        def close(self):
            shown.remove(self.label)

    monkeypatch.setattr(progress, "_Bar", Bar)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert run("eval", pairs).code == 0
    assert opened == ["Reading", "Encoding", "Searching"] and not shown
