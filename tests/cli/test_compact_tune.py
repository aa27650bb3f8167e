"""``compact``, ``tune``, and what ``info`` says of both."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from searchkbd.cli.main import run as run_command
from searchkbd.index import codes, tuning
from searchkbd.index.codes import TARGETS, Recall
from searchkbd.index.reader import IndexReader

WORDS = ["дом", "река", "вода", "хлеб", "стол", "рука", "школа", "поезд", "снег", "ветер"]
ORIGIN = "Собрание предложений о доме, реке, воде, хлебе, снеге, ветре и о том, что ещё бывает"


def table(first: int, last: int) -> str:
    lines = [
        f"s{n}\tru\t{WORDS[n % 10]} и {WORDS[n // 10 % 10]} {n}\n" for n in range(first, last)
    ]
    return "id\tlang\ttext\n" + "".join(lines)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """700 Russian sentences with codes, and three Kabardian ones."""
    folder = tmp_path_factory.mktemp("coded")
    more = "k0\tkbd\tПсыр щIыIэщ.\nk1\tkbd\tУэшх къошх.\nk2\tkbd\tЩакхъуэр хуабэщ.\n"
    (folder / "a.tsv").write_text(table(0, 700) + more, "utf-8")
    arguments = ["build", str(folder / "a.tsv"), "--origin", ORIGIN, "--index", str(folder / "i")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codes, "CODES_ROWS", 640)
        assert run_command(arguments) == 0
    return folder / "i"


@pytest.fixture
def coded(built, tmp_path, monkeypatch):
    """A copy to change."""
    monkeypatch.setattr(codes, "CODES_ROWS", 640)
    return Path(shutil.copytree(built, tmp_path / "i"))


def stored(index) -> list[tuple]:
    with IndexReader(index) as reader:
        return reader.connection.execute(
            "SELECT id, lang, text FROM sentences ORDER BY row"
        ).fetchall()


def test_compact(run, write, coded):
    file = write("b.tsv", table(700, 710))
    assert run("add", file, "--index", coded).code == 0
    assert run("delete", "--id", "s3", "--id", "s4", "--index", coded).code == 0
    before = stored(coded)
    code, out, err = run("compact", "--index", coded, "--json")
    assert (code, err) == (0, "")
    shape = json.loads(out)
    assert shape.pop("seconds") >= 0 and shape.pop("bytes_before") > 0
    assert shape.pop("bytes_after") == sum(p.stat().st_size for p in coded.rglob("*.*"))
    assert shape == {
        "index": str(coded), "segments_before": 3, "segments_after": 2,
        "sentences_written": 708, "codes_made": 1,
    }  # fmt: skip
    assert stored(coded) == before
    assert run("verify", "--index", coded).code == 0
    with IndexReader(coded) as reader:
        assert all(entry.live == entry.rows for entry in reader.segments)

    code, out, _ = run("compact", "--index", coded)
    assert code == 0 and "nothing to merge in 2 segments" in out
    assert "дом и река 10" in run("search", "дом и река 10", "--index", coded, "-k", "1").out


def test_compact_tells_what_it_did(run, coded):
    run("delete", "--query", "поезд", "--index", coded)
    with IndexReader(coded) as reader:
        count = len(reader.segments)
    out = run("compact", "--index", coded).out
    assert re.search(rf"{count} segments, now 2, \d+ sentences written", out)
    assert re.search(r"[\d.]+ ([kM]B|bytes) freed, in [\d.]+ s\n", out)


@pytest.mark.parametrize("command", ["compact", "tune"])
def test_there_has_to_be_an_index(run, tmp_path, command):
    code, out, err = run(command, "--index", tmp_path / "none")
    assert (code, out) == (2, "") and "searchkbd build" in err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("command", ["compact", "tune"])
def test_a_busy_index(run, coded, command):
    connection = sqlite3.connect(coded / "index.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    code, _, err = run(command, "--index", coded)
    connection.close()
    assert code == 2 and "is writing to this index" in err
    assert run(command, "--index", coded).code == 0


def test_tune(run, coded):
    code, out, err = run("tune", "--index", coded, "--target", "0.999", "--sample", "50", "--json")
    assert (code, err) == (0, "")
    shape = json.loads(out)
    assert shape["targets"] == {"fast": 0.95, "balanced": 0.999}
    (language,) = shape["languages"]
    assert (language["lang"], language["method"]) == ("ru", "pq")
    with IndexReader(coded) as reader:
        ((entry, _),) = reader.codes
    for level, target in ((Recall.FAST, 0.95), (Recall.BALANCED, 0.999)):
        said, effort = language[level.value], entry.efforts[level]
        assert said == {
            "candidates": effort.candidates, "lists": None, "recall": effort.recall,
            "reached": True,
        }  # fmt: skip
        assert effort.recall >= target
    out = run("tune", "--index", coded).out
    assert "Russian" in out and "balanced" in out and "tuned" in out
    assert max(map(len, out.splitlines())) <= 80 + len(str(coded))


def test_a_target_that_is_not_reached(run, coded, monkeypatch):
    monkeypatch.setattr(tuning, "_CANDIDATES", (1, 2))
    code, out, err = run("tune", "--index", coded, "--target", "1", "--json")
    assert code == 1
    (language,) = json.loads(out)["languages"]
    assert language["balanced"]["reached"] is False and language["balanced"]["recall"] < 1
    assert "ru: " in err and "--recall balanced, not 1" in err and "--recall exact" in err


def test_nothing_to_tune_is_no_failure(run, sentences_file, tmp_path):
    run("build", sentences_file, "--index", tmp_path / "i")
    code, out, err = run("tune", "--index", tmp_path / "i")
    assert (code, err) == (0, "") and "nothing to tune" in out
    code, out, _ = run("tune", "--index", tmp_path / "i", "--json")
    assert code == 0 and json.loads(out)["languages"] == []


def test_the_default_target_is_that_of_the_index(run):
    default = f"[default: what was asked for last, else {TARGETS[Recall.BALANCED]}]"
    assert default in " ".join(run("tune", "--help").out.split())


@pytest.mark.parametrize("options", [["--target", "0"], ["--target", "1.1"], ["--sample", "0"]])
def test_options_out_of_range(run, coded, options):
    assert run("tune", "--index", coded, *options).code == 2


def test_info(run, write, coded, monkeypatch):
    """How each language is searched, what has no codes yet, and what is deleted, in 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    run("add", write("b.tsv", table(700, 710)), "--index", coded)
    run("delete", "--id", "s3", "--id", "s4", "--id", "k1", "--index", coded)
    code, out, _ = run("info", "--index", coded)
    lines = out.splitlines()
    assert code == 0
    assert max(map(len, lines[1:])) <= 80
    origin = next(line for line in lines if line.startswith(f"  {ORIGIN[:50]}"))
    assert origin.endswith("…        700")
    heading = next(line for line in lines if "searched by" in line)
    at = lines.index(heading)
    ru, kbd = lines[at + 1], lines[at + 2]
    assert re.fullmatch(r"  ru   codes, [\d,]+ compared +65 +[01]\.\d{3} +10 +2", ru), ru
    assert re.fullmatch(r"  kbd  all vectors +1,024 +1\.000 +[01]", kbd), kbd
    assert len(heading) == len(ru) == len(kbd)
    assert "stored    in " in out and "deleted sentence" in out and "B codes" in out
    shape = json.loads(run("info", "--index", coded, "--json").out)
    (search,) = [one for one in shape["searches"] if one["lang"] == "ru"]
    assert (search["sentences"], search["deleted"], search["exact_sentences"]) == (708, 2, 10)


def test_info_of_a_small_index(run, small_index):
    out = run("info", "--index", small_index).out
    assert "search    exact: all vectors are compared, 1,024 bytes each" in out
    assert "searched by" not in out and "codes" not in out and "stored    in 5 segments\n" in out
