"""Distilling a student: on pairs made here, in seconds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from searchkbd.encoders.student import StudentEncoder, save_student
from searchkbd.encoders.use import UniversalSentenceEncoder
from searchkbd.training.data import Pair
from searchkbd.training.student import StudentConfig, join_pairs, train_student

pytest.importorskip("torch", reason="training needs the extra train")

NOUNS = {"унэ": "дом", "тхылъ": "книга", "хьэ": "собака", "псы": "вода", "жыг": "дерево",
         "гъуэгу": "дорога", "шы": "лошадь", "къалэ": "город"}  # fmt: skip
WORDS = {"дахэ": "красивый", "ин": "большой", "фӏыцӏэ": "чёрный", "хужь": "белый",
         "щӏэщыгъуэ": "интересный", "жьы": "старый"}  # fmt: skip
PAIRS = [
    Pair(f"{noun} {word}", f"{WORDS[word]} {NOUNS[noun]}", "ru", 2.0)
    for noun, word in itertools.product(NOUNS, WORDS)
]
# Every word is seen in training, these combinations are not.
HELD_OUT = PAIRS[::5]
TRAIN = [pair for pair in PAIRS if pair not in HELD_OUT]
CONFIG = StudentConfig(
    steps=120, batch=32, negatives=16, joined=50, joined_share=0.2, max_features=500, min_count=1
)


@pytest.fixture(scope="module")
def teacher() -> UniversalSentenceEncoder:
    return UniversalSentenceEncoder()


@pytest.fixture(scope="module")
def student(teacher):
    return train_student(TRAIN, teacher, CONFIG)


def found(teacher, vectors) -> float:
    """Share of the held-out pairs whose translation is nearest among all 48."""
    targets = teacher.encode([pair.translation for pair in PAIRS])
    wanted = [PAIRS.index(pair) for pair in HELD_OUT]
    return float(np.mean((vectors @ targets.T).argmax(axis=1) == wanted))


def test_it_reads_combinations_it_has_not_seen(teacher, student):
    # By chance one in 48 is found.
    assert found(teacher, student.encode([pair.kabardian for pair in HELD_OUT])) > 0.6


def test_packed_to_a_file_it_reads_as_well(teacher, student, tmp_path):
    texts = [pair.kabardian for pair in HELD_OUT]
    save_student(tmp_path / "s", student.packed())
    encoder = StudentEncoder(tmp_path / "s")
    vectors = encoder.encode(texts)
    assert encoder.dim == 512
    assert (vectors * student.encode(texts)).sum(axis=1).min() > 0.97
    assert found(teacher, vectors) > 0.6


def test_equal_seeds_give_equal_weights(teacher):
    from dataclasses import replace

    short = replace(CONFIG, steps=5)
    first, second = (train_student(TRAIN, teacher, short) for _ in range(2))
    other = train_student(TRAIN, teacher, replace(short, seed=1))
    assert np.array_equal(first.features, second.features)
    assert np.array_equal(first.table, second.table)
    assert not np.array_equal(first.table, other.table)


def test_features_are_bounded_and_frequent_ones_kept(teacher):
    from dataclasses import replace

    few = train_student(TRAIN, teacher, replace(CONFIG, steps=1, max_features=40))
    many = train_student(TRAIN, teacher, replace(CONFIG, steps=1))
    assert len(few.features) == 40
    assert set(few.features) < set(many.features)
    assert (np.diff(few.features.astype(object)) > 0).all()


def test_watch_and_say_are_told(teacher):
    from dataclasses import replace

    steps, said = [], []
    train_student(
        TRAIN, teacher, replace(CONFIG, steps=5, watch_every=2),
        watch=lambda step, loss, student: steps.append(step), say=said.append,
    )  # fmt: skip
    assert steps == [2, 4, 5]
    assert any("features" in line for line in said)


def test_joined_pairs_are_rows_of_one_language():
    pairs = [*PAIRS, Pair("унэ ин", "big house", "en", 2.0), Pair("псы", "water", "en")]
    joined = join_pairs(pairs, 40, np.random.default_rng(3))
    assert len(joined) == 40
    assert {pair.lang for pair in joined} <= {"ru", "en"}
    for pair in joined:
        russian = any("а" <= char <= "я" for char in pair.translation)
        assert russian == (pair.lang == "ru")
        assert len(pair.kabardian.split()) >= 2
    assert join_pairs([], 0, np.random.default_rng(3)) == []


def test_nothing_to_train_on_is_refused(teacher):
    with pytest.raises(ValueError, match="no pairs"):
        train_student([], teacher, CONFIG)
    with pytest.raises(ValueError, match="no pair has text"):
        train_student([Pair("...", "точка", "ru")], teacher, CONFIG)
    with pytest.raises(ValueError, match="frequent"):
        train_student([Pair("унэ", "дом", "ru")], teacher, StudentConfig(joined=0))
