"""Words and parts of words: what is found, how it is ordered, and that work is bounded."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.errors import IndexDamagedError
from searchkbd.index.reader import IndexReader
from searchkbd.index.writer import build_index
from searchkbd.search import lexical

SENTENCES = [
    ("e1", "kbd", "Сэ еджапӏэм сокӏуэ"),
    ("e2", "kbd", "Еджапӏэр ди унэм пэгъунэгъущ"),
    ("e3", "kbd", "Щӏэныгъэ зиӏэр насыпыфӏэщ"),
    ("e4", "kbd", "Щакхъуэ къэсщэхуащ"),
    ("e5", "kbd", "Псы щӏыӏэ"),
    ("e6", "kbd", "Вагъуэ щыӏэ"),
    ("r1", "ru", "Школа стоит у реки"),
    ("r2", "ru", "Мы в школе"),
    ("r3", "ru", "Ещё один день"),
    ("n1", "en", "the cat is on the mat"),
    ("n2", "en", "what is it"),
    ("n3", "en", "one is the night now"),
    *[(f"f{n}", "en", f"it is the day {n}") for n in range(400)],
    *[(f"g{n}", "en", f"night one {'x' * n}") for n in range(45)],
    ("z1", "fr", "le mot night, en anglais"),
    *[(f"g{n}", "en", f"night one {'x' * n}") for n in range(45, 300)],
]


@pytest.fixture(scope="module")
def reader(tmp_path_factory, trigrams):
    directory = tmp_path_factory.mktemp("lexical") / "i"
    items = [Sentence(i, la, te, i, "t", None, Place("t", 1)) for i, la, te in SENTENCES]
    build_index(directory, items, trigrams)
    with IndexReader(directory) as reader:
        yield reader


def found(reader, query, k=5, langs=None):
    ranked = lexical.rank(reader, query, k, langs)
    stored = reader.sentences(r.row for r in ranked)
    return [stored[r.row].id for r in ranked]


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("еджапӏэр", "e2"),
        ("ЕДЖАПIЭМ", "e1"),
        ("еджап1э", "e1"),
        ("щэныгъэ", "e3"),
        ("щӏэныгъэм", "e3"),
        ("щакхъуэр къэсщэхуат", "e4"),
        ("щыIэ", "e6"),
        ("щIыIэ", "e5"),
        ("школа", "r1"),
        ("еще", "r3"),
        ("the cat", "n1"),
    ],
)
def test_the_best_hit(reader, query, best):
    assert found(reader, query)[0] == best


def test_other_forms_of_a_word_are_found_too(reader):
    assert set(found(reader, "еджапӏэ")) == {"e1", "e2"}
    assert set(found(reader, "школы")) == {"r1", "r2"}


def test_a_sentence_itself_scores_one(reader):
    for id, _, text in SENTENCES[:11]:
        ranked = lexical.rank(reader, text, 1)
        assert reader.sentences([ranked[0].row])[ranked[0].row].id == id
        assert ranked[0].score == pytest.approx(1)


def test_a_filter_is_not_starved_by_other_languages(reader):
    assert found(reader, "it is the day", k=3, langs=["kbd"]) == []
    assert len(found(reader, "it is the day", k=400, langs=["en"])) == 400
    assert found(reader, "школа", langs=["ru"])[0] == "r1"


def test_queries_of_very_common_words_stay_within_the_budget(reader, monkeypatch):
    monkeypatch.setattr(lexical, "POSTINGS", 50)
    query = lexical.read_query(reader, "it is the day")
    assert sum(f.documents for f in query.features) > 1000
    assert lexical.candidates(reader, query, 1000, ["kbd"]) == []
    assert 0 < len(lexical.candidates(reader, query, 30)) <= 30
    assert found(reader, "cat it is", k=1) == ["n1"]


def test_of_very_common_words_those_that_have_them_all_are_found(reader, monkeypatch):
    monkeypatch.setattr(lexical, "POSTINGS", 50)
    query = lexical.read_query(reader, "one is the night")
    common = [f.terms for f in query.features if f.documents > 50]
    assert {("one",), ("is",), ("the",), ("night",)} <= set(common)
    assert found(reader, "one is the night", k=1) == ["n3"]
    # No row has day besides: it is given up.
    assert found(reader, "one is the night day", k=1) == ["n3"]


def test_of_many_alike_the_shortest_are_compared(reader, monkeypatch):
    monkeypatch.setattr(lexical, "POSTINGS", 50)
    limit = 10
    query = lexical.read_query(reader, "night")
    stored = reader.sentences(lexical.candidates(reader, query, limit))
    assert len(stored) == limit
    sampled = lexical.PostingLists(reader).together(
        [lexical.PostingLists(reader).word("night")], 5 * limit
    )
    lengths = sorted(len(s.key) for s in reader.sentences(sampled.tolist()).values())
    assert sorted(len(s.key) for s in stored.values()) == lengths[:limit]


def test_a_word_common_in_other_languages_is_found_in_the_one_asked_for(reader, monkeypatch):
    monkeypatch.setattr(lexical, "POSTINGS", 50)
    monkeypatch.setattr(lexical, "CANDIDATES", 5)
    assert found(reader, "night", langs=["fr"]) == ["z1"]
    assert found(reader, "night", langs=["tr"]) == []


def test_the_text_itself_is_found_however_common_its_words(reader, monkeypatch):
    monkeypatch.setattr(lexical, "POSTINGS", 0)
    monkeypatch.setattr(lexical, "CANDIDATES", 1)
    for id in ("n2", "n3", "f399"):
        text = next(text for i, _, text in SENTENCES if i == id)
        assert found(reader, text.upper(), k=1) == [id]
    assert found(reader, "what is it", k=1, langs=["kbd"]) == []


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.5])), st.integers(0, 30))
def test_the_highest_scores_come_first_and_equal_ones_as_they_were(scores, limit):
    highest = lexical._highest(np.array(scores), limit)
    assert highest.tolist() == sorted(range(len(scores)), key=lambda at: -scores[at])[:limit]


def test_a_damaged_candidate_is_an_error(tmp_path, trigrams):
    items = [Sentence(i, la, te, i, "t", None, Place("t", 1)) for i, la, te in SENTENCES[:9]]
    build_index(tmp_path / "i", items, trigrams)
    with sqlite3.connect(tmp_path / "i" / "index.db") as db:
        db.execute("UPDATE sentences SET key = 'школа' WHERE id = 'r2'")
    db.close()
    with IndexReader(tmp_path / "i") as reader:
        assert lexical.rank(reader, "вагъуэ", 1)
        with pytest.raises(IndexDamagedError, match="checksum"):
            lexical.rank(reader, "школе", 1)


def test_a_part_of_a_word_is_found_inside_others(reader):
    query = lexical.read_query(reader, "унэмкIэ")
    part = next(f for f in query.features if len(f.terms) > 1)
    assert part.terms == ("унэ", "нэм") and part.documents == 1
    assert found(reader, "унэмкIэ") == ["e2"]


def test_only_the_rarest_words_of_a_long_query_are_taken_apart(reader):
    rare = " ".join(text for _, _, text in SENTENCES[:10])
    query = lexical.read_query(reader, f"{rare} it is the day")
    grams = [f for f in query.features if f.table == "fts_trigrams"]
    assert len(query.words) > 25
    assert len(grams) <= 28
    assert not any("day" in f.terms for f in grams)


@given(st.text(max_size=30))
def test_any_query_is_answered(reader, query):
    for row in lexical.rank(reader, query, 5):
        assert 0 < row.score <= 1 + 1e-9


@pytest.mark.parametrize("query", ['"', "a OR b", "NEAR(x)", "key:школа", "*", "-школа", "'; DROP"])
def test_query_syntax_means_nothing(reader, query):
    lexical.rank(reader, query, 5)
