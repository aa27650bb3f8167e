"""``build`` on bad input: a clear message or an itemised rejection, exit code 1 or 2."""

from __future__ import annotations

import gzip
import json
import sqlite3

import pytest

from searchkbd.index.reader import IndexReader

HEADER = "id\tlang\ttext\n"
GOOD = "1\tru\tВода холодная.\n"


def ids(index) -> set[str]:
    with IndexReader(index) as reader:
        return {id for (id,) in reader.connection.execute("SELECT id FROM sentences")}


def rejects(path) -> list[tuple[str, str]]:
    """(line, reason) of every row of a report."""
    header, *rows = path.read_text("utf-8").splitlines()
    assert header == "file\tline\treason\ttext"
    return [tuple(row.split("\t")[1:3]) for row in rows]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "a.tsv is empty"),
        ("\ufeff", "a.tsv is empty"),
        ("\n\n  \n", "no sentences (in {file})"),
        (HEADER, "no sentences (in {file})"),
        ("id\tlang\n1\tru\n", "a.tsv:1: missing column: no text"),
        ("id\ttext\n1\tВода\n", "a.tsv:1: missing column: no language"),
        ("id\ttext\ttext\n1\tа\tб\n", "a.tsv:1: duplicate column"),
        ("Вода\tхлеб\n", "a.tsv:1: missing column"),
        ("\0\0\0\0\0\0\0\0", "a.tsv:1: NUL byte"),
        (b"id\tlang\ttext\n" + "1\tru\tВода холодная\n".encode("cp1251") * 9, "--encoding"),
        (b"PK\x03\x04 and so on", "a zip archive or an office document"),
        (gzip.compress(b""), "a.tsv is empty"),
        (gzip.compress((HEADER + GOOD).encode())[:15], "a.tsv"),
    ],
)
def test_a_file_that_cannot_be_used_at_all(run, write, tmp_path, content, said):
    file = write("a.tsv", content)
    code, out, err = run("build", file, "--index", tmp_path / "i")
    assert (code, out) == (2, "")
    assert said.format(file=file) in err
    assert err.startswith("searchkbd: ") and err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.tsv"]


@pytest.mark.parametrize(
    ("content", "added", "reasons"),
    [
        (
            HEADER + "1\tru\tВода\n2\tru\n3\tru\tХлеб\tеще\n4\tru\tСнег\n",
            {"1", "4"},
            [("3", "wrong column count: 2 instead of 3"),
             ("4", "wrong column count: 4 instead of 3")],
        ),
        (
            (HEADER + GOOD).encode() + b"2\tru\t\xd0\n3\tru\ta\xffb\n" + "4\tru\tСнег".encode(),
            {"1", "4"},
            [("3", "not UTF-8: byte 6 of the line"), ("4", "not UTF-8: byte 7 of the line")],
        ),
        (HEADER + GOOD + "2\tru\tа\0б\n", {"1"}, [("3", "NUL byte")]),
        (HEADER + GOOD + "2\tru\tа\x07б\n", {"1"}, [("3", "control character: U+0007")]),
        (HEADER + GOOD + "2\tru\t \n3\tru\t…\n", {"1"}, [("3", "no text"), ("4", "no text")]),
        (
            HEADER + "1\tru\t" + "вода " * 400_000 + "\n2\tru\tСнег\n",
            {"2"},
            [("2", "text too long: 2000000 characters")],
        ),
        (
            HEADER + GOOD + "2\tklingonese\tnuqneH\n3\txx\ttaH\n",
            {"1"},
            [("3", "unknown language: not a language code: 'klingonese'"),
             ("4", "unknown language: 'xx'")],
        ),
        (
            HEADER + GOOD + "2\tru\tХлеб\n1\tru\tСовсем другое.\n",
            {"1", "2"},
            [("4", "duplicate id: '1' already stands for 'Вода холодная.'")],
        ),
        ("\ufeff" + HEADER + GOOD, {"1"}, []),
        ((HEADER + GOOD + "2\tru\tСнег\n").replace("\n", "\r\n"), {"1", "2"}, []),
        ((HEADER + GOOD + "2\tru\tСнег\n").replace("\n", "\r"), {"1", "2"}, []),
        ((HEADER + GOOD).encode("utf-16"), {"1"}, []),
        ((HEADER + GOOD).encode("utf-16-be"), {"1"}, []),
        (gzip.compress((HEADER + GOOD).encode()) + b"garbage", {"1"}, [("3", "unreadable")]),
    ],
    ids=["columns", "utf-8", "nul", "control", "no text", "2 MB", "language", "id twice", "bom",
         "crlf", "cr", "utf-16", "utf-16 without a mark", "damaged gzip"],
)  # fmt: skip
def test_bad_rows_are_counted_and_listed(run, write, tmp_path, content, added, reasons):
    file = write("a.tsv", content)
    code, out, err = run("build", file, "--index", tmp_path / "i")
    assert code == (1 if reasons else 0)
    assert ids(tmp_path / "i") == added
    report = tmp_path / "i.rejects.tsv"
    assert report.exists() == bool(reasons)
    if reasons:
        found = rejects(report)
        assert [line for line, _ in found] == [line for line, _ in reasons]
        for (_, reason), (_, expected) in zip(found, reasons, strict=True):
            assert reason.startswith(expected)
        assert f"{len(reasons)} row" in err and str(report) in err
        assert all(len(row) < 1000 for row in report.read_text("utf-8").splitlines())
    with IndexReader(tmp_path / "i") as reader:
        for (text,) in reader.connection.execute("SELECT text FROM sentences"):
            assert text == text.strip("\ufeff\r\n")


