"""Posting lists: short ones are read, long ones estimated or sampled, and nothing is read twice."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest

from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.index.editing import delete_rows
from searchkbd.index.reader import IndexReader
from searchkbd.index.writer import build_index
from searchkbd.search import postings
from searchkbd.search.postings import PostingLists

ROWS = 1200


def text(n: int) -> str:
    """The everywhere in all, even in every second, late in the last third, seldom in each 300th."""
    said = [f"№{n}", "everywhere"]
    said += ["even"] * (n % 2 == 0) + ["late"] * (n >= 800) + ["seldom"] * (n % 300 == 7)
    return " ".join(said)


@pytest.fixture(scope="module")
def lists(tmp_path_factory, trigrams):
    directory = tmp_path_factory.mktemp("postings") / "i"
    items = [
        Sentence(f"s{n}", "en", text(n), f"s{n}", "t", None, Place("t", 1)) for n in range(ROWS)
    ]
    build_index(directory, items, trigrams)
    with IndexReader(directory) as reader:
        yield PostingLists(reader)


def holding(lists: PostingLists, word: str) -> list[int]:
    first = lists.rows(lists.word("everywhere"), 1)[0]
    return [int(first) + n for n in range(ROWS) if word in text(n).split()]


def test_a_short_list_is_read_at_once(lists):
    seldom = lists.word("seldom")
    assert seldom.rows.tolist() == holding(lists, "seldom")
    assert seldom.documents == 4
    assert lists.rows(seldom, 2).tolist() == holding(lists, "seldom")[:2]


def test_a_long_list_is_counted_and_read_when_wanted(lists):
    even = lists.word("even")
    assert even.rows is None and even.documents == ROWS // 2
    assert lists.rows(even, 10**6).tolist() == holding(lists, "even")
    assert lists.rows(even, 5).tolist() == holding(lists, "even")[:5]


@pytest.mark.parametrize("word", ["even", "everywhere"])
def test_a_very_long_list_is_estimated(lists, monkeypatch, word):
    monkeypatch.setattr(postings, "_COUNTED", 0)
    exact = len(holding(lists, word))
    assert 0.9 * exact <= lists.word(word).documents <= 1.1 * exact


def test_a_guess_is_as_good_where_a_word_is_spread_evenly(lists):
    assert lists.word("even", guess=True).documents == pytest.approx(ROWS / 2, rel=0.01)
    assert lists.word("late", guess=True).documents == pytest.approx(ROWS / 3, rel=0.01)
    assert lists.word("seldom", guess=True) == lists.word("seldom")


def test_what_no_row_has_is_worth_most(lists):
    weights = [lists.word(word).weight for word in ("nowhere", "seldom", "even", "everywhere")]
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == 4 and weights[-1] > 0
    assert lists.word("nowhere").documents == 0


def test_trigrams_and_parts(lists):
    assert lists.trigram("sel", 1.0).rows.tolist() == holding(lists, "seldom")
    half = lists.trigram("sel", 0.5)
    assert half.weight == pytest.approx(lists.trigram("sel", 1.0).weight / 2)
    assert 300 <= lists.trigram("lat", 1.0).documents <= 600  # it begins late, and then is dense
    part = lists.part(["sel", "eld"], 1.0, 3)
    assert part.rows.tolist() == holding(lists, "seldom")[:3]
    assert lists.part(["sel", "lat"], 1.0, 9).documents == len(
        set(holding(lists, "seldom")) & set(holding(lists, "late"))
    )


def test_words_together_come_from_all_parts_of_the_index(lists):
    even, late, everywhere = map(lists.word, ("even", "late", "everywhere"))
    expected = set(holding(lists, "even")) & set(holding(lists, "late"))
    assert set(lists.together([even, late, everywhere], 10**6).tolist()) == expected
    some = lists.together([even, everywhere], 16).tolist()
    assert len(some) == 16 and set(some) <= set(holding(lists, "even"))
    assert max(some) - min(some) > ROWS / 2


def test_intersecting_is_bounded(lists, monkeypatch):
    everywhere = lists.word("everywhere")
    monkeypatch.setattr(postings, "_INTERSECTED", ROWS // 4)
    some = lists.together([everywhere], 10**6).tolist()
    assert 0.2 * ROWS < len(some) < 0.3 * ROWS
    assert max(some) - min(some) > ROWS / 2


def test_what_the_tokenizer_splits_is_nowhere(lists):
    assert lists.word("even everywhere").documents == 0
    assert lists.word('a"b').documents == 0


def test_a_list_that_was_read_is_not_read_again(lists, monkeypatch):
    whole = lists.rows(lists.word("late"), 10**6).tolist()
    begun = lists.part(["eve", "ven"], 1.0, 7).rows.tolist()

    def read(*_: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(lists, "_select", read)
    assert lists._matches(postings.WORDS, ["late"], 10**6).tolist() == whole
    assert lists._matches(postings.WORDS, ["late"], 10).tolist() == whole[:10]
    assert lists._matches(postings.TRIGRAMS, ["eve", "ven"], 5).tolist() == begun[:5]
    with pytest.raises(AssertionError, match="read again"):
        lists._matches(postings.TRIGRAMS, ["eve", "ven"], 8)


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(postings, "_KEPT", 100)
    monkeypatch.setattr(postings, "_KEPT_LISTS", 4)
    recent = postings._RecentLists()
    far = np.array([5, 2**40])
    recent.keep(("far",), far, 2)
    assert recent.get(("far",), 2).tolist() == far.tolist()
    for name in "abcd":
        recent.keep((name,), np.arange(30), 31)
        recent.get(("a",), 1)
    assert recent.get(("far",), 1) is None and recent.get(("b",), 1) is None
    assert all(len(recent.get((name,), 99)) == 30 for name in "acd")
    recent.keep(("a",), np.arange(101), 200)
    assert recent._entries == 0 and not recent._lists
    for name in "abcdef":
        recent.keep((name,), np.arange(0), 1)
    assert len(recent._lists) == 4


def test_damage_is_not_taken_for_an_empty_list(lists, monkeypatch):
    monkeypatch.setattr(postings, "WORDS", "fts_gone")
    with pytest.raises(sqlite3.OperationalError):
        lists.word("even")


def test_an_index_that_was_emptied_has_no_lists(tmp_path, trigrams):
    items = [Sentence("s", "en", "even", "s", "t", None, Place("t", 1))]
    build_index(tmp_path / "i", items, trigrams)
    delete_rows(tmp_path / "i", ["s"])
    with IndexReader(tmp_path / "i") as reader:
        lists = PostingLists(reader)
        assert lists.word("even").documents == 0
        assert lists.together([lists.word("even")], 5).tolist() == []
