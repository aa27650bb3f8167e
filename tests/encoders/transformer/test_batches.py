import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.encoders.transformer.batches import batches, padded

LENGTHS = st.lists(st.integers(0, 300), max_size=60)


@given(LENGTHS, st.integers(1, 600), st.integers(1, 20))
def test_every_text_is_in_one_batch_within_the_bounds(lengths, tokens, max_texts):
    parts = list(batches(lengths, tokens, max_texts))
    assert sorted(place for part in parts for place in part) == list(range(len(lengths)))
    for part in parts:
        longest = max(lengths[place] for place in part)
        assert len(part) == 1 or len(part) * longest <= tokens
        assert len(part) <= max_texts
    firsts = [max(1, lengths[part[0]]) for part in parts]
    assert firsts == sorted(firsts, reverse=True)


@given(st.lists(st.lists(st.integers(1, 9), max_size=6), min_size=1, max_size=8))
def test_ids_are_filled_up_and_masked(ids):
    matrix, mask = padded(ids, 0)
    assert matrix.shape == mask.shape == (len(ids), max(1, *map(len, ids)))
    for row, seen, text in zip(matrix, mask, ids, strict=True):
        assert row[: len(text)].tolist() == text and not row[len(text) :].any()
        assert seen.tolist() == [1] * len(text) + [0] * (len(row) - len(text))
    assert matrix.dtype == mask.dtype == np.int64
