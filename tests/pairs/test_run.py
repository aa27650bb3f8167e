"""Preparation from end to end: shares, what is excluded, what is written and read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError, Sentence
from searchkbd.mining.units import read_units
from searchkbd.pairs.options import SPLITS, Amount, PrepareOptions
from searchkbd.pairs.run import prepare
from searchkbd.resources import PHRASEBOOK


def prepared(out, sources=(str(PHRASEBOOK),), **given):
    more = {name: given.pop(name) for name in ("exclude", "report", "replace") if name in given}
    return prepare(
        list(map(str, sources)), out, None, PrepareOptions(**given), on_reject=pytest.fail, **more
    ).statistics  # fmt: skip


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def rows_of(path: Path) -> list[tuple[str, ...]]:
    return [tuple(line.split("\t")) for line in path.read_text("utf-8").splitlines()[1:]]


def test_the_same_sources_options_and_seed_give_the_same_bytes(tmp_path):
    options = {"dev": Amount(50), "test": Amount(50), "mix": {("kbd", "ru"): 2, ("kbd", "en"): 1}}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        prepared(tmp_path / name, seed=seed, most=100, **options)
    a, b, c = (files(tmp_path / name) for name in "abc")
    assert a == b and sorted(a) == sorted(c)
    assert all(a[f"{split}.tsv"] != c[f"{split}.tsv"] for split in SPLITS)


def test_mixes_and_caps_are_met(tmp_path):
    mix = {("kbd", "ru"): 4, ("kbd", "en"): 2, ("ru", "en"): 1}
    said = prepared(tmp_path / "mix", mix=mix, dev=Amount(30))
    counts = {one["name"]: one["splits"]["train"]["pairs"] for one in said["sets"]}
    assert sum(counts.values()) > 380
    for name, seventh in (("kbd-ru", 4), ("kbd-en", 2), ("ru-en", 1)):
        assert abs(counts[name] - seventh * sum(counts.values()) / 7) < 1
    assert all(one["share"]["met"] for one in said["sets"])
    rows = rows_of(tmp_path / "mix" / "train.tsv")
    assert len(rows) == len(set(rows)) == said["splits"]["train"]
    assert 20 <= said["splits"]["dev"] <= 30
    said = prepared(tmp_path / "cap", cap=7)
    assert {one["splits"]["train"]["pairs"] for one in said["sets"]} == {7}
    said = prepared(tmp_path / "much", mix={**mix, ("ab", "kbd"): 1}, most=600)
    assert said["splits"]["train"] > 450
    assert {one["name"]: one["share"]["met"] for one in said["sets"]}["kbd-ru"] is False
    assert {one["name"]: one["share"]["available"] for one in said["sets"]}["ab-kbd"] == 0


def test_what_is_excluded_is_in_no_pair_nor_is_a_copy(preparing, tmp_path, write_table):
    rows = [
        ("kbd", "ru", "Щӏэныгъэ лэжьыгъэ", "научная работа", "", "x"),
        ("kbd", "ru", "щ1эныгъэ лэжьыгъэр", "труд учёного", "", "x"),
        ("kbd", "ru", "гъатхэ", "весна", "", "x"), ("kbd", "ru", "дыгъэ", "солнце", "", "x"),
    ]  # fmt: skip
    exclude = write_table(
        tmp_path / "test.tsv",
        [("kbd", "щэныгъэ лэжьыгъэ."), ("ru", "ВЕСНА!")], ("lang", "text"),
    )  # fmt: skip
    said = preparing(rows, {"exclude": [str(exclude)]})
    assert said.rows() == [rows[3]] and said["left_out"] == {"excluded": 3}
    said = preparing(rows, {"exclude": [str(exclude)]}, apart=100)
    assert said.rows() == [rows[1], rows[3]]
    with pytest.raises(CorpusError, match="no pair is left.*excluded 4"):
        preparing(rows, {"exclude": [str(tmp_path / "in.tsv")]})


def test_what_is_written_is_read_back(preparing):
    hostile = [
        'a "quoted" text', "'single", "tail\\", "#not a comment", "a\u2028b", "a\x85b", "=1+1 a",
        "пример\u00a0один", "<b>&amp;</b>", "a | b", "-- a", "𝔘nicode a", "é e\u0301",
    ]  # fmt: skip
    rows = [("ru", "en", f"слово {at}", text, f"g{at}", "o") for at, text in enumerate(hostile)]
    result = preparing([*rows, ("ru", "en", "нуль", "a\0b", "", "o")], dev=Amount(2))
    assert [reject.kind for reject in result.rejects] == ["NUL byte"]
    back = [
        item
        for split in SPLITS
        for item in read_corpus(result.out / f"{split}.tsv")
    ]
    assert all(isinstance(item, Sentence) for item in back)
    source = [i for i in read_corpus(result.out.parent / "in.tsv") if isinstance(i, Sentence)]

    def said(items):
        return sorted((item.lang, item.text, item.group, item.origin) for item in items)

    # The last row gives no pair: one of its texts was rejected.
    assert said(back) == said(source)
    assert result.prepared.respaced == 0


def test_tabs_and_line_breaks_become_spaces(tmp_path):
    source = tmp_path / "in.jsonl"
    texts = {"text_a": "слово\tи\nслово", "text_b": "a word\r\nand \"another\""}
    source.write_text(json.dumps({"lang_a": "ru", "lang_b": "en", **texts}) + "\n")
    out = tmp_path / "out"
    done = prepare([str(source)], out, on_reject=pytest.fail)
    assert done.respaced == 2
    (unit,) = read_units([out / "train.tsv"], on_reject=pytest.fail)
    assert [side.text for side in unit] == ["слово и слово", 'a word and "another"']


def test_the_report_names_every_pair_that_was_left_out(preparing, tmp_path):
    rows = [
        ("ru", "kbd", "Вода холодная", "Псыр щIыIэщ", "g", "x"),
        ("kbd", "ru", "псыр щ1ы1эщ", "вода холодная", "", "y"),
        ("kbd", "ru", "псы", "вода", "", "y"), ("kbd", "ru", "дыгъэ", "солнце", "", "y"),
    ]  # fmt: skip
    report = tmp_path / "report.tsv"
    said = preparing(rows, {"report": str(report)}, min_words=1, most=1, seed=3)
    assert said["read"] == 4 and said["left_out"] == {"duplicate": 1, "mix": 2}
    head, *lines = report.read_text("utf-8").splitlines()
    assert head.split("\t")[1:7] == ["line", "reason", "lang_a", "lang_b", "text_a", "text_b"]
    listed = [line.split("\t")[1:7] for line in lines]
    assert ["3", "duplicate", "kbd", "ru", "псыр щ1ы1эщ", "вода холодная"] in listed
    (trained,) = said.rows()
    texts = {tuple(one[4:]) for one in listed} | {trained[2:4]}
    assert texts == {("Псыр щIыIэщ", "Вода холодная"), *(row[2:4] for row in rows[1:])}


def test_statistics_say_what_the_files_hold(tmp_path):
    out = tmp_path / "out"
    said = prepared(out, dev=Amount(40), drop=frozenset())
    assert json.loads((out / "statistics.json").read_text("utf-8")) == said
    for split in SPLITS:
        rows = rows_of(out / f"{split}.tsv")
        assert len(rows) == said["splits"][split]
        for one in said["sets"]:
            own = [row for row in rows if list(row[:2]) == one["languages"]]
            if not own:
                assert split not in one["splits"]
                continue
            figures = one["splits"][split]
            lengths = [len(row[3]) for row in own]
            assert figures["pairs"] == len(own)
            assert figures["lengths"]["b"]["characters"] == {
                "min": min(lengths), "mean": round(sum(lengths) / len(own), 2),
                "max": max(lengths),
            }  # fmt: skip
            assert figures["samples"] == [list(row[2:4]) for row in own[:3]]
    assert said["read"] == sum(said["splits"].values()) + sum(said["left_out"].values())
    card = (out / "README.md").read_text("utf-8")
    assert f"{said['splits']['train']:,} train" in card and str(tmp_path) not in card


def test_machine_translations_are_marked_and_can_be_left_out(preparing):
    rows = [
        ("kbd", "ru", "Псыр щIыIэщ", "Вода холодная", "", "mt:nllb"),
        ("kbd", "ru", "Уэшх къошх", "Идёт дождь", "", "x"),
    ]
    said = preparing(rows)
    assert [row[5] for row in said.rows()] == ["mt:nllb", "x"]
    assert said["sets"][0]["splits"]["train"]["machine"] == 1
    said = preparing(rows, machine=False)
    assert said.rows() == rows[1:] and said["left_out"] == {"machine": 1}


def test_near_duplicates_are_left_out_when_asked(preparing):
    text = "Сегодня утром поезд опоздал на целый час из-за снега", "The train was late for an hour"
    rows = [("ru", "en", text[0], text[1], "", "x"), ("ru", "en", text[0] + "!", text[1], "", "x")]
    assert preparing(rows)["splits"]["train"] == 2
    assert preparing(rows, near=90)["left_out"] == {"near": 1}


def test_what_cannot_be_done(preparing, tmp_path):
    rows = [("kbd", "ru", "псы", "вода", "", "x")]
    with pytest.raises(CorpusError, match="leaves none to train on"):
        preparing(rows, dev=Amount(1))
    with pytest.raises(CorpusError, match="no pair is left to train on, of 1: words 1"):
        preparing(rows, min_words=2)
    with pytest.raises(CorpusError, match="no pair is taken: languages 1"):
        preparing(rows, only=(("kbd", "en"),))
    with pytest.raises(CorpusError, match="no pairs; translations must"):
        preparing([("ru", "ru", "псы", "вода", "", "x")])
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="no flag is called 'x'"):
        PrepareOptions(drop=frozenset({"x"}))
