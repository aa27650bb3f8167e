"""A cached encoder gives what the encoder gives, rounded, and asks it once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from searchkbd.cache.encoder import CachedEncoder, cached
from searchkbd.cache.place import CacheSettingError
from searchkbd.cache.store import EmbeddingCache
from searchkbd.encoders.base import Encoder

TEXTS = ["Мы гъуэгур дэнэ кӏуэрэ?", "Где школа?", "It is raining.", "Il pleut.", "Где школа?"]
LANGS = ["kbd", "ru", "en", "fr", "ru"]


class Counted:
    """The trigram encoder, and the texts that it was asked for."""

    def __init__(self, encoder) -> None:
        self.name, self.dim, self.fingerprint = encoder.name, encoder.dim, encoder.fingerprint
        self.asked: list[tuple[str, str | None]] = []
        self._encoder = encoder

    def encode(self, texts: Sequence[str], langs: Sequence[str | None] | None = None):
        self.asked += zip(texts, langs, strict=True)
        return self._encoder.encode(texts, langs)


@pytest.fixture
def counted(trigrams) -> Counted:
    return Counted(trigrams)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("SEARCHKBD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def rounded(encoder, texts, langs) -> np.ndarray:
    return encoder.encode(texts, langs).astype(np.float16).astype(np.float32)


def test_it_is_the_same_encoder(place, trigrams):
    with cached(trigrams) as encoder:
        assert isinstance(encoder, Encoder)
        assert (encoder.name, encoder.dim, encoder.fingerprint) == (
            trigrams.name, trigrams.dim, trigrams.fingerprint,
        )  # fmt: skip


def test_vectors_are_the_same_fresh_and_cached(place, counted, trigrams):
    wanted = rounded(trigrams, TEXTS, LANGS)
    for run in range(2):
        with cached(counted) as encoder:
            for _ in range(2):
                vectors = encoder.encode(TEXTS, LANGS)
                assert vectors.dtype == np.float32 and np.array_equal(vectors, wanted)
            assert (encoder.hits, encoder.misses) == ((4, 4) if run == 0 else (8, 0))
            assert encoder.warning is None
    assert counted.asked == list(zip(TEXTS, LANGS, strict=True))[:4]


def test_only_what_is_new_is_encoded(place, counted, trigrams):
    with cached(counted) as encoder:
        encoder.encode(TEXTS[:2], LANGS[:2])
    counted.asked.clear()
    with cached(counted) as encoder:
        vectors = encoder.encode(TEXTS, LANGS)
        assert (encoder.hits, encoder.misses) == (2, 2)
    assert counted.asked == [("It is raining.", "en"), ("Il pleut.", "fr")]
    assert np.array_equal(vectors, rounded(trigrams, TEXTS, LANGS))


def test_a_text_in_another_language_is_another_text(place, counted):
    with cached(counted) as encoder:
        encoder.encode(["ах", "ах", "ах", "ах"], ["ru", "kbd", None, "ru"])
        assert counted.asked == [("ах", "ru"), ("ах", "kbd"), ("ах", None)]
        encoder.encode(["ах"])
        assert len(counted.asked) == 3


def test_nothing_and_nonsense(place, counted):
    with cached(counted) as encoder:
        assert encoder.encode([]).shape == (0, counted.dim)
        with pytest.raises(TypeError):
            encoder.encode("Где школа?")
        with pytest.raises(ValueError):
            encoder.encode(TEXTS, LANGS[:2])


def test_the_cache_can_be_turned_off(place, counted, trigrams, monkeypatch):
    monkeypatch.setenv("SEARCHKBD_CACHE_MAX", "0")
    with cached(counted) as encoder:
        for _ in range(2):
            assert np.array_equal(encoder.encode(TEXTS, LANGS), rounded(trigrams, TEXTS, LANGS))
        assert encoder.warning is None
    assert len(counted.asked) == 8 and not place.exists()


def test_a_bound_that_is_no_size_is_an_error(place, counted, monkeypatch):
    monkeypatch.setenv("SEARCHKBD_CACHE_MAX", "much")
    with pytest.raises(CacheSettingError), cached(counted):
        pass


def test_what_was_encoded_before_an_error_is_cached(place, counted):
    with pytest.raises(KeyboardInterrupt), cached(counted) as encoder:
        encoder.encode(TEXTS, LANGS)
        raise KeyboardInterrupt
    with cached(counted) as encoder:
        encoder.encode(TEXTS, LANGS)
        assert encoder.misses == 0


def test_a_file_that_may_not_grow(place, counted, trigrams):
    """The kernel refuses the write, as it does on a full disk or over a quota."""
    resource = pytest.importorskip("resource")
    texts = [f"школа {n}" for n in range(2000)]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with EmbeddingCache(place, counted.fingerprint, counted.dim) as cache:
        encoder = CachedEncoder(counted, cache)
        first = encoder.encode(texts)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
        try:
            cache.flush()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert encoder.warning and "too large" in encoder.warning
        assert np.array_equal(first, encoder.encode(texts))
    assert len(counted.asked) == 4000
    assert [path for path in place.rglob("*") if path.is_file()] == []


def test_the_encoder_that_ships(tmp_path, embedded):
    texts, langs = TEXTS[:4], LANGS[:4]
    for _ in range(2):
        with EmbeddingCache(tmp_path, embedded.fingerprint, embedded.dim) as cache:
            vectors = CachedEncoder(embedded, cache).encode(texts, langs)
            assert np.array_equal(vectors, rounded(embedded, texts, langs))
            assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-3
