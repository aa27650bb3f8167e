"""How much of a query a sentence covers: what counts, and what does not change it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.search.coverage import Coverage, trigrams
from searchkbd.text.forms import loosen, search_key, words


def coverage(query: str, weights: list[float] | None = None) -> Coverage:
    forms = [word for word in dict.fromkeys(words(search_key(query))) if loosen(word)]
    return Coverage(forms, [loosen(word) for word in forms], weights or [1.0] * len(forms))


def score(query: str, sentence: str) -> float:
    return coverage(query).of(search_key(sentence))


def test_better_matches_score_higher():
    ordered = [
        score("щIыIэ псы", sentence)
        for sentence in ("Псы щIыIэ", "Псы щыIэ", "Псы щIыIэр", "Псы", "Вагъуэ")
    ]
    assert ordered == sorted(ordered, reverse=True)
    assert ordered[0] == pytest.approx(1)
    assert len(set(ordered)) == len(ordered) and ordered[-1] == 0


def test_a_sentence_that_says_more_scores_less():
    assert score("the cat", "the cat") > score("the cat", "the cat is on the mat")
    assert score("the cat", "the cat is on the mat") > 0.85


def test_a_word_inside_a_longer_one_counts_by_its_share():
    assert score("школа", "автошкола") == pytest.approx(0.9 * (5 / 9) ** 0.5)
    assert score("дом", "домик") < 0.6  # three letters are too few to be looked for inside


def test_words_that_share_few_letters_are_different():
    assert score("школа", "около") == 0
    assert score("", "школа") == 0


def test_rare_words_count_more():
    weighed = coverage("the cat", [1.0, 9.0])
    assert weighed.of("cat") == pytest.approx(0.9)
    assert weighed.of("the") == pytest.approx(0.1)


def test_trigrams():
    assert trigrams("псыр") == ["псы", "сыр"]
    assert trigrams("ар") == []


texts = st.text(alphabet="абвгщӏIё1 -éçi", max_size=25)


@given(texts, st.lists(texts, max_size=6))
def test_a_score_is_a_share_and_does_not_depend_on_what_came_before(query, sentences):
    together = coverage(query)
    for sentence in sentences:
        key = search_key(sentence)
        value = together.of(key)
        assert 0 <= value <= 1 + 1e-9
        assert value == coverage(query).of(key)


@given(texts)
def test_a_text_covers_itself(text):
    key = search_key(text)
    if any(loosen(word) for word in words(key)):
        assert coverage(text).of(key) == pytest.approx(1)
