"""``add`` and ``replace``: what ``build --add`` and ``--replace`` do; the cache and the workers."""

from __future__ import annotations

import json

import pytest

from searchkbd.cache import encoder as cache_encoder
from searchkbd.cli import add, build, replace
from searchkbd.index.reader import IndexReader

MORE = "id\tlang\ttext\tgroup\nn1\tru\tСнег белый.\tsnow\nn2\ttr\tKar beyaz.\tsnow\n"
AGAIN = "w\tru\tВода холодная.\twater\n"


def stored(index) -> set[tuple[str, str, str]]:
    with IndexReader(index) as reader:
        return set(reader.connection.execute("SELECT id, lang, text FROM sentences"))


@pytest.fixture
def index(run, sentences_file, tmp_path):
    assert run("build", sentences_file, "--index", tmp_path / "i").code == 0
    return tmp_path / "i"


def test_add_is_build_add(run, write, index, sentences_file, tmp_path):
    file = write("more.tsv", MORE + AGAIN)
    run("build", sentences_file, "--index", tmp_path / "other")
    shapes = []
    for command in (["add", file, "--index", index],
                    ["build", file, "--add", "--index", tmp_path / "other"]):  # fmt: skip
        code, out, err = run(*command, "--no-cache", "--json")
        assert (code, err) == (0, "")
        shapes.append(json.loads(out))
        del shapes[-1]["index"], shapes[-1]["seconds"]
    assert shapes[0] == shapes[1]
    assert (shapes[0]["added"], shapes[0]["merged"], shapes[0]["total"]) == (2, 1, 19)
    assert stored(index) == stored(tmp_path / "other")
    assert run("verify", "--index", index).code == 0


def test_replace_is_build_replace(run, write, index):
    code, out, _ = run("replace", write("more.tsv", MORE), "--index", index)
    assert code == 0 and "2 sentences added" in out
    assert {text for _, _, text in stored(index)} == {"Снег белый.", "Kar beyaz."}
    code, out, _ = run("build", write("w.tsv", MORE + AGAIN), "--replace", "--index", index)
    assert code == 0 and len(stored(index)) == 3


def test_replace_builds_where_nothing_is(run, write, tmp_path):
    assert run("replace", write("more.tsv", MORE), "--index", tmp_path / "new").code == 0
    assert len(stored(tmp_path / "new")) == 2


def test_add_needs_an_index(run, write, tmp_path):
    file = write("more.tsv", MORE)
    for place in ("new", "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        code, out, err = run("add", file, "--index", tmp_path / place)
        assert (code, out) == (2, "") and "searchkbd build" in err
    assert not (tmp_path / "new").exists() and not any((tmp_path / "empty").iterdir())
    # As before, build --add makes one.
    assert run("build", file, "--add", "--index", tmp_path / "new").code == 0


@pytest.mark.parametrize("command", ["add", "replace"])
def test_bad_rows_and_bad_files(run, write, index, command):
    before = stored(index)
    assert run(command, "--index", index).code == 2  # no FILE
    code, _, err = run(command, "gone.tsv", "--index", index)
    assert code == 2 and "gone.tsv" in err and stored(index) == before
    code, _, err = run(command, write("bad.tsv", MORE + "x\n"), "--index", index)
    assert code == 1 and "1 row rejected" in err
    assert {"Снег белый.", "Kar beyaz."} <= {text for _, _, text in stored(index)}


def test_the_options_are_those_of_build():
    names = [
        {parameter.name for parameter in command.params}
        for command in (add.command, replace.command)
    ]
    only_build = {"demo", "add", "replace", "resume"}
    assert names == [{p.name for p in build.command.params} - only_build] * 2


def test_the_cache(run, write, tmp_path):
    """What was encoded once is not encoded again; --no-cache neither reads nor writes."""
    file = write("a.tsv", "lang\ttext\nru\tЗелёный кот на крыше.\nru\tКот зелёный на крыше.\n")

    def built(place: str, *more: str) -> tuple[int, int]:
        shape = json.loads(run("build", file, "--index", tmp_path / place, "--json", *more).out)
        return shape["encoded"], shape["cached"]

    assert built("a", "--no-cache") == (2, 0)
    assert built("b") == (2, 0)
    assert built("c") == (0, 2)
    assert built("d", "--no-cache") == (2, 0)
    out = run("build", file, "--index", tmp_path / "e").out
    assert "2 sentences taken from the embedding cache, 0 encoded" in out
    vectors = []
    for place in "abcde":
        with IndexReader(tmp_path / place) as reader:
            vectors.append(reader.vectors([1, 2]).tobytes())
    assert len(set(vectors)) == 1


def test_an_edit_is_cached_too(run, index, tmp_path, write):
    edited = ("edit", "water-ru", "Вода в реке ледяная.", "--index", index)
    assert run(*edited, "--no-cache").code == 0
    file = write("a.txt", "Вода в реке ледяная.\n")

    def cached(place: str) -> int:
        out = run("build", file, "--lang", "ru", "--index", tmp_path / place, "--json").out
        return json.loads(out)["cached"]

    assert cached("a") == 0
    assert run("edit", "bread-ru", "Хлеб сегодня чёрствый.", "--index", index).code == 0
    file = write("b.txt", "Хлеб сегодня чёрствый.\n")
    assert cached("b") == 1


def test_the_cache_is_turned_off_by_its_bound(run, write, tmp_path, monkeypatch):
    monkeypatch.setenv("SEARCHKBD_CACHE_MAX", "0")
    file = write("a.tsv", "lang\ttext\nru\tСиний дом у реки.\n")
    for place in ("a", "b"):
        out = run("build", file, "--index", tmp_path / place, "--json").out
        assert json.loads(out)["encoded"] == 1
    monkeypatch.setenv("SEARCHKBD_CACHE_MAX", "much")
    code, _, err = run("build", file, "--index", tmp_path / "c")
    assert code == 2 and "SEARCHKBD_CACHE_MAX" in err and not (tmp_path / "c").exists()


def test_a_cache_that_cannot_be_written_is_told(run, write, tmp_path, monkeypatch):
    write("embeddings", "a file where a directory should be")
    monkeypatch.setattr(cache_encoder, "cache_directory", lambda: tmp_path)
    file = write("a.tsv", "lang\ttext\nru\tСиний дом у реки.\n")
    code, out, err = run("build", file, "--index", tmp_path / "i")
    assert code == 0 and "1 sentence added" in out
    assert "embeddings cannot be cached" in err and "SEARCHKBD_CACHE" in err


def test_workers_give_the_same_vectors(run, sentences_file, small_index, tmp_path):
    index = tmp_path / "i"
    code, out, _ = run(
        "build", sentences_file, "--index", index, "--workers", "2", "--no-cache", "--json"
    )
    assert code == 0 and json.loads(out)["encoded"] == 17
    with IndexReader(index) as one, IndexReader(small_index) as other:
        rows = list(range(1, 18))
        assert abs(one.vectors(rows) - other.vectors(rows)).max() < 1e-3
    assert run("build", sentences_file, "--index", index, "--workers", "0").code == 2
