"""Disjoint sets, against a search through the graph."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from searchkbd.pairs.clusters import Clusters

EDGES = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20)


def reached(edges, start: int) -> set[int]:
    found, waiting = {start}, [start]
    while waiting:
        item = waiting.pop()
        more = {b if a == item else a for a, b in edges if item in (a, b)} - found
        found |= more
        waiting += more
    return found


@given(EDGES, st.randoms())
def test_items_are_together_when_a_path_leads_from_one_to_the_other(edges, random):
    clusters = Clusters(12)
    for edge in edges:
        clusters.join(*edge)
    assert list(clusters.roots()) == [min(reached(edges, item)) for item in range(12)]
    other = Clusters(12)
    for a, b in random.sample(edges, len(edges)):
        other.join(b, a)
    assert other.roots() == clusters.roots()
