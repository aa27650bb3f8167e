"""``tm lookup``: matches, their JSON shape, segments from standard input, bad segments."""

from __future__ import annotations

import json
import re

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
    assert match == {
        "rank": 1, "quality": 100, "similarity": pytest.approx(1, abs=1e-3), "kind": "exact",
        "source": texts["water"]["ru"], "target": texts["water"]["kbd"],
        "source_id": "water-ru", "target_id": "water-kbd", "origin": "small.tsv",
        "source_origin": "small.tsv", "suggestion": None, "source_markup": None,
        "target_markup": None, "source_date": match["source_date"],
        "target_date": match["target_date"], "penalty": 0,
        "score": {
            "edits": 0, "length": 13, "edit_quality": 100, "deductions": [], "penalties": [],
            "context": None, "quality": 100,
        },
        "diff": [{"op": "equal", "text": "Вода холодная."}], "path": [], "part": None,
        "below": False,
    }  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", match["target_date"])


def test_every_spelling_of_the_palochka_is_the_same(run, small_index):
    for letter in "IӀӏ1l|":
        segment = f"Псыр щ{letter}ы{letter}эщ."
        _, out, _ = look_up(run, small_index, segment, "--from", "kbd", "--to", "ru", "--json")
        match = json.loads(out)["matches"][0]
        assert (match["kind"], match["target"]) == ("exact", "Вода холодная.")


def test_a_fuzzy_match(run, small_index):
    arguments = ["Вода очень холодная.", "--from", "ru", "--to", "en", "--json"]
    _, out, _ = look_up(run, small_index, *arguments, "--min-quality", 68)
    match = json.loads(out)["matches"][0]
    assert (match["kind"], match["target"]) == ("fuzzy", "The water is cold.")
    assert match["quality"] == 68  # 6 letters of 19 are new
    assert [change["op"] for change in match["diff"]] == ["equal", "insert", "equal"]
    assert match["diff"][1] == {"op": "insert", "text": " очень"}
    _, out, err = look_up(run, small_index, *arguments, "--min-similarity", 1)
    match = json.loads(out)["matches"][0]
    assert (match["quality"], match["below"], err) == (68, True, "")


def test_what_differs_is_marked_and_explained(run, small_index):
    arguments = ["Вода очень холодная", "--from", "ru", "--to", "kbd", "--min-quality", 50]
    _, out, _ = look_up(run, small_index, *arguments, "--explain", "--penalty", "small*=7")
    assert "Вода{+ очень+} холодная[-.-]" in out
    assert "−7 small.tsv" in out
    assert "68 (6 edits in 19 letters) − 1 punctuation − 7 small.tsv = 60" in out
    _, out, _ = look_up(run, small_index, *arguments, "--penalty", "mt=7")
    assert "edits" not in out and "quality  67" in out


def test_the_nearest_below_the_thresholds(run, small_index):
    code, out, err = look_up(
        run, small_index, "Вода очень холодная.", "--from", "ru", "--to", "en", "--no-semantic"
    )
    assert code == 0 and "below the threshold" in out and "similarity" not in out
    assert err == "Nothing reaches quality 70; this is the nearest below.\n"


def test_a_pivot(run, write, tmp_path):
    rows = "id\tlang\ttext\tgroup\n" + "".join(
        f"{lang}-{group}\t{lang}\t{text}\t{group}\n"
        for group, lang, text in [
            ("a", "kbd", "Псыр щIыIэщ."), ("a", "ru", "Вода холодная."),
            ("b", "ru", "вода холодная."), ("b", "tr", "Su soğuk."),
        ]
    )  # fmt: skip
    index = tmp_path / "i"
    assert run("build", write("a.tsv", rows), "--index", index).code == 0
    arguments = ["Псыр щ1ы1эщ.", "--from", "kbd", "--to", "tr"]
    code, out, _ = look_up(run, index, *arguments)
    assert code == 0 and "pivot     quality  95" in out and "−5 pivot" in out
    lines = [line.split() for line in out.splitlines()[1:]]
    assert lines == [
        ["kbd", "Псыр", "щIыIэщ."], ["ru", "Вода", "холодная."], ["tr", "Su", "soğuk."],
    ]  # fmt: skip
    for more, found in [(["--pivot", "rus,en"], 1), (["--pivot", "en"], 0), (["--no-pivot"], 0)]:
        _, out, _ = look_up(run, index, *arguments, *more, "--json")
        assert len(json.loads(out)["matches"]) == found