def test_100_000_duplicates(run, write, tmp_path):
    rows = "".join(f"{n}\tru\tОдно и то же.\tg\n" for n in range(100_000))
    file = write("a.tsv", "id\tlang\ttext\tgroup\n" + rows)
    code, out, _ = run("build", file, "--index", tmp_path / "i", "--json")
    shape = json.loads(out)
    assert (code, shape["added"], shape["merged"]) == (0, 1, 99_999)
    code, out, _ = run("search", "Одно и то же.", "--index", tmp_path / "i", "--json")
    assert [hit["id"] for hit in json.loads(out)["hits"]] == ["0"]


def test_when_every_row_is_rejected_nothing_is_built(run, write, tmp_path):
    file = write("a.tsv", HEADER + "1\tru\t…\n2\tru\t!!!\n")
    code, out, err = run("build", file, "--index", tmp_path / "i")
    assert (code, out) == (2, "")
    assert "all 2 rows were rejected" in err and str(file) in err
    assert str(tmp_path / "i.rejects.tsv") in err and "no text" in err
    assert len(rejects(tmp_path / "i.rejects.tsv")) == 2
    assert not (tmp_path / "i").exists()


def test_the_report_goes_where_it_is_told_to(run, write, tmp_path):
    file = write("a.tsv", HEADER + GOOD + "2\tru\t…\n")
    report = tmp_path / "said.tsv"
    code, _, err = run("build", file, "--index", tmp_path / "i", "--rejects", report)
    assert code == 1 and str(report) in err and rejects(report) == [("3", "no text")]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tsv", "i", "said.tsv"]


def test_the_report_is_of_the_last_build(run, write, tmp_path):
    index = tmp_path / "i"
    assert run("build", write("a.tsv", HEADER + GOOD + "2\tru\t…\n"), "--index", index).code == 1
    # As a build that was killed leaves it
    write("i.rejects.tsv.partial", "file\tline\treason\ttext\na.tsv\t1\tno")
    assert run("build", write("a.tsv", HEADER + GOOD), "--index", index, "--replace").code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tsv", "i"]


def test_the_report_does_not_overwrite_input_or_index(run, write, tmp_path, sentences_file):
    content = HEADER + GOOD + "2\tru\t…\n"
    file = write("a.tsv", content)
    index = tmp_path / "i"
    code, _, err = run("build", file, "--index", index, "--rejects", file)
    assert code == 2 and "input file" in err and file.read_text("utf-8") == content
    assert run("build", sentences_file, "--index", index).code == 0
    code, _, err = run(
        "build", file, "--index", index, "--add", "--rejects", index / "index.db"
    )
    assert code == 2 and "inside the index" in err
    assert run("verify", "--index", index).code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "FILE"),
        (["{tmp}/absent.tsv"], "absent.tsv does not exist"),
        (["{tmp}"], "is a directory"),
        (["{good}", "--lang", "xx"], "'xx'"),
        (["{good}", "--langs", "kbd"], "kbd,ru"),
        (["{good}", "--langs", "kbd,xx"], "'xx'"),
        (["{good}", "--column", "text"], "OURS=THEIRS"),
        (["{good}", "--column", "text=nowhere"], "none is called 'nowhere'"),
        (["{good}", "--column", "tekst=text"], "unknown column 'tekst'"),
        (["{good}", "--format", "xml"], "xml"),
        (["{good}", "--delimiter", "::"], "one character"),
        (["{good}", "--encoding", "klingon"], "unknown encoding 'klingon'"),
        (["{good}", "--rejects", "{tmp}"], "is a directory"),
        (["{good}", "{tmp}/absent.tsv"], "absent.tsv does not exist"),
        (["{plain}"], "does not say its language"),
    ],
)
def test_a_command_that_cannot_be_carried_out(run, write, tmp_path, arguments, said):
    good = write("good.tsv", HEADER + GOOD)
    plain = write("plain.txt", "Вода холодная.\n")
    filled = [text.format(tmp=tmp_path, good=good, plain=plain) for text in arguments]
    code, out, err = run("build", *filled, "--index", tmp_path / "i")
    assert (code, out) == (2, "") and said in err
    assert not (tmp_path / "i").exists()


