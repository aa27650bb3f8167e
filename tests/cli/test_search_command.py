"""``search``: hits, their JSON shape, queries from standard input, bad queries, broken pipes."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess

import pytest

from tests.index.helpers import execute

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX streams")


def answers(out: str) -> list[dict]:
    return [json.loads(line) for line in out.splitlines()]


def test_the_shape_of_json(run, small_index, texts):
    code, out, err = run("search", "вода", "--index", small_index, "-k", 2, "--json")
    assert (code, err) == (0, "")
    shape = json.loads(out)
    assert list(shape) == ["query", "lang", "mode", "hits"]
    assert (shape["query"], shape["lang"], shape["mode"]) == ("вода", "ru", "fused")
    assert [hit["rank"] for hit in shape["hits"]] == [1, 2]
    hit = shape["hits"][0]
    assert list(hit) == [
        "rank", "id", "lang", "text", "score", "similarity", "origin", "group", "translations",
    ]  # fmt: skip
    assert (hit["id"], hit["lang"], hit["text"]) == ("water-ru", "ru", texts["water"]["ru"])
    assert (hit["group"], hit["origin"]) == ("water", "small.tsv")
    assert 0 <= hit["score"] <= 1 and -1 <= hit["similarity"] <= 1
    assert sorted(tuple(t.values()) for t in hit["translations"]) == sorted(
        (f"water-{lang}", lang, text, "small.tsv")
        for lang, text in texts["water"].items()
        if lang != "ru"
    )
    assert all(list(t) == ["id", "lang", "text", "origin"] for t in hit["translations"])


def test_text_output(run, small_index, texts):
    code, out, err = run("search", "вода", "--index", small_index, "-k", 1)
    assert (code, err) == (0, "")
    assert all(text in out for text in texts["water"].values())
    assert "\x1b" not in out  # no colours off a terminal


@pytest.mark.parametrize("mode", ["semantic", "lexical", "fused"])
def test_modes(run, small_index, mode):
    code, out, _ = run("search", "Идёт дождь.", "--index", small_index, "--mode", mode, "--json")
    shape = json.loads(out)
    assert code == 0 and shape["mode"] == mode and shape["hits"][0]["id"] == "rain-ru"
    scores = [hit["score"] for hit in shape["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert all((hit["similarity"] is None) == (mode == "lexical") for hit in shape["hits"])


@pytest.mark.parametrize("mode", ["semantic", "fused"])
@pytest.mark.parametrize("langs", [["kbd"], ["en"], ["fr", "tr"], ["rus", "ru-RU"]])
def test_language_filters_do_not_shorten_the_list(run, small_index, texts, mode, langs):
    wanted = {"rus": "ru", "ru-RU": "ru"}
    wanted = {wanted.get(lang, lang) for lang in langs}
    present = sum(lang in wanted for group in texts.values() for lang in group)
    filters = [part for lang in langs for part in ("--lang", lang)]
    for k in (2, 10):
        code, out, _ = run(
            "search", "вода", "--index", small_index, "-k", k, "--mode", mode, "--json", *filters
        )
        hits = json.loads(out)["hits"]
        assert code == 0 and len(hits) == min(k, present)
        assert {hit["lang"] for hit in hits} <= wanted
        assert len({hit["id"] for hit in hits}) == len(hits)


def test_a_language_that_the_index_has_not(run, small_index):
    code, out, err = run("search", "вода", "--index", small_index, "--lang", "de", "--json")
    assert code == 0 and json.loads(out)["hits"] == []
    assert "no sentences in de" in err and "kbd" in err


def test_the_language_of_the_query_can_be_said(run, small_index):
    code, out, _ = run("search", "вода", "--index", small_index, "--from", "kbd", "--json")
    assert code == 0 and json.loads(out)["lang"] == "kbd"


def test_queries_from_standard_input(run, small_index):
    queries = ["вода", "Хлеб тёплый.", "It is raining.", "Su soğuk."] * 40
    code, out, err = run(
        "search", "--index", small_index, "-k", 1, "--json", stdin="\n".join(queries)
    )
    assert (code, err) == (0, "")
    assert [answer["query"] for answer in answers(out)] == queries
    tops = [answer["hits"][0]["id"] for answer in answers(out)]
    assert tops[1:4] == ["bread-ru", "rain-en", "water-tr"] and tops == tops[:4] * 40
    alone = json.loads(run("search", queries[1], "--index", small_index, "-k", 1, "--json").out)
    batched = answers(out)[1]
    assert batched["hits"][0].pop("similarity") == pytest.approx(
        alone["hits"][0].pop("similarity"), abs=1e-3
    )
    assert batched == alone


def test_queries_from_standard_input_as_text(run, small_index):
    code, out, _ = run("search", "--index", small_index, "-k", 1, stdin="вода\nхлеб\n")
    assert code == 0 and out.index("» вода") < out.index("» хлеб")


def test_bad_lines_do_not_keep_the_others_from_an_answer(run, small_index):
    lines = [
        b"\xef\xbb\xbf" + "вода\r".encode(), b"\xff\xfe", b"", "хлеб".encode(), b"   ",
        "ы".encode() * 50_000, "дождь".encode(),
    ]  # fmt: skip
    code, out, err = run(
        "search", "--index", small_index, "-k", 1, "--json", stdin=b"\n".join(lines)
    )
    assert code == 1
    found = answers(out)
    assert [bool(answer["hits"]) for answer in found] == [
        True, False, False, True, False, False, True,
    ]  # fmt: skip
    assert found[0]["query"] == "вода"
    assert all(list(answer) == ["query", "lang", "mode", "hits"] for answer in found)
    # Blank lines are in their place in the output, and no mistake.
    not_utf8, too_long = err.splitlines()
    assert not_utf8 == "standard input, line 2: not UTF-8 (byte 1)"
    assert too_long == "standard input, line 6: longer than 20000 characters"


def test_blank_lines_are_answered_and_are_no_failure(run, small_index):
    code, out, err = run(
        "search", "--index", small_index, "-k", 1, "--json", stdin="\nвода\n \t\n\n"
    )
    assert (code, err) == (0, "")
    assert [bool(answer["hits"]) for answer in answers(out)] == [False, True, False, False]


def test_nothing_on_standard_input(run, small_index):
    assert tuple(run("search", "--index", small_index, "--json")) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["search", ""], "the text to look for is empty"),
        (["search", " \t "], "the text to look for is empty"),
        (["search", "ы" * 20_001], "20000"),
        (["search", "вода", "-k", "0"], "-k"),
        (["search", "вода", "-k", "-3"], "-k"),
        (["search", "вода", "-k", "ten"], "-k"),
        (["search", "вода", "-k", "1001"], "-k"),
        (["search", "вода", "--lang", "xx"], "'xx' is not a registered language code"),
        (["search", "вода", "--lang", "klingonese"], "'klingonese'"),
        (["search", "вода", "--lang", ""], "--lang"),
        (["search", "вода", "--from", "xx"], "'xx' is not a registered language code"),
        (["search", "вода", "--mode", "magic"], "'lexical'"),
        (["search", "вода", "хлеб"], "хлеб"),
    ],
)
def test_what_cannot_be_searched_for(run, small_index, arguments, said):
    code, out, err = run(*arguments, "--index", small_index)
    assert (code, out) == (2, "") and said in err


@pytest.mark.parametrize(
    "arguments",
    [["search", "вода"], ["search"], ["info"], ["verify"],
     ["tm", "lookup", "вода", "--from", "ru", "--to", "kbd"]],
)  # fmt: skip
def test_what_is_no_index(run, write, tmp_path, arguments):
    """Every command says what is there instead, and how to make one."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "foreign").mkdir()
    connection = sqlite3.connect(tmp_path / "foreign" / "index.db")
    connection.execute("CREATE TABLE addresses (name)")
    connection.close()
    write("file", "x")
    for name, said in {
        "absent": "searchkbd build",
        "empty": "searchkbd build",
        "file": "a file",
        "foreign": "something else",
    }.items():
        code, out, err = run(*arguments, "--index", tmp_path / name, stdin="вода\n")
        assert (code, out) == (2, "") and said in err and str(tmp_path / name) in err


