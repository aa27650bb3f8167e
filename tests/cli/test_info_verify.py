"""``info`` and ``verify``."""

from __future__ import annotations

import json
import shutil
import sqlite3

import pytest


@pytest.fixture
def copied_index(small_index, tmp_path):
    return shutil.copytree(small_index, tmp_path / "copy")


def test_info_counts(run, small_index):
    code, out, err = run("info", "--index", small_index, "--json")
    assert (code, err) == (0, "")
    shape = json.loads(out)
    assert (shape["sentences"], shape["groups"], shape["dim"]) == (17, 4, 512)
    assert shape["languages"] == {"en": 4, "ru": 4, "fr": 3, "kbd": 3, "tr": 3}
    assert shape["origins"] == {"small.tsv": 17}
    assert shape["directory"] == str(small_index) and shape["encoder"] == "embedded"
    assert (shape["format"], shape["segments"], shape["deleted"]) == (4, 5, 0)
    assert shape["vector_bytes"] > 17 * 512 * 2 and shape["code_bytes"] == 0
    assert [(s["lang"], s["sentences"], s["method"]) for s in shape["searches"]] == [
        ("en", 4, "exact"), ("ru", 4, "exact"), ("fr", 3, "exact"), ("kbd", 3, "exact"),
        ("tr", 3, "exact"),
    ]  # fmt: skip
    assert {s["bytes_per_vector"] for s in shape["searches"]} == {1024}
    code, out, err = run("info", "--index", small_index)
    assert (code, err) == (0, "")
    assert "17 sentences in 4 translation groups" in out and shape["fingerprint"] in out
    assert "Kabardian" in out and "small.tsv" in out


def test_info_of_many_origins(run, write, tmp_path):
    rows = "".join(f"{n}\tru\tслово {n}\to{n:02}\n" for n in range(25))
    file = write("a.tsv", "id\tlang\ttext\torigin\n" + rows)
    run("build", file, "--index", tmp_path / "i")
    code, out, _ = run("info", "--index", tmp_path / "i")
    assert code == 0 and "o19" in out and "o20" not in out and "5 other origins" in out
    assert len(json.loads(run("info", "--index", tmp_path / "i", "--json").out)["origins"]) == 25


def test_a_sound_index(run, small_index):
    code, out, err = run("verify", "--index", small_index)
    assert (code, err) == (0, "")
    assert out == f"{small_index}: sound (17 sentences, 5 segments, 15 files)\n"
    code, out, err = run("verify", "--index", small_index, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "index": str(small_index), "ok": True, "sentences": 17, "segments": 5, "files": 15,
        "problems": [], "orphans": [],
    }  # fmt: skip


def test_a_damaged_index(run, copied_index):
    file = next((copied_index / "vectors").glob("kbd-*"))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    next((copied_index / "vectors").glob("tr-*")).unlink()
    connection = sqlite3.connect(copied_index / "index.db")
    with connection:
        connection.execute("UPDATE sentences SET text = 'другое' WHERE id = 'water-ru'")
    connection.close()
    code, out, _ = run("verify", "--index", copied_index)
    assert code == 1
    assert f"{file.name}: its content is not what was written (checksum)" in out
    assert "tr: 3 sentences, 0 in segments (3 sentences in none, 0 without a sentence)" in out
    assert "search key" in out and "1 sentences are not what was written" in out
    count = out.count("problem: ")
    last = f"{copied_index}: {count} problems (17 sentences, 5 segments, 15 files)"
    assert count >= 4 and out.splitlines()[-1] == last
    code, as_json, _ = run("verify", "--index", copied_index, "--json")
    shape = json.loads(as_json)
    assert code == 1 and shape["ok"] is False
    assert [f"problem: {problem}" for problem in shape["problems"]] == out.splitlines()[:-1]


def test_orphans_are_told_and_swept(run, copied_index, sentences_file):
    (copied_index / "vectors" / "ru-1-0.faiss").write_bytes(b"left over")
    (copied_index / "vectors" / ".writing-abc").write_bytes(b"left over")
    (copied_index / "vectors" / "notes.txt").write_text("the user's own")
    code, out, _ = run("verify", "--index", copied_index)
    assert code == 0 and "ru-1-0.faiss" in out and ".writing-abc" in out and "notes" not in out
    assert run("build", sentences_file, "--index", copied_index, "--add").code == 0
    assert json.loads(run("verify", "--index", copied_index, "--json").out)["orphans"] == []
    assert (copied_index / "vectors" / "notes.txt").exists()


def test_a_newer_format_is_refused(run, copied_index, sentences_file, edit_meta):
    edit_meta(copied_index, format="99")
    for arguments in (
        ["info"], ["verify"], ["search", "вода"], ["build", sentences_file, "--add"],
    ):  # fmt: skip
        code, out, err = run(*arguments, "--index", copied_index)
        assert (code, out) == (2, "") and "format 99" in err
