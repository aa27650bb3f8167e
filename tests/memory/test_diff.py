"""What differs: both texts can be read from it, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.memory.diff import DELETE, EQUAL, INSERT, word_diff
from searchkbd.text.forms import search_key

WORDS = st.sampled_from(["мы", "Мы", "у", "реки", "щ1алэ", "щӏалэ", "d-e", ",", "!", "«", "10"])
TEXTS = st.lists(
    st.tuples(st.sampled_from([" ", "", "  "]), WORDS).map("".join), max_size=8
).map("".join)


def marked(source: str, segment: str) -> str:
    signs = {EQUAL: "{}", DELETE: "[-{}-]", INSERT: "{{+{}+}}"}
    return "".join(signs[c.op].format(c.text) for c in word_diff(source, segment))


@pytest.mark.parametrize(
    ("source", "segment", "expected"),
    [
        ("Мой брат сегодня спит.", "Мой брат завтра спит.",
         "Мой брат [-сегодня-]{+завтра+} спит."),
        ("B D", "D", "[-B -]D"),
        ("D", "B D", "{+B +}D"),
        ("B C", "B", "B[- C-]"),
        ("day D", "day, D", "day{+,+} D"),
        ("Псыр щIыIэщ!", "псыр щ1ы1эщ.", "Псыр щIыIэщ[-!-]{+.+}"),
        ("щ|ы|эщ", "щӏыӏэщ", "щ|ы|эщ"),
        ("", "да", "{+да+}"),
        ("a b c", "x y", "[-a b c-]{+x y+}"),
        ("«да»", "да", "[-«-]да[-»-]"),
        (" да  нет ", "да нет", "[- -]да  нет[- -]"),
    ],
)  # fmt: skip
def test_marked_differences(source, segment, expected):
    assert marked(source, segment) == expected


@given(TEXTS | st.text(max_size=30), TEXTS | st.text(max_size=30))
def test_both_texts_can_be_read_from_it(source, segment):
    changes = word_diff(source, segment)
    ours = "".join(c.text for c in changes if c.op != INSERT)
    theirs = "".join(c.text for c in changes if c.op != DELETE)
    assert ours == source
    assert without_spelling(theirs) == without_spelling(segment)
    assert all(c.text for c in changes)
    assert all(a.op != b.op for a, b in zip(changes, changes[1:], strict=False))


def without_spelling(text: str) -> list[str]:
    return [search_key(word) for word in text.split()]


@given(TEXTS)
def test_nothing_differs_from_itself(text):
    assert {c.op for c in word_diff(text, text)} <= {EQUAL}
