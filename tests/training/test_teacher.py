"""The teacher's vectors, kept in files while a training lasts."""

from __future__ import annotations

import numpy as np
import pytest

from searchkbd.training import teacher as module
from searchkbd.training.teacher import CachedTeacher


class Counting:
    """Counts the texts that the encoder beneath it reads."""

    def __init__(self, encoder) -> None:
        self.encoder, self.texts = encoder, 0
        self.name, self.dim, self.fingerprint = encoder.name, encoder.dim, encoder.fingerprint

    def encode(self, texts, langs=None):
        self.texts += len(texts)
        return self.encoder.encode(texts, langs)


@pytest.fixture
def counting(trigrams, monkeypatch) -> Counting:
    monkeypatch.setattr(module, "CHUNK", 10)
    return Counting(trigrams)


TEXTS = [f"слово {n}" for n in range(25)]


def test_vectors_are_the_teachers_and_read_once(counting, tmp_path, trigrams):
    seen = []
    cached = CachedTeacher(counting, tmp_path, lambda done, total: seen.append((done, total)))
    wanted = trigrams.encode(TEXTS)
    for _ in range(2):
        assert np.array_equal(cached.encode(TEXTS, ["ru"] * 25), wanted)
    assert counting.texts == 25
    assert seen == [(10, 25), (20, 25), (25, 25)] * 2
    assert CachedTeacher(counting, tmp_path).encode([]).shape == (0, 64)


def test_other_texts_languages_and_teachers_are_read(counting, tmp_path):
    cached = CachedTeacher(counting, tmp_path)
    cached.encode(TEXTS[:10], ["ru"] * 10)
    cached.encode(TEXTS[:10], ["en"] * 10)
    cached.encode(TEXTS[1:11], ["ru"] * 10)
    assert counting.texts == 30
    counting.fingerprint = "another"
    CachedTeacher(counting, tmp_path).encode(TEXTS[:10], ["ru"] * 10)
    assert counting.texts == 40


@pytest.mark.parametrize("size", [0, 50, -1])
def test_a_damaged_file_is_made_again(counting, tmp_path, size):
    cached = CachedTeacher(counting, tmp_path)
    wanted = cached.encode(TEXTS[:10])
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:size])
    assert np.array_equal(cached.encode(TEXTS[:10]), wanted)
    assert counting.texts == 20
    assert np.array_equal(cached.encode(TEXTS[:10]), wanted)
    assert counting.texts == 20