LINES = ["Вода холодная.", "", "Хлеб тёплый.", "Идёт дождь.", "Вода холодная."]


@pytest.fixture(scope="module")
def document_index(tmp_path_factory):
    """A memory of LINES as a document, of which TSV has no order: built from sentences."""
    from searchkbd.corpus.sentence import Place, Sentence
    from searchkbd.encoders import load_encoder
    from searchkbd.index.writer import build_index

    said = [line for line in LINES if line]
    between = zip(said, ["", *said], [*said[1:], ""], strict=False)
    sentences = [
        Sentence(
            f"{lang}{n}", lang, text if lang == "ru" else f"псы {n}", f"g{n}", "o", None,
            Place("t", n), previous=previous, next=following,
            context="last" if n == 3 else None,
        )
        for n, (text, previous, following) in enumerate(between)
        for lang in ("ru", "kbd")
    ]  # fmt: skip
    directory = tmp_path_factory.mktemp("document") / "i"
    build_index(directory, sentences, load_encoder())
    return directory


def test_lines_of_a_document_are_neighbours(run, document_index):
    options = ["--from", "ru", "--to", "kbd", "--json"]
    for more, kind in [(["--document"], "context"), ([], "exact")]:
        _, out, _ = look_up(run, document_index, *options, *more, stdin="\n".join(LINES))
        found = [json.loads(line)["matches"][:1] for line in out.splitlines()]
        assert [bool(each) for each in found] == [bool(line) for line in LINES]
        assert {each[0]["kind"] for each in found if each} == {kind}
        if kind == "context":
            assert [each[0]["target"] for each in found if each] == [f"псы {n}" for n in range(4)]


def test_the_context_of_one_segment(run, document_index):
    for more, target in [
        (["--next", "Хлеб тёплый."], "псы 0"),
        (["--previous", "", "--next", "хлеб  тёплый."], "псы 0"),
        (["--previous", "Идёт дождь."], "псы 3"),
        (["--key", "last"], "псы 3"),
    ]:
        _, out, _ = look_up(
            run, document_index, "Вода холодная.", "--from", "ru", "--to", "kbd", "--json", *more
        )
        best = json.loads(out)["matches"][0]
        assert (best["kind"], best["quality"], best["target"]) == ("context", 101, target)
        assert best["score"]["context"] == ("key" if "--key" in more else "neighbours")


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
        (["вода", "--from", "ru", "--to", "kbd", "--penalty", "mt"], "ORIGIN=N"),
        (["вода", "--from", "ru", "--to", "kbd", "--penalty", "mt=101"], "ORIGIN=N"),
        (["вода", "--from", "ru", "--to", "kbd", "--pivot", "en", "--no-pivot"], "contradict"),
        (["вода", "--from", "ru", "--to", "kbd", "--pivot", "xx"], "'xx'"),
        (["вода", "--from", "ru", "--to", "kbd", "--document"], "standard input"),
        (["--from", "ru", "--to", "kbd", "--previous", "да"], "SEGMENT"),
        (["ы" * 20_001, "--from", "ru", "--to", "kbd"], "20000"),
    ],
)
def test_what_cannot_be_looked_up(run, small_index, arguments, said):
    code, out, err = look_up(run, small_index, *arguments)
    assert (code, out) == (2, "") and said in err
