"""``score``: the table, the cut, what is said of it, and what it refuses."""

from __future__ import annotations

import json

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
    rows.append(("kbd", "ru", "Уэшх къошх.", "Уэшх къошх."))
    return write("pairs.tsv", HEAD + "".join("\t".join(row) + "\n" for row in rows))


def rows(text: str) -> list[dict[str, str]]:
    head, *lines = (line.split("\t") for line in text.splitlines())
    return [dict(zip(head, line, strict=True)) for line in lines]


def test_translations_are_nearer_than_chance(run, sentences_file, tmp_path):
    out = tmp_path / "out.tsv"
    code, said, err = run("score", sentences_file, "-o", out, "--lang", "ru")
    assert (code, said) == (0, "") and f"{out}: 31 of 31 pairs" in err
    assert all(float(row["similarity"]) > 0.3 for row in rows(out.read_text("utf-8")))
    assert max(map(len, err.removeprefix(str(out)).splitlines())) <= 80
    languages = [line.split()[0] for line in err.splitlines() if "-" in line.split(" ")[2:3]]
    assert languages == sorted(languages)


def test_to_standard_output(run, quick, pairs):
    code, out, err = run("score", pairs, "-o", "-")
    assert code == 0 and "standard output: 4 of 4 pairs" in err and "copied 1" in err
    assert [row["flags"] for row in rows(out)] == ["", "", "", "copied"]


def test_the_cut(run, quick, pairs, tmp_path):
    out = tmp_path / "out.tsv"
    code, said, _ = run(
        "score", pairs, "-o", out, "--drop-flagged", "--percentile", 50, "--json"
    )
    shape = json.loads(said)
    kept = rows(out.read_text("utf-8"))
    assert code == 0 and len(kept) == 2
    assert {key: shape[key] for key in ("output", "pairs", "kept", "rejected")} == {
        "output": str(out), "pairs": 4, "kept": 2, "rejected": 0,
    }  # fmt: skip
    assert shape["flags"]["copied"] == 1
    (one,) = shape["languages"]
    assert one["languages"] == ["kbd", "ru"] and len(one["quartiles"]) == 3
    assert one["percentile_at"] == min(float(row["similarity"]) for row in kept)
    assert run("score", pairs, "-o", out, "--drop", "copied,numbers", "--min", "0.99").code == 0
    assert rows(out.read_text("utf-8")) == []


def test_given_similarities_load_no_encoder(run, write, monkeypatch):
    def refuse(name="embedded"):
        raise AssertionError("an encoder is loaded")

    monkeypatch.setattr(encoders, "load_encoder", refuse)
    head = HEAD.replace("\n", "\tsimilarity\n")
    file = write("x.tsv", head + "".join(f"ru\ten\tВода {n}\tWater {n}\t0.{n}\n" for n in "1234"))
    code, out, err = run("score", file, "-o", "-", "--given", "--percentile", 75)
    assert code == 0 and "cut at 0.325" in err
    assert [row["text_b"] for row in rows(out)] == ["Water 4"]


def test_bad_rows_are_named(run, quick, pairs, write, tmp_path):
    pairs.write_text(pairs.read_text("utf-8") + "kbd\tru\tпсы\n", "utf-8")
    code, _, err = run("score", pairs, "-o", tmp_path / "o.tsv")
    assert code == 1 and f"{pairs}:6: wrong column count" in err
    code, _, err = run("score", pairs, "-o", tmp_path / "o.tsv", "--rejects", tmp_path / "r.tsv")
    assert code == 1 and (tmp_path / "r.tsv").read_text("utf-8").count("\n") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "x.csv"], ".tsv or .jsonl"),
        (["-o", "-", "--json"], "standard output"),
        (["-o", "-", "--drop", "copy"], "copied"),
        (["-o", "-", "--given", "--min-margin", "1"], "--given"),
        (["-o", "-", "--percentile", "101"], "101"),
        (["-o", "-", "--encoder", "nobody"], "nobody"),
        ([], "--output"),
    ],
)
def test_what_makes_no_sense(run, pairs, arguments, said):
    code, out, err = run("score", pairs, *arguments)
    assert (code, out) == (2, "") and said in err


def test_files_are_not_overwritten(run, quick, pairs, tmp_path):
    before = pairs.read_bytes()
    for arguments in (["-o", pairs], ["-o", tmp_path / "o.tsv", "--rejects", pairs]):
        code, _, err = run("score", pairs, *arguments)
        assert code == 2 and "is an input file" in err
    code, _, err = run("score", pairs, "-o", tmp_path / "o.tsv", "--rejects", tmp_path / "o.tsv")
    assert code == 2 and "the same" in err and pairs.read_bytes() == before


def test_files_that_cannot_be_scored(run, quick, write):
    for name, content, said in (
        ("a.tsv", "", "is empty"),
        ("b.tsv", "text_a\ttext_b\nВода\tWater\n", "--langs"),
        ("c.tsv", HEAD + "ru\tru\tВода\tВода\n", "no pairs"),
    ):
        code, _, err = run("score", write(name, content), "-o", "-")
        assert code == 2 and said in err
    assert run("score", "nowhere.tsv", "-o", "-").code == 2
