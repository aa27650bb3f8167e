"""Nearest neighbours in an index: what codes find of what scans find, languages, and hubs."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from searchkbd.index import codes, compaction, hubs, segments
from searchkbd.index.codes import TARGETS, Recall
from searchkbd.index.editing import delete_rows
from searchkbd.index.reader import IndexReader
from searchkbd.index.writer import build_index
from searchkbd.search.semantic import nearest, without_hubs
from tests.index.helpers import VectorEncoder, clustered, live_hubness, sentences

DIM = 64
RU, KBD = 4000, 1000
COUNT = RU + KBD
VECTORS = clustered(np.random.default_rng(70), COUNT + 200, DIM)
QUERIES = VECTORS[COUNT:]
"""Of the same clusters, and no sentences of the index."""


@pytest.fixture(scope="module", params=["pq", "ivfpq"])
def directory(request, tmp_path_factory):
    """5,000 sentences, past the limit from which there are codes."""
    path = tmp_path_factory.mktemp("semantic") / "i"
    encoder = VectorEncoder(VECTORS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "SEGMENT_ROWS", 1024)
        patch.setattr(codes, "CODES_ROWS", 900)
        patch.setattr(codes, "IVF_ROWS", 900 if request.param == "ivfpq" else 10**6)
        items = [*sentences(0, RU), *sentences(RU, COUNT, "kbd")]
        build_index(path, items, encoder)
    return path


@pytest.fixture
def reader(directory):
    with IndexReader(directory) as reader:
        yield reader


def recall_of(found, exact):
    return np.mean([
        len({r.row for r in a} & {r.row for r in b}) / len(b)
        for a, b in zip(found, exact, strict=True)
    ])  # fmt: skip


def test_balanced_finds_what_exact_finds(reader):
    for part in reader.partitions:
        assert part.codes is not None and not part.others
        # Else all vectors would be compared, and nothing would be shown.
        assert part.codes.entry.efforts[Recall.BALANCED].candidates <= len(part.codes) / 2
    exact = nearest(reader, QUERIES, 10, recall=Recall.EXACT)
    scores = VECTORS[:COUNT].astype(np.float16).astype(np.float32) @ QUERIES.T
    for query, found in enumerate(exact):
        best = np.sort(scores[:, query])[::-1][:10]
        assert np.allclose([r.score for r in found], best, atol=1e-6)
    balanced = recall_of(nearest(reader, QUERIES, 10), exact)
    fast = recall_of(nearest(reader, QUERIES, 10, recall=Recall.FAST), exact)
    assert balanced >= 0.95
    assert balanced >= TARGETS[Recall.BALANCED] - 0.02 and fast >= TARGETS[Recall.FAST] - 0.03
    assert fast <= balanced


def test_languages_choose_partitions(reader):
    for langs, rows in ((["kbd"], range(RU + 1, COUNT + 1)), (["ru"], range(1, RU + 1))):
        for recall in Recall:
            for found in nearest(reader, QUERIES[:5], 20, langs, recall):
                assert len(found) == 20 and all(r.row in rows for r in found)
    both = nearest(reader, QUERIES[:5], 20, ["ru", "kbd"], Recall.EXACT)
    assert both == nearest(reader, QUERIES[:5], 20, None, Recall.EXACT)
    assert nearest(reader, QUERIES[:2], 20, ["fr"]) == [[], []]
    assert without_hubs(reader, QUERIES[:2], 20, ["fr"]) == [[], []]


def test_a_sentence_finds_itself(reader):
    rows = np.arange(1, COUNT + 1, 250)
    for recall in Recall:
        found = nearest(reader, VECTORS[rows - 1], 1, recall=recall)
        assert [each[0].row for each in found] == rows.tolist()
        assert all(each[0].score == pytest.approx(1, abs=1e-3) for each in found)


def test_hubs_lose_half_their_hubness(reader, directory):
    measured = live_hubness(directory)
    for found, plain in zip(
        without_hubs(reader, QUERIES[:10], 15, recall=Recall.EXACT),
        nearest(reader, QUERIES[:10], hubs.DEPTH, recall=Recall.EXACT),
        strict=True,
    ):
        cosines = {r.row: r.score for r in plain}
        expected = {
            row: max(cosine - hubs.WEIGHT * max(measured[row], 0), 0)
            for row, cosine in cosines.items()
        }
        best = sorted(expected, key=lambda row: (-expected[row], -cosines[row], row))[:15]
        assert [n.row for n in found] == best
        for n in found:
            assert n.similarity == cosines[n.row]
            assert n.score == pytest.approx(expected[n.row], abs=1e-6)
    assert min(measured.values()) != max(measured.values())


def test_no_more_than_there_is(reader):
    for recall in Recall:
        (found,) = without_hubs(reader, QUERIES[:1], 10_000, ["kbd"], recall)
        assert sorted(n.row for n in found) == list(range(RU + 1, COUNT + 1))


def test_what_is_deleted_is_gone_at_once(tmp_path, directory, monkeypatch):
    copy = shutil.copytree(directory, tmp_path / "copy")
    monkeypatch.setattr(codes, "CODES_ROWS", 900)
    monkeypatch.setattr(compaction, "DEAD_SHARE", 2.0)  # nothing is written anew
    with IndexReader(copy) as reader:
        before = nearest(reader, QUERIES[:20], 30, recall=Recall.EXACT)
        gone = {r.row for found in before for r in found[:20]}
        ids = [s.id for s in reader.sentences(gone).values()]
    delete_rows(copy, ids)
    with IndexReader(copy) as reader:
        assert all(part.codes is not None for part in reader.partitions)
        for recall in Recall:
            for found, old in zip(
                nearest(reader, QUERIES[:20], 10, recall=recall), before, strict=True
            ):
                rows = [r.row for r in found]
                assert len(rows) == 10 and not gone & set(rows)
                if recall is Recall.EXACT:
                    kept = [r for r in old if r.row not in gone]
                    assert found[: len(kept)] == kept
