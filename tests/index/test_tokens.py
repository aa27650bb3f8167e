"""The words of a text file: found by their parts, and where they stand."""

from __future__ import annotations

import re
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.encoders.tensors import map_tensors, write_tensors
from searchkbd.index.tokens import Tokens, build
from searchkbd.text.forms import loosen, search_key, words

SENTENCES = st.lists(st.lists(st.text("абӏё", min_size=1, max_size=5), max_size=6), max_size=8)
PARTS = st.lists(st.text("абӏё", max_size=2), min_size=2, max_size=4)


def keys(sentences):
    return [search_key(" ".join(each)) for each in sentences]


def found(tokens, ids):
    return [tokens.vocabulary.word(at).decode() for at in ids.tolist()]


def all_words(sentences):
    return sorted({word for key in keys(sentences) for word in words(key)})


@given(SENTENCES, PARTS)
def test_words_are_found_by_their_parts(sentences, parts):
    tokens = Tokens(build(keys(sentences)))
    regex = re.compile(".*".join(map(re.escape, parts)))
    wanted = [word for word in all_words(sentences) if regex.fullmatch(word)]
    assert found(tokens, tokens.terms(parts)) == wanted


@given(SENTENCES, st.text("абӏё", min_size=1, max_size=4))
def test_whole_words_are_found(sentences, word):
    tokens = Tokens(build(keys(sentences)))
    assert found(tokens, tokens.terms([word])) == [w for w in all_words(sentences) if w == word]


@given(SENTENCES, PARTS | st.lists(st.text("абӏё", min_size=1), min_size=1, max_size=1))
def test_loose_words_are_those_whose_loose_forms_match(sentences, parts):
    tokens = Tokens(build(keys(sentences)))
    wanted = [loosen(part) for part in parts]
    regex = re.compile(".*".join(map(re.escape, wanted)))
    expected = [word for word in all_words(sentences) if regex.fullmatch(loosen(word))]
    # A palochka alone is no word when it does not count.
    assert found(tokens, tokens.terms(parts, loose=True)) == (expected if any(wanted) else [])


@given(SENTENCES, st.sets(st.integers(0, 30)))
def test_places_and_counts_are_those_of_the_words(sentences, chosen):
    tokens = Tokens(build(keys(sentences)))
    ids = np.array(sorted(at for at in chosen if at < len(tokens.vocabulary)), dtype=np.int64)
    stream = [word for key in keys(sentences) for word in words(key)]
    assert tokens.words(0, len(stream)) == tuple(stream)
    wanted = set(found(tokens, ids))
    places = [at for at, word in enumerate(stream) if word in wanted]
    assert tokens.positions(ids).tolist() == places
    assert tokens.count(ids) == len(places)
    bounds = tokens.starts.tolist()
    assert bounds == [0, *accumulate(len(words(key)) for key in keys(sentences))]
    assert tokens.sentences.tolist() == [
        at for at, key in enumerate(keys(sentences)) for _ in words(key)
    ]


def test_few_places_of_many_words_are_found_as_many_are():
    """Both ways of collecting positions: of rare words by sorting, of common ones by marking."""
    sentences = [["вода"] * 40, ["псы", "вода", "къалэ"], ["вода"] * 40, ["къалэ", "псы"]]
    tokens = Tokens(build(keys(sentences)))
    rare = tokens.terms(["псы"]).tolist() + tokens.terms(["къалэ"]).tolist()
    assert tokens.positions(np.array(sorted(rare))).tolist() == [40, 42, 83, 84]
    assert len(tokens.positions(np.arange(3))) == 85


def test_an_ending_does_not_share_letters_with_the_beginning():
    tokens = Tokens(build(["абаб аб абваб"]))
    assert found(tokens, tokens.terms(["аба", "баб"])) == []
    assert found(tokens, tokens.terms(["аб", "аб"])) == ["абаб", "абваб"]
    assert found(tokens, tokens.terms(["а", "ба", "аб"])) == []


@pytest.mark.parametrize("sentences", [[], ["?!"], ["вода", "", "псы щӏыӏэ"]])
def test_arrays_survive_the_disk(sentences, tmp_path):
    arrays = build(sentences)
    assert all(name.startswith("tokens.") for name in arrays)
    write_tensors(tmp_path / "t.safetensors", arrays)
    tokens = Tokens(map_tensors(tmp_path / "t.safetensors").arrays)
    assert tokens.terms(["вода"]).tolist() == ([0] if "вода" in sentences else [])
    assert tokens.terms(["", ""], loose=True).tolist() == []
    assert len(tokens.terms(["щыэ"], loose=True)) == ("псы щӏыӏэ" in sentences)


def test_many_words_need_wider_numbers():
    arrays = build([" ".join(map(str, range(70_000)))])
    assert arrays["tokens.stream"].dtype == np.uint32
    tokens = Tokens(arrays)
    assert tokens.words(69_999, 70_000) == ("69999",)
    assert tokens.positions(tokens.terms(["69999"])).tolist() == [69_999]
