"""Lines that are a document: the neighbours of each, however they come in batches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from searchkbd.cli.batch import InputLine
from searchkbd.cli.document import in_document

LINES = st.sampled_from(["раз", "два", "три", "", "...", "bad"]).map(
    lambda text: InputLine(text, "not UTF-8" if text == "bad" else None)
)


@given(st.lists(st.lists(LINES, min_size=1, max_size=4), max_size=5))
def test_neighbours_are_the_nearest_segments(batches):
    lines = [line for batch in batches for line in batch]
    placed = [each for batch in in_document(batches) for each in batch]
    assert [line for line, _ in placed] == lines
    for at, (line, query) in enumerate(placed):
        assert query.text == line.text
        before = [each.text for each in lines[:at] if each.is_query]
        after = [each.text for each in lines[at + 1 :] if each.is_query]
        assert query.previous == (before[-1] if before else "")
        assert query.next == (after[0] if after else "")
