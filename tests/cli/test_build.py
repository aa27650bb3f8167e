"""``build``: what good input gives, in every form it may come in."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma

import pytest
import zstandard

from searchkbd.index.reader import IndexReader

PAIRS = "Псыр щIыIэщ.\tВода холодная.\nУэшх къошх.\tИдёт дождь.\n"


def stored(index) -> set[tuple[str, str, str]]:
    """(id, lang, text) of every sentence."""
    with IndexReader(index) as reader:
        return set(reader.connection.execute("SELECT id, lang, text FROM sentences"))


def test_a_build_is_told_and_complete(run, sentences_file, tmp_path):
    code, out, err = run("build", sentences_file, "--index", tmp_path / "i")
    assert code == 0 and not err
    assert "17 sentences added" in out and "ru 4" in out and str(tmp_path / "i") in out
    assert len(stored(tmp_path / "i")) == 17
    assert sorted(p.name for p in tmp_path.iterdir()) == ["i"]
    assert run("verify", "--index", tmp_path / "i").code == 0


def test_json_of_a_build(run, write, tmp_path):
    file = write("a.tsv", "id\tlang\ttext\tgroup\n1\tru\tСнег.\tg\n2\tru\tСнег.\tg\n3\tde\t…\tg\n")
    code, out, _ = run("build", file, "--index", tmp_path / "i", "--json", "--no-cache")
    shape = json.loads(out)
    assert code == 1
    assert shape["seconds"] >= 0 and shape.pop("seconds") is not None
    assert shape == {
        "index": str(tmp_path / "i"), "read": 2, "added": 1, "merged": 1, "rejected": 1,
        "repaired": 0, "languages": {"ru": 1}, "total": 1, "encoded": 1, "cached": 0,
        "rejects": str(tmp_path / "i.rejects.tsv"),
    }  # fmt: skip


def test_the_demonstration(run, tmp_path):
    code, out, err = run("build", "--demo", "--index", tmp_path / "i", "--json")
    shape = json.loads(out)
    assert (code, err, shape["rejected"], shape["merged"]) == (0, "", 0, 0)
    assert set(shape["languages"]) == {"kbd", "ru", "en", "fr", "tr"}


def test_an_existing_index_needs_add_or_replace(run, write, sentences_file, tmp_path):
    index = tmp_path / "i"
    run("build", sentences_file, "--index", index)
    more = write("more.txt", "Снег белый.\n")
    before = stored(index)
    code, out, err = run("build", more, "--lang", "ru", "--index", index)
    assert (code, out) == (2, "") and "--add" in err and "--replace" in err
    assert stored(index) == before
    code, out, _ = run("build", more, "--lang", "ru", "--index", index, "--add")
    assert code == 0 and "1 sentence added" in out and "18 in all" in out
    assert stored(index) == before | {("more.txt:1", "ru", "Снег белый.")}
    code, out, _ = run("build", more, "--lang", "ru", "--index", index, "--add")
    assert code == 0 and "1 duplicate merged" in out
    assert len(stored(index)) == 18
    assert run("build", more, "--lang", "ru", "--index", index, "--replace").code == 0
    assert stored(index) == {("more.txt:1", "ru", "Снег белый.")}
    assert run("verify", "--index", index, "--json").code == 0
    code, _, err = run("build", more, "--lang", "ru", "--index", index, "--add", "--replace")
    assert code == 2 and "--replace" in err


@pytest.mark.parametrize("tag", ["rus", "ru-RU", "RU", "ru_RU", "ru-Cyrl"])
def test_language_codes_are_folded(run, write, tmp_path, tag):
    file = write("a.tsv", f"id\tlang\ttext\n1\t{tag}\tСнег белый.\n")
    assert run("build", file, "--index", tmp_path / "i").code == 0
    plain = write("b.txt", "Дождь идёт.\n")
    assert run("build", plain, "--lang", tag, "--index", tmp_path / "i", "--add").code == 0
    assert {lang for _, lang, _ in stored(tmp_path / "i")} == {"ru"}


def test_other_languages_are_stored_with_a_note(run, write, tmp_path):
    file = write("a.tsv", "id\tlang\ttext\n1\tdeu\tDer Schnee ist weiß.\n2\tru\tСнег белый.\n")
    code, _, err = run("build", file, "--index", tmp_path / "i")
    assert code == 0 and "not made for de (1)" in err
    code, out, _ = run("search", "Schnee", "--index", tmp_path / "i", "--lang", "de", "--json")
    assert code == 0 and [hit["id"] for hit in json.loads(out)["hits"]] == ["1"]


def test_languages_are_detected(run, write, tmp_path):
    lines = {
        "kbd": "Сэ нобэ унэм сыщыIэщ, пщэдей къалэм сыкIуэнущ.",
        "ru": "Сегодня я дома, а завтра поеду в город.",
        "en": "Today I am at home, and tomorrow I will go to the city.",
        "fr": "Aujourd'hui je suis chez moi et demain j'irai en ville.",
        "tr": "Bugün evdeyim, yarın ise şehre gideceğim.",
    }
    file = write("a.txt", "\n".join(lines.values()))
    assert run("build", file, "--lang", "auto", "--index", tmp_path / "i").code == 0
    assert {lang: text for _, lang, text in stored(tmp_path / "i")} == lines


@pytest.mark.parametrize("name", ["pairs.tsv", "pairs.txt", "pairs"])
def test_a_file_of_pairs(run, write, tmp_path, name):
    file = write(name, PAIRS)
    assert run("build", file, "--langs", "kbd,ru", "--index", tmp_path / "i").code == 0
    assert stored(tmp_path / "i") == {
        (f"{name}:1:kbd", "kbd", "Псыр щIыIэщ."), (f"{name}:1:ru", "ru", "Вода холодная."),
        (f"{name}:2:kbd", "kbd", "Уэшх къошх."), (f"{name}:2:ru", "ru", "Идёт дождь."),
    }  # fmt: skip
    code, out, _ = run(
        "tm", "lookup", "Идёт дождь.", "--from", "ru", "--to", "kbd", "--index", tmp_path / "i",
        "--json",
    )  # fmt: skip
    assert code == 0 and json.loads(out)["matches"][0]["target"] == "Уэшх къошх."


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [
        (".gz", gzip.compress),
        (".bz2", bz2.compress),
        (".xz", lzma.compress),
        (".zst", zstandard.ZstdCompressor().compress),
    ],
)
def test_compressed_files(run, write, sentences_file, tmp_path, suffix, compress):
    file = write("small.tsv" + suffix, compress(sentences_file.read_bytes()))
    code, out, _ = run("build", file, "--index", tmp_path / "i")
    assert code == 0 and "17 sentences added" in out


def test_standard_input(run, process, sentences_file, tmp_path):
    data = sentences_file.read_bytes()
    assert run("build", "-", "--index", tmp_path / "i", stdin=data).code == 0
    code, _, err = process("build", "-", "--index", tmp_path / "j", stdin=gzip.compress(data))
    assert (code, err) == (0, "")
    assert stored(tmp_path / "i") == stored(tmp_path / "j")
    assert len(stored(tmp_path / "i")) == 17


def test_several_files_share_groups_and_keep_their_names_apart(run, tmp_path):
    for folder, text in (("a", "Снег белый."), ("b", "Трава зелёная.")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.txt").write_text(text + "\n", "utf-8")
    code, out, _ = run(
        "build", tmp_path / "a" / "x.txt", tmp_path / "b" / "x.txt", "--lang", "ru",
        "--index", tmp_path / "i",
    )  # fmt: skip
    assert code == 0 and "2 sentences added" in out
    assert len({id for id, _, _ in stored(tmp_path / "i")}) == 2


def test_columns_delimiter_encoding_and_origin(run, write, tmp_path):
    file = write("a.csv", "nr;Satz\n7;Вода холодная.\n".encode("cp1251"))
    code, _, err = run(
        "build", file, "--index", tmp_path / "i", "--lang", "ru", "--column", "id=nr",
        "--column", "text=Satz", "--delimiter", ";", "--encoding", "cp1251", "--origin", "notes",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert stored(tmp_path / "i") == {("7", "ru", "Вода холодная.")}
    assert json.loads(run("info", "--index", tmp_path / "i", "--json").out)["origins"] == {
        "notes": 1
    }


def test_repair_can_be_switched_off(run, write, tmp_path):
    file = write("a.txt", "Вода очень холодная.".encode().decode("latin-1") + "\n")
    code, out, _ = run("build", file, "--lang", "ru", "--index", tmp_path / "i")
    assert code == 0 and "1 sentence repaired" in out
    assert {text for _, _, text in stored(tmp_path / "i")} == {"Вода очень холодная."}
    run("build", file, "--lang", "ru", "--index", tmp_path / "j", "--no-repair")
    assert "Вода очень холодная." not in {text for _, _, text in stored(tmp_path / "j")}


@pytest.mark.parametrize("where", [".", "../next", "a/b/c", ".."])
def test_indexes_may_be_anywhere(run, write, tmp_path, monkeypatch, where):
    """Also where the directory has no name of its own to call the report after."""
    file = write("a.txt", "Снег белый.\n…\n")
    here = tmp_path / "up" / "here"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    code, _, err = run("build", file, "--lang", "ru", "--index", where)
    if where == "..":
        assert code == 2 and "holds other things (here)" in err
        return
    assert code == 1
    index = (here / where).resolve()
    assert (index.parent / f"{index.name}.rejects.tsv").is_file()
    assert run("verify", "--index", where).code == 0


def test_the_index_may_be_named_by_the_environment(run, sentences_file, tmp_path, monkeypatch):
    monkeypatch.setenv("SEARCHKBD_INDEX", str(tmp_path / "i"))
    assert run("build", sentences_file).code == 0
    assert "17 sentences" in run("info").out


@pytest.mark.parametrize(
    ("name", "content", "options", "left"),
    [
        ("lines.txt", "ЩIалэр къэкIуащ\nщ1алэр къэк1уащ\nАр къэкIуащ\n" * 50, ["--lang", "kbd"], 2),
        ("pairs.tsv", "псы\tвода\nПсы\tВода\nпсы\tрека\n" * 50, ["--langs", "kbd,ru"], 4),
    ],
)
def test_repeated_rows_without_groups_merge(run, write, tmp_path, name, content, options, left):
    path = write(name, content)
    code, out, _ = run("build", path, "--index", tmp_path / "i", "--json", *options)
    summary = json.loads(out)
    assert code == 0
    assert summary["added"] == left and summary["merged"] == summary["read"] - left
    code, out, _ = run("build", path, "--index", tmp_path / "i", "--add", "--json", *options)
    assert code == 0 and json.loads(out)["added"] == 0
