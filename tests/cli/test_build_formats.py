"""``build`` from the files of translation tools: what is told, what is stored."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from searchkbd.index.reader import IndexReader

PO = (
    'msgid ""\nmsgstr ""\n"Language: kbd\\n"\n\nmsgid "House"\nmsgstr "Унэ"\n\n'
    '#, fuzzy\nmsgid "Water"\nmsgstr "Псы"\n'
)
MEMORY = [
    {
        "source_language": "ru", "target_language": "kbd", "source": source, "target": target,
        "origin": "app", "category": 1,
    }
    for source, target in [("Дом", "Унэ"), ("Вода", "Псы")]
]  # fmt: skip


def stored(index) -> list[tuple[str, str, str]]:
    """(lang, text, origin) of every sentence, in order."""
    with IndexReader(index) as reader:
        return reader.connection.execute(
            "SELECT lang, text, origins.name FROM sentences"
            " JOIN origins ON origins.row = origin_row ORDER BY sentences.row"
        ).fetchall()


@pytest.fixture
def files(tmp_path, write):
    """One file of each format by the name that is given on the command line, in one place."""
    write("ui.po", PO)
    write("c.kbd", "Унэ\nПсы\n")
    write("c.ru", "Дом\nВода\n")
    write("memory.json", json.dumps(MEMORY))
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "sentences.csv").write_text("1\tkbd\tУнэ\n2\trus\tДом\n3\tfra\tEau\n")
    (tmp_path / "export" / "links.csv").write_text("1\t2\n2\t1\n")
    table = {
        "source_tatoeba_id": [1, 2, 3], "source_lang": ["rus"] * 3,
        "source_text": ["Дом", "Вода", "Снег"],
        "target_text": ["Унэ", "Псы", "Уэс"], "similarity_score": [0.9, 0.5, 0.7],
        "nllb_model_version": ["m"] * 3,
    }  # fmt: skip
    pq.write_table(pa.table(table), tmp_path / "rus.parquet")
    return tmp_path


HOUSE_WATER = ["Унэ", "Дом", "Псы", "Вода"]


@pytest.mark.parametrize(
    ("named", "texts", "origins"),
    [
        (["ui.po"], ["House", "Унэ", "Water", "Псы"], {"ui.po", "ui.po:fuzzy"}),
        (["c.kbd", "c.ru"], HOUSE_WATER, {"c"}),
        (["memory.json"], ["Дом", "Унэ", "Вода", "Псы"], {"app"}),
        (["export"], ["Унэ", "Дом", "Eau"], {"tatoeba"}),
        (["export", "--take", "kbd", "--take", "rus"], ["Унэ", "Дом"], {"tatoeba"}),
        (["rus.parquet", "--min-similarity", "0.8"], ["Дом", "Унэ"], {"tatoeba", "mt:m"}),
    ],
)
def test_a_build_of_each_format(run, files, monkeypatch, named, texts, origins):
    monkeypatch.chdir(files)
    code, out, err = run("build", *named, "--index", "i")
    assert code == 0, err
    assert [text for _, text, _ in stored("i")] == texts
    assert {origin for _, _, origin in stored("i")} == origins
    assert f"{len(texts)} sentences added" in out
    assert run("verify", "--index", "i").code == 0


def test_all_of_them_at_once(run, files, monkeypatch):
    monkeypatch.chdir(files)
    code, out, err = run("build", "ui.po", "c.kbd", "c.ru", "export", "rus.parquet", "--index", "i")
    assert code == 0 and len(stored("i")) == 17, err


def test_rows_that_are_cut_are_counted_and_are_no_rejects(run, files, monkeypatch):
    monkeypatch.chdir(files)
    code, out, err = run("build", "rus.parquet", "--percentile", "50", "--index", "i")
    assert code == 0 and "1 row below similarity 0.7 left out" in err
    code, out, _ = run(
        "build", "rus.parquet", "--min-similarity", "0.8", "--index", "i", "--replace", "--json"
    )
    shape = json.loads(out)
    assert code == 0 and shape["rejected"] == 0 and shape["added"] == 2
    assert shape["left_out"] == [{"file": "rus.parquet", "rows": 2, "below": 0.8}]


def test_where_everything_is_cut_it_is_said_so(run, files, monkeypatch):
    monkeypatch.chdir(files)
    code, out, err = run("build", "rus.parquet", "--min-similarity", "0.95", "--index", "i")
    assert (code, out) == (2, "") and "3 rows below similarity 0.95 left out" in err
    assert not (files / "i").exists()


def test_a_machine_translation_is_penalised_where_that_is_said(run, files, monkeypatch):
    monkeypatch.chdir(files)
    assert run("build", "rus.parquet", "--penalty", "15", "--index", "i").code == 0
    assert run("build", "memory.json", "--add", "--index", "i").code == 0
    with IndexReader("i") as reader:
        penalties = dict(reader.connection.execute("SELECT name, penalty FROM origins"))
    assert penalties == {"tatoeba": 15, "mt:m": 15, "app": None}


def test_bad_rows_are_reported_with_their_place(run, files, monkeypatch, write):
    monkeypatch.chdir(files)
    write("ui.po", PO + '\nmsgid "Snow\nmsgstr "Уэс"\n')
    code, _, err = run("build", "ui.po", "c.kbd", "c.ru", "--index", "i", "--rejects", "r.tsv")
    assert code == 1 and "bad PO" in err
    rows = [line.split("\t") for line in (files / "r.tsv").read_text("utf-8").splitlines()[1:]]
    assert [(row[0], row[1]) for row in rows] == [("ui.po", "12")]


def test_the_header_is_asked_about_only_where_there_may_be_one(run, files, monkeypatch, write):
    monkeypatch.chdir(files)
    for named in (["c.kbd", "c.ru"], ["ui.po"]):
        _, _, err = run("build", *named, "--langs", "kbd,ru", "--index", "i", "--replace")
        assert "header" not in err
    write("t.tsv", "Унэ\tДом\n")
    _, _, err = run("build", "t.tsv", "--langs", "kbd,ru", "--index", "i", "--replace")
    assert "say --header" in err


def test_a_remark_is_passed_on(run, files, monkeypatch, write):
    monkeypatch.chdir(files)
    write("kbd_sentences.tsv", "1\tkbd\tУнэ\n")
    code, _, err = run("build", "kbd_sentences.tsv", "--index", "i")
    assert code == 0 and "note: kbd_sentences.tsv: no links.csv beside it" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["c.kbd", "--format", "moses"], "two by two"),
        (["ui.po", "--min-similarity", "0.5"], "has no column similarity"),
        (["c.kbd", "--lang", "kbd", "--penalty", "101"], "--penalty"),
        (["rus.parquet", "--percentile", "101"], "--percentile"),
        (["hf:nobody/nothing"], "HF_HUB_OFFLINE"),
    ],
)
def test_what_cannot_be_built_leaves_nothing(process, files, arguments, said):
    code, out, err = process(
        "build", *arguments, "--index", "i", cwd=files,
        env={"HF_HUB_OFFLINE": "1", "HF_HOME": str(files / "home")},
    )  # fmt: skip
    assert (code, out) == (2, "") and said in err and "Traceback" not in err
    assert not (files / "i").exists()
