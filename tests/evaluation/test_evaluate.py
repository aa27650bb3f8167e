"""Whole evaluations: of vectors that are known, and of the encoder that ships."""

from __future__ import annotations

import numpy as np
import pytest

from searchkbd.encoders import EncoderError
from searchkbd.evaluation import PairSet, evaluate, read_pairs
from searchkbd.evaluation.distractors import read_distractors
from searchkbd.evaluation.evaluator import distractor_limits
from searchkbd.evaluation.texts import TextVectors
from searchkbd.training.data import read_parallel
from searchkbd.training.evaluate import accuracy


class Planted:
    """An encoder that gives each text the vector it is told to."""

    name, fingerprint, dim = "planted", "0", 3

    def __init__(self, vectors) -> None:
        self._vectors = vectors
        self.batches = []

    def encode(self, texts, langs=None):
        self.batches.append((list(texts), list(langs)))
        rows = np.array([self._vectors[text] for text in texts], dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


NEAR = {
    "а": [1, 0, 0], "б": [0, 1, 0], "в": [0, 0, 1],
    "a": [1, 0.1, 0], "b": [0.1, 1, 0], "c": [0, 1, 0.5],
    "d": [1, 0.01, 0], "e": [0, 0.1, -1],
}  # fmt: skip
PAIRS = PairSet.from_texts("x", ("ru", "en"), ["а", "б", "в"], ["a", "b", "c"])


def test_rows_come_set_by_set_with_and_without_distractors():
    encoder = Planted(NEAR)
    encoded, scored = [], []
    rows = evaluate(
        encoder, [PAIRS], {"en": ["A", "d", "e"]}, max_distractors=1,
        on_encoded=lambda *n: encoded.append(n), on_scored=lambda *n: scored.append(n),
    )  # fmt: skip
    assert [(*row.langs, row.scoring, row.candidates, row.distractors) for row in rows] == [
        ("ru", "en", "cosine", 3, 0), ("ru", "en", "margin", 3, 0),
        ("ru", "en", "cosine", 4, 1), ("ru", "en", "margin", 4, 1),
        ("en", "ru", "cosine", 3, 0), ("en", "ru", "margin", 3, 0),
    ]  # fmt: skip
    cosine = [row.accuracy_at_1.value for row in rows if row.scoring == "cosine"]
    assert cosine == pytest.approx([1, 2 / 3, 2 / 3])  # d is nearer to а; c is nearer to б
    assert rows[2].mrr_at_10.value == pytest.approx((1 + 1 + 1 / 2) / 3)
    assert rows[0].accuracy_at_10.value == 1 and {row.sources for row in rows} == {3}
    assert encoded[-1] == (7, 7) and scored[-1] == (18, 18)
    assert [langs for _, langs in encoder.batches] == [["ru"] * 3, ["en"] * 4]


def test_intervals_and_the_gain_of_the_margin_are_of_the_same_sentences():
    rng = np.random.default_rng(5)
    texts = [f"{side}{n}" for side in "аa" for n in range(60)]
    left = rng.normal(size=(60, 3))
    both = [*left, *(left + rng.normal(size=left.shape) / 2)]
    vectors = dict(zip(texts, both, strict=True))
    pairs = PairSet.from_texts("x", ("ru", "en"), texts[:60], texts[60:])
    rows = evaluate(Planted(vectors), [pairs])
    assert rows == evaluate(Planted(vectors), [pairs])
    for cosine, margin in (rows[:2], rows[2:]):
        assert cosine.gain_at_1 is None
        gain = margin.accuracy_at_1.value - cosine.accuracy_at_1.value
        assert margin.gain_at_1.value == pytest.approx(gain) and gain != 0
        assert margin.gain_at_1.low < gain < margin.gain_at_1.high
        for row in (cosine, margin):
            for estimate in (row.accuracy_at_1, row.accuracy_at_5, row.mrr_at_10):
                assert estimate.low < estimate.value < estimate.high
            assert row.accuracy_at_1.value <= row.mrr_at_10.value <= row.accuracy_at_10.value
    only = evaluate(Planted(vectors), [pairs], scorings=["margin"])
    assert only[0].accuracy_at_1.value == rows[1].accuracy_at_1.value
    assert only[0].gain_at_1 is None


def test_figures_are_means_over_the_rows_of_the_file():
    # а is found and stands three times; б is not found.
    pairs = PairSet.from_texts("x", ("ru", "en"), ["а", "А", "б", "а"], ["a", "a", "e", "a"])
    row = evaluate(Planted(NEAR), [pairs], scorings=["cosine"])[0]
    assert (row.sources, row.candidates) == (4, 2)
    assert row.accuracy_at_1.value == 0.75


def test_json_has_every_figure():
    row = evaluate(Planted(NEAR), [PAIRS])[1].to_dict()
    assert (row["file"], row["from"], row["to"], row["scoring"]) == ("x", "ru", "en", "margin")
    assert row["accuracy_at_1"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert row["gain_at_1"] == {"value": 0.0, "low": 0.0, "high": 0.0}


@pytest.mark.parametrize(
    ("vector", "said"),
    [([np.nan, 0, 0], "length nan"), ([0, 0, 0], "length 0"), ([3, 0, 0], "length 3"),
     ([1, 0], "shape")],
)  # fmt: skip
def test_what_is_no_unit_vector_is_an_error(vector, said):
    class Broken(Planted):
        def encode(self, texts, langs=None):
            return np.array([vector] * len(texts), dtype=np.float32)

    with pytest.raises(EncoderError, match=f"'planted' gave .*{said}"):
        evaluate(Broken({}), [PAIRS])


def test_nothing_to_evaluate():
    with pytest.raises(ValueError, match="no pairs"):
        evaluate(Planted(NEAR), [])
    with pytest.raises(ValueError, match="dot"):
        evaluate(Planted(NEAR), [PAIRS], scorings=["dot"])


def test_a_text_is_encoded_once_and_in_batches(monkeypatch):
    monkeypatch.setattr("searchkbd.evaluation.texts._BATCH", 2)
    encoder = Planted(NEAR)
    vectors = TextVectors(encoder, {"ru": ["а", "б", "а", "в"]})
    assert encoder.batches == [(["а", "б"], ["ru"] * 2), (["в"], ["ru"])]
    assert vectors.of("ru", ["в", "а"]).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_the_phrasebook_is_found_by_the_encoder_that_ships(embedded):
    from searchkbd.resources import PHRASEBOOK

    rows = evaluate(embedded, read_pairs(PHRASEBOOK).sets[:1])
    assert rows[0].langs == ("kbd", "ru") and rows[0].sources == 245
    assert rows[0].accuracy_at_1.value > 0.9


@pytest.mark.parametrize("name", ["sentences_kbd_ru", "udhr_kbd_en"])
def test_real_pairs_have_the_figures_of_the_plain_measure(shared_data, embedded, name):
    path = shared_data / "dev" / f"{name}.tsv"
    texts = read_parallel(path)
    langs = name.split("_")[-2:]
    vectors = [embedded.encode(side, [lang] * len(side)) for side, lang in zip(texts, langs)]  # noqa: B905
    there, back = evaluate(embedded, read_pairs(path).sets, scorings=["cosine"])
    for row, plain in (
        (there, accuracy(*vectors, texts[1])), (back, accuracy(*vectors[::-1], texts[0])),
    ):  # fmt: skip
        assert row.sources == len(texts[0])
        assert row.accuracy_at_1.value == pytest.approx(plain.at_1)
        assert row.accuracy_at_10.value == pytest.approx(plain.at_10)


def test_real_distractors_only_take_away(shared_data, trigrams):
    sets = read_pairs(shared_data / "dev" / "sentences_kbd_ru.tsv").sets
    pool = read_distractors(shared_data / "corpus" / "demo.tsv", distractor_limits(sets, 200))
    rows = evaluate(trigrams, sets, pool, max_distractors=200, scorings=["cosine"])
    assert [row.distractors for row in rows] == [0, 200, 0, 200]
    assert rows[1].candidates == rows[0].candidates + 200
    assert rows[1].accuracy_at_10.value <= rows[0].accuracy_at_10.value
