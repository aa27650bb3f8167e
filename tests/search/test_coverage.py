"""How much of a query a sentence covers: what counts, and what does not change it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.search import coverage as module
from searchkbd.search.coverage import Coverage, trigrams
from searchkbd.text.forms import loosen, search_key, words


def coverage(query: str, weights: list[float] | None = None) -> Coverage:
    forms = [word for word in dict.fromkeys(words(search_key(query))) if loosen(word)]
    return Coverage(forms, [loosen(word) for word in forms], weights or [1.0] * len(forms))


def score(query: str, sentence: str) -> float:
    return coverage(query).of([search_key(sentence)])[0]


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
    assert weighed.of(["cat", "the"]) == pytest.approx([0.9, 0.1])


def test_no_loose_key_is_overlooked():
    letters = [chr(point) for point in range(1, 0x3000) if chr(point) != "\n"]
    forms = [f"щ{letter}э" for letter in letters] + letters
    changed = {form: loosen(form) for form in forms if loosen(form) != form}
    found = module._loosened(forms)
    assert {form: loose for form, loose in found.items() if loose != form} == changed
    assert len(changed) > 500


def test_a_repeated_trigram_counts_once():
    assert score("папапа", "папа") == pytest.approx(0.9 * (4 / 6) ** 0.5)
    assert score("банан", "бананананана") == pytest.approx(0.9 * (5 / 12) ** 0.5)


def test_trigrams():
    assert trigrams("псыр") == ["псы", "сыр"]
    assert trigrams("ар") == []


texts = st.text(alphabet="абвгщӏIё1 -éçi", max_size=25)


@given(texts, st.lists(texts, max_size=6))
def test_a_score_is_a_share_and_does_not_depend_on_other_sentences(query, sentences):
    keys = [search_key(sentence) for sentence in sentences]
    values = coverage(query).of(keys)
    assert all(0 <= value <= 1 + 1e-9 for value in values)
    assert values == [coverage(query).of([key])[0] for key in keys]


@given(texts)
def test_a_text_covers_itself(text):
    key = search_key(text)
    if any(loosen(word) for word in words(key)):
        assert coverage(text).of([key]) == pytest.approx([1])
