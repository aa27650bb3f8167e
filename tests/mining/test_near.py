"""Near duplicates against the definition, each item with each."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from searchkbd.mining import near
from searchkbd.mining.near import Items, near_duplicates
from searchkbd.mining.vectors import VectorStore

STEMS = ["вода холодная сегодня", "поезд опоздал на час", "мы автобусыр къалэкум макIуэ"]


def made(seed: int, count: int, sides: int) -> list[tuple[str, ...]]:
    """Items whose texts differ from a few stems by a letter or two."""
    rng = random.Random(seed)

    def text() -> str:
        letters = list(rng.choice(STEMS))
        for _ in range(rng.randrange(3)):
            letters[rng.randrange(len(letters))] = rng.choice("аы")
        return "".join(letters)

    return [tuple(text() for _ in range(sides)) for _ in range(count)]


def naive(keys, vectors, marks, similarity, edit):
    kept, dropped = [], set()
    for item in range(len(keys)):
        if any(
            marks[item] == marks[other]
            and all(float(a @ b) >= similarity - 1e-5
                    for a, b in zip(vectors[item], vectors[other], strict=True))
            and all(Levenshtein.normalized_similarity(a, b) >= edit
                    for a, b in zip(keys[item], keys[other], strict=True))
            for other in kept
        ):  # fmt: skip
            dropped.add(item)
        else:
            kept.append(item)
    return dropped


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000), count=st.integers(1, 20), sides=st.integers(1, 3),
    similarity=st.sampled_from([0.8, 0.9, 0.97]), edit=st.sampled_from([0.0, 0.9, 0.95]),
    blocks=st.sampled_from([(2048, 8192), (3, 2), (1, 1)]),
)  # fmt: skip
def test_it_agrees_with_the_definition(trigrams, seed, count, sides, similarity, edit, blocks):
    keys = made(seed, count, sides)
    marks = np.random.default_rng(seed).integers(2, size=count)
    flat = trigrams.encode([text for item in keys for text in item])
    with VectorStore(trigrams.dim) as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(near, "_QUERIES", blocks[0])
        patch.setattr(near, "_BASE", blocks[1])
        store.append(flat)
        texts = np.arange(count * sides).reshape(count, sides)
        items = Items(store, texts, marks, keys.__getitem__)
        found = list(near_duplicates(items, similarity=similarity, edit=edit))
    vectors = flat.reshape(count, sides, -1)
    assert {one.dropped for one in found} == naive(keys, vectors, marks, similarity, edit)
    assert len(found) == len({one.dropped for one in found})
    gone = {one.dropped for one in found}
    for one in found:
        assert one.kept < one.dropped and one.kept not in gone
        cosines = (vectors[one.dropped] * vectors[one.kept]).sum(axis=1)
        assert one.similarity == pytest.approx(min(cosines.min(), 1), abs=1e-5)
        assert one.similarity >= similarity - 1e-4 and one.edit >= edit


def test_many_alike_cost_no_comparison_of_each_with_each(trigrams):
    asked = []

    def keys(at):
        asked.append(at)
        return ["вода"]

    with VectorStore(trigrams.dim) as store:
        store.append(trigrams.encode(["вода"]))
        items = Items(store, np.zeros((2500, 1), int), np.zeros(2500, np.int64), keys)
        found = list(near_duplicates(items))
    assert len(found) == 2499 and {one.kept for one in found} == {0}
    assert len(asked) == 2 * 2499
