"""Held-out pairs: what is together stays together, and how many there are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchkbd.pairs.options import Amount
from searchkbd.pairs.splits import LEAST_LARGEST, PairTexts, Wanted, hold_out, quotas

PAIRS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(31, 60), st.integers(0, 2)), min_size=1, max_size=25
)
LINKS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=25)


def numbered(pairs) -> PairTexts:
    first, second, strata = (np.array(column) for column in zip(*pairs, strict=True))
    return PairTexts(first, second, 61, strata, 3)


def near_by(links):
    """Texts that are alike: each to itself, and both ends of a link to each other."""

    def near(texts):
        for text in texts:
            ends = [{*link} for link in links if text in link]
            yield sorted({text}.union(*ends))

    return near


def wanted(pairs: PairTexts, *counts) -> list[Wanted]:
    strata = np.bincount(pairs.strata, minlength=pairs.count).tolist()
    return [quotas(count, strata) for count in counts]


@settings(max_examples=300)
@given(PAIRS, LINKS, st.integers(0, 25), st.integers(0, 25), st.integers(0, 5))
def test_what_shares_a_text_or_has_one_alike_is_in_one_split(pairs, links, dev, test, seed):
    texts, near = numbered(pairs), near_by(links)
    asked = wanted(texts, dev, test)
    splits = hold_out(texts, asked, near, seed)
    of_text: dict[int, int] = {}
    for (a, b, _), split in zip(pairs, splits.tolist(), strict=True):
        assert of_text.setdefault(a, split) == split
        assert of_text.setdefault(b, split) == split
    for a, b in links:
        if a in of_text and b in of_text:
            assert of_text[a] == of_text[b]
    assert (splits == 1).sum() <= dev and (splits == 2).sum() <= test
    assert (hold_out(texts, asked, near, seed) == splits).all()


def test_copies_of_copies_are_held_out_together_though_no_pair_joins_them():
    pairs = [(n, 31 + n, 0) for n in range(20)]
    chain = [(n, n + 1) for n in range(5)]
    texts = numbered(pairs)
    for seed in range(20):
        splits = hold_out(texts, wanted(texts, 8), near_by(chain), seed)
        assert (splits == 1).sum() == 8
        assert len(set(splits[:6].tolist())) == 1
    assert len({tuple(hold_out(texts, wanted(texts, 8), None, n)) for n in range(9)}) > 1


def test_what_is_too_large_stays_in_training():
    large = LEAST_LARGEST + 1
    first = np.array([0] * large + list(range(1, 21)))
    pairs = PairTexts(first, np.arange(100, 120 + large), 200, np.zeros(20 + large, int), 1)
    splits = hold_out(pairs, [quotas(40, [20 + large])], None, 0)
    assert not splits[:large].any() and splits[large:].all()

    def near(texts):  # one of the others is alike to a text of the large cluster
        yield from ([0, 1] if text == 1 else [text] for text in texts)

    splits = hold_out(pairs, [quotas(40, [20 + large])], near, 0)
    assert not splits[: large + 1].any() and splits[large + 1 :].all()


def test_every_stratum_has_some_and_none_much_more_than_its_part():
    rng = np.random.default_rng(1)
    strata = np.repeat([0, 1, 2], [900, 90, 60])
    texts = rng.permutation(2 * len(strata)).reshape(2, -1)
    pairs = PairTexts(*texts, texts.size, strata, 3)
    (one,) = wanted(pairs, 100)
    assert sum(one.quotas) == 100 and min(one.quotas) >= 10
    splits = hold_out(pairs, [one], None, 0)
    assert np.bincount(strata[splits == 1]).tolist() == list(one.quotas)


@given(st.integers(0, 500), st.lists(st.integers(0, 400), min_size=1, max_size=6))
def test_quotas_add_up(pairs, counts):
    found = quotas(pairs, counts)
    assert sum(found.quotas) == min(pairs, sum(counts))
    assert all(0 <= quota <= count for quota, count in zip(found.quotas, counts, strict=True))


def test_nothing_is_held_out_when_nothing_is_wanted():
    texts = numbered([(0, 31, 0)])
    assert hold_out(texts, wanted(texts, 0, 0), None, 0).tolist() == [0]


@pytest.mark.parametrize(("amount", "of"), [(Amount(5, True), 10), (Amount(300), 300)])
def test_amounts(amount, of):
    assert amount.of(200) == of
