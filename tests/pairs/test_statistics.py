"""Figures of prepared pairs, against counting."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.encoders.transformer.files import MissingModelError
from searchkbd.pairs.statistics import (
    SetStatistics,
    Spread,
    palochkas,
    repeats,
    share_with_repeat,
    tokens_by,
)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=9), st.integers(1, 6))
def test_the_share_of_batches_with_a_repeat_is_that_of_all_batches(texts, batch):
    multiplicities = Counter(Counter(texts).values())
    found = share_with_repeat(multiplicities, batch)
    if batch > len(texts):
        assert found is None
        return
    drawn = [len(set(one)) < batch for one in combinations_of(texts, batch)]
    assert found == pytest.approx(sum(drawn) / len(drawn), abs=1e-9)


def combinations_of(texts, batch):
    return ([texts[at] for at in rows] for rows in combinations(range(len(texts)), batch))


def test_a_large_split_agrees_with_a_simulation():
    rng = np.random.default_rng(3)
    texts = np.concatenate([np.arange(9000), rng.integers(0, 300, 1000)])
    multiplicities = Counter(Counter(texts.tolist()).values())
    drawn = [len(np.unique(rng.choice(texts, 64, replace=False))) < 64 for _ in range(4000)]
    assert share_with_repeat(multiplicities, 64) == pytest.approx(np.mean(drawn), abs=0.03)
    assert share_with_repeat({1: 3_400_000}, 256) == pytest.approx(0, abs=1e-6)


def test_repeats_of_either_side():
    found = repeats(np.array([1, 1, 2, 3]), np.array([5, 6, 7, 8]))
    assert found["a"]["pairs"] == 0.5 and found["b"]["pairs"] == 0
    assert found["a"]["batches"] == {"16": None, "64": None, "256": None}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Псыр щIыIэщ", "II"), ("щ1ыӏэщ 11", "1ӏ"), ("Ӏуэху, дом I", "Ӏ"), ("да!", ""), ("", ""),
    ],
)  # fmt: skip
def test_palochkas_as_they_are_written(text, found):
    assert "".join(palochkas(text)) == found


def test_lengths_and_samples():
    def tokens(texts, lang):
        return [len(text) * (10 if lang == "kbd" else 1) for text in texts]

    own = SetStatistics(("kbd", "ru"), tokens)
    own.add([{"a": "Псыр щIыIэщ", "b": "Вода холодная"}, {"a": "псы", "b": "вода"}], 1)
    own.add([{"a": "псы", "b": "воды"}] * 3, 0)
    shape = own.shape(np.array([1, 2, 2, 2, 2]), np.array([1, 2, 3, 3, 3]))
    assert (shape["pairs"], shape["machine"]) == (5, 1)
    assert shape["sentences"] == {"a": 2, "b": 3}
    assert shape["lengths"]["a"] == {
        "words": {"min": 1, "mean": 1.2, "max": 2},
        "characters": {"min": 3, "mean": 4.6, "max": 11},
        "tokens": {"min": 30, "mean": 46.0, "max": 110},
    }
    assert shape["palochka"] == {"I": 2}
    assert shape["samples"] == [
        ["Псыр щIыIэщ", "Вода холодная"], ["псы", "вода"], ["псы", "воды"],
    ]  # fmt: skip


def test_no_numbers_have_no_mean():
    assert Spread().shape() == {"min": None, "mean": None, "max": None}


def test_tokens_of_a_model(tiny_labse):
    from transformers import AutoTokenizer

    name, count = tokens_by(str(tiny_labse))
    assert name == tiny_labse.name
    library = AutoTokenizer.from_pretrained(tiny_labse)
    texts = ["Вода холодная.", "", "слово " * 400]
    assert count(texts, "ru") == [len(library(text)["input_ids"]) for text in texts]


def test_a_model_that_is_not_there():
    with pytest.raises(MissingModelError, match="no-such"):
        tokens_by("./no-such-model")
