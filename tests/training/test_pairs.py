"""Pairs from corpus files: what is paired, what is rejected, what is held out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError, Place, Reject, Sentence
from searchkbd.encoders.features import model_key
from searchkbd.resources import PHRASEBOOK
from searchkbd.text.forms import search_key
from searchkbd.training import pairs as module
from searchkbd.training.data import Pair
from searchkbd.training.pairs import Split, hold_out, pair_up, weight_of, without


def sentence(lang: str, text: str, group: str, line: int = 1) -> Sentence:
    return Sentence(f"{group}-{lang}-{line}", lang, text, group, "x", None, Place("x.tsv", line))


def paired(items, lang="kbd", langs=("ru", "en")):
    rejects: list[Reject] = []
    return pair_up(items, lang, langs, rejects.append), rejects


def test_every_translation_of_a_group_makes_a_pair():
    found, rejects = paired([
        sentence("kbd", "унэ", "1"), sentence("ru", "дом", "1"), sentence("en", "house", "1"),
        sentence("ru", "вода", "2"), sentence("kbd", "псы", "2"), sentence("kbd", "псыр", "2"),
    ])  # fmt: skip
    assert found.groups == [
        [Pair("унэ", "дом", "ru"), Pair("унэ", "house", "en")],
        [Pair("псы", "вода", "ru"), Pair("псыр", "вода", "ru")],
    ]
    assert (found.count, found.merged, rejects) == (4, 0, [])


def test_what_makes_no_pair_is_rejected_with_its_place_and_reason():
    bad = Reject(Place("x.tsv", 9), "no text", "")
    found, rejects = paired([
        bad, sentence("kbd", "унэ", "1", 1), sentence("ru", "вода", "2", 2),
        sentence("kbd", "псы", "3", 3), sentence("ru", "вода", "3", 4),
        sentence("ady", "псы", "3", 5),
    ])  # fmt: skip
    assert found.count == 1
    assert rejects[0] is bad
    assert {(r.place.line, r.kind) for r in rejects[1:]} == {
        (1, "no translation in a language that the teacher reads"),
        (2, "no sentence in the language to learn"),
        (5, "language that the teacher does not read"),
    }


def test_repeated_pairs_are_merged():
    found, rejects = paired([
        sentence("kbd", "Мы унэ", "1"), sentence("ru", "этот дом", "1"),
        sentence("kbd", "мы  унэ", "2"), sentence("ru", "Этот дом", "2"),
    ])  # fmt: skip
    assert (found.count, found.merged, rejects) == (1, 1, [])


def test_too_many_are_refused(monkeypatch):
    monkeypatch.setattr(module, "MAX_PAIRS", 5)
    group = [sentence(lang, f"текст {n}", "g") for lang in ("kbd", "ru") for n in range(3)]
    with pytest.raises(CorpusError, match="more than 5 pairs.*'g' makes 9"):
        paired(group)


def test_any_language_can_be_learnt():
    found, _ = paired([sentence("ab", "аҩны", "1"), sentence("kbd", "унэ", "1")], "ab", ("kbd",))
    assert found.groups == [[Pair("аҩны", "унэ", "kbd")]]


@pytest.mark.parametrize(
    ("text", "weight"), [("унэ", 1), ("унэ ин", 2), ("мы унэ иным", 2), ("а б в г", 4)]
)
def test_longer_texts_count_more(text, weight):
    assert weight_of(text) == weight


def keys(pair: Pair) -> set:
    return {("", model_key(pair.kabardian)), (pair.lang, search_key(pair.translation))}


def disjoint(split: Split) -> bool:
    train = {key for pair in split.train for key in keys(pair)}
    return all(train.isdisjoint(keys(pair)) for group in split.dev for pair in group)


@settings(max_examples=60)
@given(
    links=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=10, max_size=80),
    seed=st.integers(0, 5),
)
def test_no_text_is_in_both_parts(links, seed):
    groups = [[Pair(f"а{a}", f"б{b}", "ru")] for a, b in links]
    try:
        split = hold_out(groups, seed)
    except CorpusError:
        return
    assert disjoint(split)
    assert len(split.train) + sum(map(len, split.dev)) == len(groups)
    assert 2 <= len(split.dev) <= len(groups) / 5
    assert split == hold_out(groups, seed)


def test_the_phrasebook_is_split_by_seed():
    groups = paired(read_corpus(PHRASEBOOK), langs=("ru", "en", "fr", "tr"))[0].groups
    first, second = hold_out(groups, 0), hold_out(groups, 1)
    assert disjoint(first) and len(first.dev) == 20
    assert first.dev != second.dev


def test_of_many_groups_at_most_500_are_held_out():
    groups = [[Pair(f"а{n}", f"б{n}", "ru")] for n in range(20_000)]
    assert len(hold_out(groups, 0).dev) == 500


def test_what_cannot_be_held_out_is_said():
    chain = [[Pair(f"а{n}", f"б{n // 2}", "ru"), Pair(f"а{n + 1}", "б", "ru")] for n in range(50)]
    with pytest.raises(CorpusError, match="share texts.*--dev FILE"):
        hold_out(chain, 0)
    with pytest.raises(CorpusError, match="3 groups.*too few.*--dev FILE"):
        hold_out(chain[:3], 0)


def test_what_is_measured_is_not_trained_on():
    groups = [[Pair("унэ", "дом", "ru"), Pair("псы", "вода", "ru")], [Pair("шы", "конь", "ru")]]
    split = without(groups, [[Pair("УНЭ", "house", "en")], [Pair("кхъуэ", "Конь", "ru")]])
    assert split.train == [Pair("псы", "вода", "ru")]
    assert split.left_out == 2 and disjoint(split)
