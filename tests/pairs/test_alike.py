"""Texts a few edits away: against comparing each with each."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from searchkbd.pairs import alike as module
from searchkbd.pairs.alike import Alike
from searchkbd.pairs.texts import text_key
from searchkbd.text.forms import search_key

TEXTS = st.lists(st.text("абв ", min_size=1, max_size=14), min_size=1, max_size=30)


@settings(max_examples=40)
@given(TEXTS, st.sampled_from([0.6, 0.85, 1.0]))
def test_none_is_missed_and_none_is_found_wrongly(texts, least):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SHARD", 7)  # several shards
        with Alike(iter(texts), least) as alike:
            found = list(alike.to(texts))
    expected = [
        [
            at
            for at, other in enumerate(texts)
            if Levenshtein.normalized_similarity(text, other) >= least - 1e-9
        ]
        for text in texts
    ]
    assert found == expected


def test_a_text_that_is_not_among_them_and_no_texts():
    with Alike(["вода холодная"], 0.85) as alike:
        assert list(alike.to(["вода холодноя", "дождь", "вода холодная"])) == [[0], [], [0]]
    with Alike([], 0.85) as alike:
        assert list(alike.to(["вода"])) == [[]]


@pytest.mark.parametrize(
    "text",
    ["Щӏэныгъэ, лэжьыгъэ!", "щIэныгъэ лэжьыгъэ", "ЩЭНЫГЪЭ — ЛЭЖЬЫГЪЭ.", "щ1эныгъэ\u00a0лэжьыгъэ?"],
)
def test_writings_of_one_text_have_one_key(text):
    assert text_key(search_key(text)) == "щэныгъэ лэжьыгъэ"


@given(st.text(max_size=20))
def test_no_key_is_empty_unless_the_search_key_is(text):
    key = search_key(text)
    assert bool(text_key(key)) == bool(key)
