"""``export``: its JSON, standard output, what it refuses, and an end in the middle of it."""

from __future__ import annotations

import io
import json
import signal
import time
from random import Random

import pytest
from translate.storage import tmx

from searchkbd.corpus.read import read_corpus
from searchkbd.index.writer import build_index


def exported(run, index, *arguments):
    return run("export", "--index", index, *arguments)


def test_the_shape_of_json(run, small_index, tmp_path):
    out = tmp_path / "memory.tmx"
    code, said, err = exported(run, small_index, "-o", out, "--from", "ru", "--to", "kbd", "--json")
    assert (code, err) == (0, "")
    shape = json.loads(said)
    seconds = shape.pop("seconds")
    assert shape == {
        "index": str(small_index), "out": str(out), "format": "tmx", "units": 3, "sentences": 6,
        "languages": {"kbd": 3, "ru": 3}, "altered": 0,
    }  # fmt: skip
    assert 0 <= seconds < 60
    memory = tmx.tmxfile(io.BytesIO(out.read_bytes()))
    assert memory.translate("Вода холодная.", "ru", "kbd") == "Псыр щIыIэщ."


def test_what_is_said(run, small_index, tmp_path):
    code, out, err = exported(run, small_index, "-o", tmp_path / "a.csv")
    assert (code, err) == (0, "")
    assert out.startswith(f"{tmp_path / 'a.csv'}: 4 units, 17 sentences (ru 4, en 4, kbd 3, ")


def test_standard_output_has_the_export_and_nothing_else(run, small_index):
    code, out, err = exported(run, small_index, "-o", "-", "--format", "jsonl", "--group", "train")
    assert code == 0
    assert [json.loads(line)["lang"] for line in out.splitlines()] == ["ru", "en"]
    assert "standard output: 1 unit, 2 sentences" in err
    code, out, err = exported(run, small_index, "-o", "-", "--format", "csv", "--json")
    assert (code, json.loads(err)["sentences"], out.count("\n")) == (0, 17, 18)


def test_an_export_is_built_from(run, small_index, tmp_path):
    exported(run, small_index, "-o", tmp_path / "all.csv.gz")
    code, out, _ = run("build", tmp_path / "all.csv.gz", "--index", tmp_path / "again")
    assert code == 0 and "17 sentences added" in out


def test_filters_reach_the_export(run, small_index, tmp_path):
    def units(*arguments) -> int:
        return json.loads(
            exported(run, small_index, "-o", tmp_path / "x.tsv", "--json", *arguments).out
        )["units"]

    assert units() == 4
    assert units("--from", "rus", "--to", "kbd-RU") == 3
    assert units("--query", "ВОДА") == 1
    assert units("--origin", "small.*") == 4
    assert units("--since", "2020-01-01") == 4
    assert units("--group", "rain", "--id", "train-en") == 2


def test_altered_texts_make_the_exit_code_1(run, write, tmp_path):
    line = '{"id": "1", "lang": "en", "text": "one\\ttwo", "group": "g"}'
    assert run("build", write("t.jsonl", line), "--index", tmp_path / "i").code == 0
    code, _, err = exported(run, tmp_path / "i", "-o", tmp_path / "t.tsv")
    assert code == 1 and "1 text had characters that this format cannot hold" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "x.xlf"], "--from LANG --to LANG"),
        (["-o", "x"], "--format tmx"),
        (["-o", "-"], "standard output"),
        (["-o", "-", "--format", "tatoeba"], "name a directory"),
        (["-o", ""], "empty"),
        ([], "-o"),
        (["-o", "x.tmx", "--from", "ru", "--to", "ru-RU"], "both ru"),
        (["-o", "x.tmx", "--since", "yesterday"], "2026-11-24"),
        (["-o", "x.tmx", "--until", "2026-02-30"], "2026-02-30"),
        (["-o", "x.tmx", "--since", "2026-1-1"], "2026-11-24"),
        (["-o", "x.tmx", "--query", "..."], "no letter or digit"),
        (["-o", "x.tmx", "--from", "de"], "no sentences in de"),
        (["-o", "x.tmx", "--pairs"], "--pairs"),
        (["-o", "none/x.tmx"], "none: no such directory"),
    ],
)
def test_what_is_refused(run, small_index, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    code, out, err = exported(run, small_index, *arguments)
    assert (code, out) == (2, "") and said in err
    assert list(tmp_path.iterdir()) == []


def test_the_index_is_not_written_into(run, small_index):
    for out in (small_index / "x.tmx", small_index, small_index / "new" / ".." / "index.db"):
        code, _, err = exported(run, small_index, "-o", out, "--format", "tmx")
        assert code == 2 and "inside the index directory" in err


def test_no_index(run, tmp_path):
    code, _, err = exported(run, tmp_path / "none", "-o", tmp_path / "x.tmx")
    assert code == 2 and "no such index" in err
    assert not (tmp_path / "x.tmx").exists()


@pytest.fixture(scope="module")
def large_index(tmp_path_factory, trigrams):
    """An index of texts so long, and so hard to compress, that an export takes a while."""
    folder = tmp_path_factory.mktemp("large")
    random = Random(1)
    texts = [f"{random.getrandbits(30_000):x}" for _ in range(120)]
    lines = [json.dumps({"lang": "en", "text": text, "group": text[:9]}) for text in texts]
    (folder / "t.jsonl").write_text("\n".join(lines), "utf-8")
    build_index(folder / "index", read_corpus(folder / "t.jsonl"), trigrams)
    return folder / "index"


def test_an_interrupted_export_leaves_what_was_there(start, large_index, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    out = folder / "x.tmx.xz"  # slow to compress
    out.write_bytes(b"old")
    running = start("export", "--index", large_index, "-o", out)
    while not [path for path in folder.iterdir() if path != out]:
        assert running.poll() is None
        time.sleep(0.005)
    running.send_signal(signal.SIGINT)
    assert running.wait(30) == 2
    assert b"interrupted" in running.stderr.read()
    assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [("x.tmx.xz", b"old")]


def test_whoever_reads_may_have_enough(start, large_index):
    running = start("export", "--index", large_index, "-o", "-", "--format", "tmx")
    assert running.stdout.readline() == b'<?xml version="1.0" encoding="UTF-8"?>\n'
    running.stdout.close()
    assert running.wait(30) == 0
    assert b"Traceback" not in running.stderr.read()