@pytest.fixture
def copied_index(small_index, tmp_path):
    return shutil.copytree(small_index, tmp_path / "copy")


def test_an_index_of_another_encoder(run, copied_index, edit_meta):
    edit_meta(copied_index, fingerprint="0123456789abcdef")
    for arguments in (
        ["search", "вода"], ["search"],
        ["tm", "lookup", "вода", "--from", "ru", "--to", "kbd"],
    ):  # fmt: skip
        code, out, err = run(*arguments, "--index", copied_index, stdin="вода\n")
        assert (code, out) == (2, "")
        assert err.count("embedded (") == 2 and "0123456789abcdef" in err and "--replace" in err
    # Words need no encoder
    assert run("search", "вода", "--index", copied_index, "--mode", "lexical").code == 0
    edit_meta(copied_index, encoder="another")
    code, _, err = run("search", "вода", "--index", copied_index)
    assert code == 2 and "another" in err and "embedded" in err


def test_an_index_that_is_damaged(run, copied_index):
    """Whatever is damaged, it is said and no traceback is printed."""
    whole = (copied_index / "index.db").read_bytes()
    failed = 0
    for page in range(1, len(whole) // 4096, 2):
        damaged = bytearray(whole)
        damaged[page * 4096 : page * 4096 + 100] = b"\xff" * 100
        (copied_index / "index.db").write_bytes(damaged)
        for arguments in (
            ["search", "вода"], ["info"],
            ["tm", "lookup", "Вода холодная.", "--from", "ru", "--to", "kbd"],
        ):  # fmt: skip
            code, _, err = run(*arguments, "--index", copied_index)
            assert code in (0, 2)
            if code:
                assert str(copied_index) in err
                assert "--replace" in err or "move the directory away" in err
                failed += 1
    assert failed > 10


def test_a_segment_without_its_vectors(run, copied_index):
    sql = "DELETE FROM files WHERE kind = 'vectors' AND name LIKE 'ru-%'"
    execute(copied_index, sql, sealed=True)
    for arguments in (
        ["search", "вода"], ["tm", "lookup", "Вода холодная.", "--from", "ru", "--to", "kbd"],
    ):  # fmt: skip
        code, out, err = run(*arguments, "--index", copied_index)
        assert (code, out) == (2, "") and "no file of vectors is named" in err
        assert str(copied_index) in err and "--replace" in err


def test_a_vector_without_its_sentence(run, copied_index):
    execute(copied_index, "DELETE FROM sentences WHERE id = 'water-ru'")
    code, _, err = run("search", "Вода холодная.", "--index", copied_index)
    assert code == 2 and "has no sentence" in err and "verify" in err


@pytest.mark.parametrize("file", ["vectors", "index.db"])
def test_a_file_that_is_gone(run, copied_index, file):
    path = copied_index / file
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    code, _, err = run("search", "вода", "--index", copied_index)
    assert code == 2 and str(copied_index) in err


def test_cyrillic_in_any_locale(process, small_index, texts):
    for env in (
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ):
        code, out, err = process(
            "search", "--index", small_index, "-k", 1, stdin="вода".encode(), env=env
        )
        assert (code, err) == (0, "") and texts["water"]["kbd"] in out


@posix
def test_an_argument_that_is_not_utf_8(process, small_index):
    code, out, err = process("search", os.fsdecode(b"\xff\xfe"), "--index", small_index)
    assert (code, out) == (2, "") and "UTF-8" in err


@pytest.mark.parametrize("columns", ["40", "1"])
def test_a_narrow_terminal(run, monkeypatch, small_index, texts, columns):
    monkeypatch.setenv("COLUMNS", columns)
    code, out, _ = run("search", "вода", "--index", small_index)
    assert code == 0
    assert max(map(len, out.splitlines())) <= max(40, int(columns))
    flat = " ".join(out.split())
    for group in texts.values():
        assert [text for text in group.values() if text not in flat] == []


def test_a_reader_that_goes_away(start, small_index, tmp_path):
    """``search … | head -1``: no message, and no failure either."""
    queries = tmp_path / "queries"
    queries.write_text("вода\n" * 1000, "utf-8")
    with queries.open("rb") as stdin:
        process = start("search", "--index", small_index, stdin=stdin)
        assert process.stdout.readline().decode() == "» вода\n"
        process.stdout.close()
        assert (process.wait(60), process.stderr.read()) == (0, b"")


@posix
def test_a_reader_of_output_and_errors_that_goes_away(start, small_index, tmp_path):
    queries = tmp_path / "queries"
    queries.write_bytes("вода\n".encode() + b"\xff\n" * 5000)
    with queries.open("rb") as stdin:
        process = start(
            "search", "--index", small_index, stdin=stdin, stderr=subprocess.STDOUT
        )
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 0


@posix
@pytest.mark.parametrize("closed", [0, 1, 2])
def test_closed_streams(process, small_index, copied_index, sentences_file, closed):
    """``<&-`` and the like: the database does not get the number of a closed stream."""

    def close() -> None:
        os.close(closed)

    for arguments in (
        ["search", "--index", copied_index],
        ["search", "вода", "--index", copied_index],
        ["verify", "--index", copied_index],
        ["build", sentences_file, "--index", copied_index, "--replace"],
    ):
        code, _, err = process(*arguments, stdin="вода\n".encode(), preexec_fn=close)
        assert (code, err) == (0, "")
    code, _, err = process("build", "-", "--index", copied_index, "--add", preexec_fn=close)
    assert code == 2
