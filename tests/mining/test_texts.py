"""Different texts are encoded once, in batches."""

from __future__ import annotations

from searchkbd.mining import texts
from searchkbd.mining.texts import TextSet
from searchkbd.mining.vectors import VectorStore


def test_each_text_has_one_number_and_vector(trigrams, monkeypatch):
    monkeypatch.setattr(texts, "_BATCH", 2)
    batches, told = [], []
    with VectorStore(trigrams.dim) as store:
        found = TextSet(
            trigrams, store, on_batch=lambda *batch: batches.append(batch), progress=told.append
        )
        numbers = [
            found.add(lang, text)
            for lang, text in [("ru", "Вода."), ("ru", "Хлеб."), ("ru", "Вода."), ("en", "Вода.")]
        ]
        found.finish()
        found.finish()
        assert numbers == [0, 1, 0, 2] and len(found) == len(store) == 3
        assert batches == [(["Вода.", "Хлеб."], ["ru", "ru"]), (["Вода."], ["en"])]
        assert told == [2, 3]
        assert (store[:] == trigrams.encode(["Вода.", "Хлеб.", "Вода."])).all()


def test_a_key_makes_texts_one(trigrams):
    with VectorStore(trigrams.dim) as store:
        found = TextSet(trigrams, store)
        assert [found.add("kbd", text, "к") for text in ("КIэ.", "к1э.")] == [0, 0]


def test_an_undetermined_language_is_left_to_the_encoder(trigrams):
    class Listening:
        name, dim, fingerprint, langs = "x", trigrams.dim, "x", []

        def encode(self, texts, langs=None):
            self.langs.extend(langs)
            return trigrams.encode(texts)

    with VectorStore(trigrams.dim) as store:
        found = TextSet(Listening(), store)
        found.add("und", "Вода.")
        found.add("ru", "Вода.")
        found.finish()
    assert Listening.langs == [None, "ru"]
