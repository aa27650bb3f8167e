"""Mining two files."""

from __future__ import annotations

import pytest

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import CorpusError
from searchkbd.mining import files, vectors
from searchkbd.mining.files import mine_files

RU = "Поезд опоздал на час.\nвода холодная.\nВода холодная.\nГде ближайшая школа?\n"
EN = "Where is the nearest school?\nThe water is cold.\nI like apples.\nThe train was late.\n"


@pytest.fixture
def mined(trigrams, tmp_path, rejects, read_table):
    def mined(a, b, langs=("ru", "en"), encoder=trigrams, **options):
        out = tmp_path / "out.tsv"
        reading = ReadOptions(langs=langs, lang=options.pop("lang", None))
        summary = mine_files(
            (a, b), langs, str(out), encoder, reading, on_reject=rejects.append, **options
        )
        return summary, read_table(out)

    return mined


def test_translations_are_found(mined, write, embedded):
    summary, rows = mined(write("a.txt", RU), write("b.txt", EN), encoder=embedded)
    assert {(row["text_a"], row["text_b"]) for row in rows} == {
        ("Поезд опоздал на час.", "The train was late."),
        ("вода холодная.", "The water is cold."),
        ("Где ближайшая школа?", "Where is the nearest school?"),
    }
    assert [(s.lang, s.sentences, s.different) for s in summary.sides] == [
        ("ru", 4, 3), ("en", 4, 4),
    ]  # fmt: skip
    assert all(float(row["margin"]) > 1 and row["origin"] == "mined" for row in rows)
    assert [float(row["margin"]) for row in rows] == sorted(
        (float(row["margin"]) for row in rows), reverse=True
    )
    school = next(row for row in rows if "школа" in row["text_a"])
    assert (school["id_a"], school["id_b"]) == ("a.txt:4", "b.txt:1")


def test_what_was_mined_is_read_as_pairs(mined, write, trigrams, tmp_path, rejects):
    from searchkbd.mining.score import score_pairs

    summary, _ = mined(write("a.txt", RU), write("b.txt", EN), retrieval="forward")
    scored = score_pairs(
        [tmp_path / "out.tsv"], str(tmp_path / "s.tsv"), trigrams, on_reject=rejects.append
    )
    assert scored.pairs == summary.pairs == 3 and not rejects


def test_one_file_in_two_languages(mined, table, rejects):
    rows = [("ru", "Вода холодная."), ("en", "The water is cold."), ("fr", "Il pleut.")]
    file = table("x.tsv", rows, ("lang", "text"))
    summary, found = mined(file, file)
    assert [(s.sentences, s.others) for s in summary.sides] == [(1, 2), (1, 2)]
    assert [row["text_b"] for row in found] == ["The water is cold."] and not rejects


def test_languages_that_are_detected(mined, write):
    file = write("x.txt", "Сегодня на улице очень холодно.\nThe train was very late today.\n")
    _, found = mined(file, file, lang="auto")
    assert [(row["lang_a"], row["text_b"]) for row in found] == [
        ("ru", "The train was very late today.")
    ]


def test_bad_rows_are_told(mined, write, rejects):
    mined(write("a.txt", "Вода.\n...\n"), write("b.txt", "Water.\n"))
    assert [(r.place.line, r.kind) for r in rejects] == [(2, "no text")]


def test_options_and_progress(mined, write):
    encoded, searched = [], []
    a, b = write("a.txt", RU), write("b.txt", EN)
    summary, rows = mined(
        a, b, retrieval="backward", unique=True, threshold=-9,
        on_encoded=encoded.append, on_searched=lambda *n: searched.append(n),
    )  # fmt: skip
    assert len({row["text_a"] for row in rows}) == len(rows) <= 3
    assert encoded == [3, 7] and searched[-1] == (7, 7)
    summary, rows = mined(a, b, threshold=99)
    assert summary.pairs == 0 and rows == []


def test_vectors_on_disk_give_the_same(mined, write, monkeypatch):
    a, b = write("a.txt", RU), write("b.txt", EN)
    _, wanted = mined(a, b)
    monkeypatch.setattr(files, "VectorStore", lambda dim: vectors.VectorStore(dim, 0))
    _, found = mined(a, b)
    assert {(r["text_a"], r["text_b"]) for r in found} == {
        (r["text_a"], r["text_b"]) for r in wanted
    }


def test_a_side_without_sentences(mined, table, write):
    file = table("x.tsv", [("en", "The water is cold.")], ("lang", "text"))
    with pytest.raises(CorpusError, match="no sentence in ru, 1 in other languages"):
        mined(file, file)
    with pytest.raises(CorpusError, match="is empty"):
        mined(write("a.txt", ""), write("b.txt", EN))


def test_one_language_twice(mined, write):
    file = write("a.txt", RU)
    with pytest.raises(ValueError, match="two different languages"):
        mined(file, file, langs=("ru", "ru"))
