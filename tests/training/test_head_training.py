"""Tuning the teacher's head: translations come nearer, and nothing runs away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from searchkbd.encoders.use import UniversalSentenceEncoder
from searchkbd.training.data import COLUMNS
from searchkbd.training.head import Bitext, HeadConfig, read_bitext, tune_head

pytest.importorskip("torch", reason="training needs torch")

TINY = HeadConfig(steps=30, batch=64, clusters=4, learning_rate=3e-4)
ENGLISH = [
    f"{who} {what} {where}"
    for who in ("The teacher", "My sister", "A dog", "The old man")
    for what in ("sleeps", "is waiting", "reads a letter", "sings")
    for where in ("in the house", "by the river", "at school")
]
RUSSIAN = [
    f"{who} {what} {where}"
    for who in ("Учитель", "Моя сестра", "Собака", "Старик")
    for what in ("спит", "ждёт", "читает письмо", "поёт")
    for where in ("в доме", "у реки", "в школе")
]


@pytest.fixture(scope="module")
def published() -> UniversalSentenceEncoder:
    return UniversalSentenceEncoder(head=None)


def bitext() -> list[Bitext]:
    return [Bitext("ru t", False, ENGLISH, RUSSIAN), Bitext("ru words", True, ["cat"], ["кошка"])]


def cosine(head, encoder, left, right) -> float:
    vectors = [head(*encoder.pool(side)) for side in (left, right)]
    return float((vectors[0] * vectors[1]).sum(axis=1).mean())


def test_translations_come_nearer_and_nothing_runs_away(published):
    watched = []
    head = tune_head(
        bitext(), published, TINY, lambda step, loss, moved: watched.append((step, loss, moved))
    )
    assert [step for step, _, _ in watched] == list(range(1, 31))
    assert np.mean([loss for _, loss, _ in watched[-5:]]) < watched[0][1] / 2
    before = cosine(published.head, published, ENGLISH, RUSSIAN)
    assert cosine(head, published, ENGLISH, RUSSIAN) > before + 0.01
    held = tune_head(bitext(), published, replace(TINY, anchor=50.0))
    pooled = published.pool(RUSSIAN)
    near = published.head(*pooled)
    still = [float((one(*pooled) * near).sum(axis=1).mean()) for one in (held, head)]
    assert still[0] > still[1] + 0.001 and still[0] > 0.98


def test_equal_arguments_give_equal_weights(published):
    from searchkbd.training.student import deterministic

    with deterministic():
        one, two = (tune_head(bitext(), published, replace(TINY, steps=3)) for _ in range(2))
    for name, array in one.arrays().items():
        assert np.array_equal(array, two.arrays()[name]), name
    assert not np.array_equal(one.d0, published.head.d0)


def write(path, rows) -> None:
    lines = ["\t".join(COLUMNS)] + ["\t".join(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_bitext_is_read_by_language_and_origin(tmp_path):
    write(tmp_path / "sentences_en_ru_a.tsv", [("en", "ru", "Yes.", "Да.", "a:1")])
    write(tmp_path / "words_en_ru_a.tsv", [("en", "ru", "cat", "кошка", "a")])
    write(tmp_path / "words_kbd_en_a.tsv", [("kbd", "en", "псы", "water", "a")])
    found = read_bitext(tmp_path)
    assert found == [
        Bitext("ru a", False, ["Yes."], ["Да."]), Bitext("ru words", True, ["cat"], ["кошка"]),
    ]  # fmt: skip


def test_a_folder_without_bitext_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="_en_"):
        read_bitext(tmp_path)
