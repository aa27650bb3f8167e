"""Connected components and direct links, against a plain computation."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import CorpusError
from searchkbd.corpus.tatoeba_links import MAX_ID, MAX_LINKS, Links, read_links

IDS = st.integers(1, 40)
PAIRS = st.lists(st.tuples(IDS, IDS), max_size=60)


def components(ids: set[int], pairs: list[tuple[int, int]]) -> dict[int, int]:
    """Each of *ids* → the smallest that it is joined to, by repeated relabelling."""
    root = {one: one for one in ids}
    for _ in ids:
        for one, other in pairs:
            if one in root and other in root:
                root[one] = root[other] = min(root[one], root[other])
    return root


def linked(ids: list[int], pairs: list[tuple[int, int]], step: int = 1000) -> Links:
    links = Links(np.array(sorted(ids), np.int32))
    for at in range(0, len(pairs), step):
        links.add(np.array(pairs[at : at + step], np.int64))
    links.close()
    return links


@settings(max_examples=200)
@given(st.sets(IDS, max_size=30), PAIRS, st.integers(1, 20))
def test_groups_are_the_connected_components(ids, pairs, step):
    links = linked(list(ids), pairs, step)
    asked = np.array(sorted(ids), np.int32)
    roots = links.roots(asked).tolist()
    assert dict(zip(sorted(ids), roots, strict=True)) == components(ids, pairs)
    both = pairs + [(b, a) for a, b in pairs]
    direct = {
        one: sorted({b for a, b in both if a == one and b != one and b in ids}) for one in ids
    }
    assert dict(zip(sorted(ids), links.direct(asked), strict=True)) == direct


def test_a_long_chain_in_the_worst_order():
    count = 20_000
    chain = [(number, number + 1) for number in range(count - 1, 0, -1)]
    links = linked(list(range(1, count + 1)), chain, step=500)
    assert set(links.roots(np.arange(1, count + 1, dtype=np.int32)).tolist()) == {1}


def test_direct_links_are_bounded():
    links = linked(list(range(1, 200)), [(1, other) for other in range(2, 200)])
    (direct,) = links.direct(np.array([1], np.int32))
    assert direct == list(range(2, 2 + MAX_LINKS))


def read(path, ids=(1, 2, 3)):
    options = ReadOptions()
    links = Links(np.array(ids, np.int32))
    rejects = list(read_links(str(path), links, options, RowReader(str(path), options)))
    links.close()
    return links.direct(np.array(ids, np.int32)), rejects


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_bad_rows_are_rejected_with_their_lines(tmp_path, end):
    path = tmp_path / "links.csv"
    rows = ["1\t2", "", "2\tx", "3\t1", f"{MAX_ID + 5}\t1", "9999999999\t2", "1 3", "2\t3"]
    path.write_bytes(end.join(rows).encode())  # no end after the last
    direct, rejects = read(path)
    assert direct == [[2, 3], [1, 3], [1, 2]]
    assert [(reject.place.line, reject.raw) for reject in rejects] == [(3, "2\tx"), (7, "1 3")]
    assert rejects[0].reason == "wrong link: two numbers are expected"


def test_lines_are_counted_across_pieces(tmp_path):
    path = tmp_path / "links.csv.gz"
    with gzip.open(path, "wb") as file:
        file.write(b"1\t2\n" * 300_000 + b"bad\n" + b"2\t1\n" * 300_000)
    direct, (reject,) = read(path)
    assert (direct, reject.place.line) == ([[2], [1], []], 300_001)


def test_a_line_without_an_end_does_not_grow(tmp_path):
    path = tmp_path / "links.csv.gz"
    with gzip.open(path, "wb") as file:
        file.write(b"1\t2\n")
        for _ in range(30):
            file.write(b"7" * 1_000_000)
    direct, (reject,) = read(path)
    assert direct[0] == [2] and (reject.kind, reject.place.line) == ("wrong link", 2)


def test_another_file_and_a_damaged_one(tmp_path):
    path = tmp_path / "links.csv"
    path.write_text("1\teng\tText\n")
    with pytest.raises(CorpusError, match="links.csv is no list of links"):
        read(path)
    data = gzip.compress("".join(f"{n}\t{n + 1}\n" for n in range(1, 200_000)).encode())
    path.write_bytes(data[: len(data) // 2])
    direct, (reject,) = read(path)
    assert direct[0] == [2] and reject.kind == "unreadable from here on"