def test_without_an_index_there_is_a_hint(run, sentences_file, monkeypatch):
    monkeypatch.delenv("SEARCHKBD_INDEX", raising=False)
    code, _, err = run("build", sentences_file)
    assert code == 2 and "--index" in err and "SEARCHKBD_INDEX" in err


def tree(directory) -> dict[str, bytes]:
    return {
        str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()
    }


@pytest.mark.parametrize("mode", [[], ["--add"], ["--replace"]])
def test_places_that_hold_something_else_are_left_alone(run, sentences_file, tmp_path, mode):
    places = {
        "file": "a file, not a directory",
        "letters": "holds other things (letter.txt)",
        "pictures": "holds other things (vectors/tree.svg)",
        "named": "holds other things (vectors)",
        "foreign": "database of something else",
        "junk": "file is not a database",
    }
    (tmp_path / "file").write_text("x")
    for name in list(places)[1:]:
        (tmp_path / name).mkdir()
    (tmp_path / "letters" / "letter.txt").write_text("x")
    (tmp_path / "pictures" / "vectors").mkdir()
    (tmp_path / "pictures" / "vectors" / "tree.svg").write_text("<svg/>")
    (tmp_path / "named" / "vectors").write_text("x")
    with sqlite3.connect(tmp_path / "foreign" / "index.db") as connection:
        connection.execute("CREATE TABLE addresses (name)")
    connection.close()
    (tmp_path / "junk" / "index.db").write_bytes(b"not a database " * 999)
    before, folders = tree(tmp_path), set(tmp_path.rglob("*"))
    for name, said in places.items():
        code, out, err = run("build", sentences_file, "--index", tmp_path / name, *mode)
        assert (code, out) == (2, "") and said in err and str(tmp_path / name) in err
    assert tree(tmp_path) == before and set(tmp_path.rglob("*")) == folders


def test_a_failed_build_into_an_empty_directory_leaves_it_empty(run, write, tmp_path):
    (tmp_path / "i").mkdir()
    assert run("build", write("a.tsv", HEADER), "--index", tmp_path / "i").code == 2
    assert list((tmp_path / "i").iterdir()) == []
    assert run("build", write("a.tsv", HEADER + GOOD), "--index", tmp_path / "i").code == 0


def test_what_others_put_into_the_directory_stays(run, write, tmp_path):
    """Also when a build of ours fails after it has begun."""
    index = tmp_path / "i"
    assert run("build", write("a.tsv", HEADER + GOOD), "--index", index).code == 0
    (index / "vectors" / "notes.txt").write_text("mine")
    assert run("build", write("b.tsv", HEADER), "--index", index, "--replace").code == 2
    assert run("build", write("a.tsv", HEADER + GOOD), "--index", index, "--replace").code == 0
    assert (index / "vectors" / "notes.txt").read_text() == "mine"
    assert run("verify", "--index", index, "--json").code == 0


def test_an_index_of_another_encoder(run, sentences_file, tmp_path, edit_meta):
    index = tmp_path / "i"
    run("build", sentences_file, "--index", index)
    edit_meta(index, fingerprint="0123456789abcdef", encoder="another")
    code, _, err = run("build", sentences_file, "--index", index, "--add")
    assert code == 2 and "another (0123456789abcdef)" in err and "is not there any more" in err
    assert run("build", sentences_file, "--index", index, "--replace").code == 0
    assert run("search", "вода", "--index", index).code == 0
