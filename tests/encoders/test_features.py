"""Features of Kabardian text: what they are, and that many texts at once give the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from searchkbd.encoders import features
from searchkbd.encoders.features import model_key, model_keys

KABARDIAN = st.text("абгдежзкхщъьэIӏ1у -?.\n", max_size=40)
# All that folding looks at, most of it often enough to stand together.
FOLDED = st.text("ащкуэёъЩЭӀӏIiІіlL1|!!02 \u00a0?.,-—…\n_aceXVıİ\u0301\u00adӑ", max_size=30)


@settings(max_examples=300)
@given(texts=st.lists(KABARDIAN | FOLDED | st.text(max_size=20), max_size=6))
@example(texts=["щI!", "щ!I", "а!а", "къыщ1", "11-нэ", "кIIа", "ӏ ӏ", "I", "уI уэ", "2Iа", "аI2"])
@example(texts=["Ии!", "!а", "\n", "а-\nа", "а\nа", "", "iа", "аi", "lа lа", "Ӏ?", "ё Ё Йй"])
@example(texts=["щ1" * 4000, "щI" * 4000, "щ" * 4095 + "I", "щ" * 4095 + "1а"])
def test_many_keys_at_once_are_those_of_each_text(texts):
    assert model_keys(texts) == [model_key(text) for text in texts]


@pytest.mark.parametrize("text", ["Сэ еджапIэм сокIуэ.", "Мыр сыту дахэ!", "«Дэнэ щыӏэ — мо?»"])
def test_usual_texts_go_the_short_way(text):
    assert features._is_plain(text)


@settings(max_examples=100)
@given(texts=st.lists(KABARDIAN | st.text(max_size=20), max_size=6))
def test_features_of_a_text_do_not_depend_on_the_batch(texts):
    whole = features.text_features(texts)
    assert len(whole.offsets) == len(texts) + 1
    for row, text in enumerate(texts):
        alone = features.text_features([text])
        assert np.array_equal(alone.ids, whole.ids[whole.offsets[row] : whole.offsets[row + 1]])


@settings(max_examples=100)
@given(text=KABARDIAN)
def test_features_are_the_words_and_their_ngrams(text):
    words = features.model_key(text).split()
    spaced = {f" {word} " for word in words}
    grams = {
        word[at : at + n]
        for word in spaced
        for n in features.NGRAMS
        for at in range(len(word) - n + 1)
    }
    # A double space is never a feature, a word is another one than the n-gram of its letters.
    assert len(set(features.text_features([text]).ids)) == len(grams) + len(set(words))


def test_features_stay_what_they_were():
    # Weights on disk are bound to these numbers: changing them needs another VERSION.
    assert features.VERSION == "1"
    digest = np.bitwise_xor.reduce(features.text_features(["Сэ еджапIэм сокIуэ, уэ-щэ?"]).ids)
    assert f"{digest:016x}" == "4ddd9abf6f312d3c"
