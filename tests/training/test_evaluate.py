"""Retrieval figures, on vectors whose order is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.training.data import read_distractors, read_pairs, read_parallel
from searchkbd.training.evaluate import accuracy


def unit(rows) -> np.ndarray:
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@given(seed=st.integers(0, 1000), count=st.integers(1, 40))
def test_it_agrees_with_sorting(seed, count):
    rng = np.random.default_rng(seed)
    left, right = unit(rng.normal(size=(count, 8))), unit(rng.normal(size=(count, 8)))
    more = unit(rng.normal(size=(5, 8)))
    order = np.argsort(-(left @ np.concatenate([right, more]).T), axis=1)
    ranks = np.array([list(row).index(place) for place, row in enumerate(order)])
    found = accuracy(left, right, [str(n) for n in range(count)], more)
    assert found.at_1 == pytest.approx((ranks < 1).mean())
    assert found.at_10 == pytest.approx((ranks < 10).mean())


def test_equal_targets_are_both_right():
    left = unit([[1, 0], [1, 0.1]])
    right = unit([[1, 0.5], [1, 0]])
    assert accuracy(left, right, ["a", "b"]).at_1 == 0.5
    assert accuracy(left, right, ["a", "a"]).at_1 == 1


def test_vectors_all_equal_find_nothing():
    same = np.ones((20, 4), dtype=np.float32) / 2
    assert accuracy(same, same, [str(n) for n in range(20)]).at_1 == 0


def test_distractors_take_places():
    left = right = unit([[1, 0], [0, 1]])
    near = np.repeat(unit([[1, 1e-5]]), 10, axis=0)
    assert accuracy(left, unit([[1, 0.1], [0, 1]]), ["a", "b"], near).at_10 == 0.5
    assert accuracy(left, right, ["a", "b"], np.empty((0, 2), np.float32)).at_1 == 1


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ValueError, match="one length"):
        accuracy(np.ones((2, 2)), np.ones((2, 2)), ["a"])
    with pytest.raises(ValueError, match="no pairs"):
        accuracy(np.ones((0, 2)), np.ones((0, 2)), [])


HEAD = "lang_a\tlang_b\ttext_a\ttext_b\torigin\n"


def test_pairs_are_read_with_the_weight_of_their_kind(tmp_path):
    (tmp_path / "words_kbd_ru_x.tsv").write_text(HEAD + 'kbd\tru\tунэ\t"дом\tx\n', "utf-8")
    (tmp_path / "sentences_kbd_en_x.tsv").write_text(
        HEAD + "kbd\ten\tМыр унэщ\tThis is a house\tx\nkbd\ten\t\tno text\tx\n", "utf-8"
    )
    (tmp_path / "sentences_en_ru_x.tsv").write_text(HEAD + "en\tru\ta\tб\tx\n", "utf-8")
    pairs = read_pairs(tmp_path, {"words": 1.0, "sentences": 4.0})
    assert {(p.kabardian, p.translation, p.lang, p.weight) for p in pairs} == {
        ("унэ", '"дом', "ru", 1.0), ("Мыр унэщ", "This is a house", "en", 4.0),
    }  # fmt: skip
    with pytest.raises(FileNotFoundError):
        read_pairs(tmp_path, {"phrases": 1.0})


def test_a_file_of_other_columns_is_refused(tmp_path):
    (tmp_path / "x.tsv").write_text("id\ttext\n1\ta\n", "utf-8")
    with pytest.raises(ValueError, match="columns"):
        read_parallel(tmp_path / "x.tsv")


def test_distractors_are_different_texts_and_no_targets(tmp_path):
    rows = ["1\tru\tДом\tg\to", "2\tru\tдом \tg\to", "3\tru\tЦель\tg\to", "4\ten\tA\tg\to",
            "5\tru\tСад\tg\to", "6\tru\tЛес\tg\to"]  # fmt: skip
    (tmp_path / "c.tsv").write_text(
        "id\tlang\ttext\tgroup\torigin\n" + "\n".join(rows) + "\n", "utf-8"
    )
    assert read_distractors(tmp_path / "c.tsv", "ru", 2, ["цель"]) == ["Дом", "Сад"]
