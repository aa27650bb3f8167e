"""Nearest neighbours over segments, deleted sentences and codes, against looking at everything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from searchkbd.errors import IndexDamagedError
from searchkbd.index import codes, partition
from searchkbd.index.codes import Effort, Recall
from searchkbd.index.partition import Partition, nearest
from searchkbd.index.segments import Segment
from searchkbd.index.vectors import widen
from tests.index.helpers import clustered, codes_of, empty_directory, partition_of, segment

DIM = 16


def grid(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    """Return vectors whose inner products no rounding touches, many of them equal."""
    return rng.integers(-1, 2, size=(count, DIM)).astype(np.float32) / 4


@dataclass(frozen=True)
class Everything:
    """All live sentences, gathered without the code that is tested."""

    rows: NDArray[np.int64]
    vectors: NDArray[np.float32]
    hubness: NDArray[np.float32]
    coded: NDArray[np.bool_]

    def best(
        self, query: NDArray[np.float32], k: int, less_hubs: bool = False
    ) -> tuple[list[int], list[float]]:
        scores = self.vectors @ query
        order = np.lexsort((self.rows, -scores, -self.ranked_by(scores, less_hubs)))[:k]
        return self.rows[order].tolist(), scores[order].tolist()

    def ranked_by(
        self, scores: NDArray[np.float32], less_hubs: bool
    ) -> NDArray[np.float32]:
        """Return cosines; with *less_hubs*, those of all but the query itself less half of what
        is positive of the hubness, and never less than 0."""
        if not less_hubs:
            return scores
        less = np.maximum(scores - np.maximum(self.hubness, 0) / 2, 0)
        return np.where(scores >= 0.999, scores, less)

    def scores(self, query: NDArray[np.float32]) -> dict[int, float]:
        return dict(zip(self.rows.tolist(), (self.vectors @ query).tolist(), strict=True))


def everything(partitions: list[Partition]) -> Everything:
    segments = [(s, s in p.coded) for p in partitions for s in p.segments]
    live = [np.ones(len(s), dtype=bool) if s.live is None else s.live for s, _ in segments]
    pairs = list(zip(segments, live, strict=True))
    return Everything(
        np.concatenate([s.row_file.rows[here] for (s, _), here in pairs]),
        np.concatenate([widen(s.read_vectors().halves)[here] for (s, _), here in pairs]),
        np.concatenate([s.row_file.hubness[here] for (s, _), here in pairs]).astype(np.float32),
        np.concatenate([np.full(here.sum(), is_coded) for (_, is_coded), here in pairs]),
    )


SEGMENTS = st.lists(
    st.tuples(st.integers(1, 50), st.sampled_from([0.0, 0.0, 0.3, 0.9, 1.0]), st.booleans()),
    min_size=1, max_size=4,
)  # fmt: skip
"""Of a language: how many sentences, the share of them that is deleted, whether it has codes."""


def make(directory, languages, seed, effort) -> list[Partition]:
    """Make partitions; row numbers lie anyhow, as they do after edits and merges."""
    rng = np.random.default_rng(seed)
    empty_directory(directory)
    numbers = rng.permutation(10_000)
    partitions = []
    made = 0
    for at, shapes in enumerate(languages):
        coded: list[Segment] = []
        others: list[Segment] = []
        for size, dead, has_codes in shapes:
            rows, numbers = np.sort(numbers[:size]), numbers[size:]
            made += 1
            one = segment(
                directory, made, grid(rng, size), rows,
                dead=np.flatnonzero(rng.random(size) < dead),
                hubness=rng.uniform(-1, 1, size), lang=f"l{at}",
            )  # fmt: skip
            (coded if has_codes else others).append(one)
        opened = None
        if sum(map(len, coded)) >= 16:  # as many as 4 bits tell apart
            opened = codes_of(directory, coded, DIM, effort)
        else:
            coded, others = [], coded + others
        partitions.append(Partition(f"l{at}", DIM, coded, others, opened))
    return partitions


@settings(max_examples=60)
@given(
    languages=st.lists(SEGMENTS, min_size=1, max_size=3),
    seed=st.integers(0, 2**32 - 1),
    queries=st.integers(1, 3),
    k=st.sampled_from([1, 2, 5, 10, 30, 150]),
    recall=st.sampled_from(Recall),
    effort=st.builds(Effort, st.sampled_from([1, 10, 100]), st.integers(0, 5), st.just(1.0)),
    inverted=st.booleans(),
    less_hubs=st.booleans(),
)
def test_nearest_against_everything(
    tmp_path_factory, languages, seed, queries, k, recall, effort, inverted, less_hubs
):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codes, "IVF_ROWS", 16 if inverted else 10**6)
        partitions = make(tmp_path_factory.mktemp("n"), languages, seed, effort)
    asked = grid(np.random.default_rng(seed + 1), queries)
    all_ = everything(partitions)
    hubness = dict(zip(all_.rows.tolist(), all_.hubness.tolist(), strict=True))
    answers = nearest(partitions, asked, k, recall, less_hubs=less_hubs)
    assert len(answers) == queries
    for query, found in zip(asked, answers, strict=True):
        rows, scores = found.rows.tolist(), found.scores.tolist()
        best, best_scores = all_.best(query, k, less_hubs)
        every = all_.vectors @ query
        true = dict(zip(all_.rows.tolist(), every.tolist(), strict=True))
        ranked = all_.ranked_by(every, less_hubs)
        order = dict(
            zip(true, zip((-ranked).tolist(), (-every).tolist(), true, strict=True), strict=True)
        )
        assert len(set(rows)) == len(rows) == len(best)
        assert scores == [true[row] for row in rows]  # of the living only
        assert found.hubness.tolist() == [hubness[row] for row in rows]
        assert rows == sorted(rows, key=order.__getitem__)
        if recall is Recall.EXACT or not all_.coded.any():
            assert (rows, scores) == (best, best_scores)
        elif rows:
            # What has no codes is found for sure.
            sure = all_.rows[~all_.coded].tolist()
            assert {row for row in sure if order[row][0] < order[rows[-1]][0]} <= set(rows)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 60), copies=st.integers(2, 60))
def test_of_equal_scores_the_first_rows_are_taken(tmp_path_factory, seed, k, copies):
    """A sentence that is there many times is found by its first rows, however many are wanted."""
    rng = np.random.default_rng(seed)
    directory = empty_directory(tmp_path_factory.mktemp("equal"))
    vectors = np.repeat(grid(rng, 3), copies, axis=0)[rng.permutation(3 * copies)]
    part = Partition("ru", DIM, [], [segment(directory, 1, vectors, np.arange(len(vectors)))], None)
    query = grid(rng, 1)
    (found,) = nearest([part], query, k, Recall.EXACT)
    assert found.rows.tolist() == everything([part]).best(query[0], k)[0]


def test_real_vectors_are_ranked_as_exactly_as_they_are_summed(tmp_path):
    rng = np.random.default_rng(11)
    empty_directory(tmp_path)
    vectors = clustered(rng, 900, 64)
    rows = rng.permutation(5000)[:900]
    parts = [
        segment(tmp_path, n + 1, vectors[at], np.sort(rows[at]), dead=range(0, 300, 7))
        for n, at in enumerate(np.split(np.arange(900), 3))
    ]
    part = Partition("ru", 64, [], parts, None)
    all_ = everything([part])
    queries = clustered(rng, 30, 64)
    for query, found in zip(queries, nearest([part], queries, 25, Recall.EXACT), strict=True):
        _, best = all_.best(query, 25)
        assert np.allclose(found.scores, best, atol=1e-6)
        true = all_.scores(query)
        assert np.allclose(found.scores, [true[row] for row in found.rows.tolist()], atol=1e-6)


@pytest.fixture(params=["pq", "ivfpq"])
def kind(request, monkeypatch):
    monkeypatch.setattr(codes, "IVF_ROWS", 16 if request.param == "ivfpq" else 10**6)
    return request.param


def test_the_nearest_thousand_may_be_deleted(tmp_path, kind):
    """Candidates are asked for until there are enough of the living, whatever the settings say."""
    rng = np.random.default_rng(12)
    empty_directory(tmp_path)
    vectors = clustered(rng, 2500, DIM, size=1200)
    query = vectors[:1]
    order = np.argsort(-(vectors.astype(np.float16).astype(np.float32) @ query[0]))
    one = segment(tmp_path, 1, vectors, np.arange(2500), dead=order[:1000])
    opened = codes_of(tmp_path, [one], DIM, Effort(20, 1, 1.0))
    assert opened.entry.kind == kind
    part = Partition("ru", DIM, [one], [], opened)
    (found,) = nearest([part], query, 10, Recall.BALANCED)
    assert len(found.rows) == 10
    assert not set(found.rows.tolist()) & set(order[:1000].tolist())
    # The approximate order decides how near they come; far from nothing, and near to the best.
    best = everything([part]).best(query[0], 10)[1]
    assert found.scores[0] > np.mean(best) - 0.2
    # Only as many more are compared as it takes.
    ((_, positions),) = part.candidates(query, 30, 10, Recall.BALANCED)
    assert 10 <= len(positions) < 1500
    (every,) = nearest([part], query, 5000, Recall.FAST)
    assert len(every.rows) == 1500


def test_all_are_found_when_all_are_asked_for(tmp_path, kind, monkeypatch):
    """Also the one whose code is the worst that there can be, which FAISS leaves out."""
    monkeypatch.setattr(codes, "FINE_ROWS", 0)  # two parts: often there is such a one
    rng = np.random.default_rng(19)
    part = partition_of(tmp_path, clustered(rng, 60, DIM), Effort(1, 1, 1.0))
    queries = clustered(rng, 100, DIM)
    assert (part.codes.search(queries, 60, 10**6)[1] < 0).any()
    for found in nearest([part], queries, 60, Recall.FAST):
        assert sorted(found.rows.tolist()) == list(range(1, 61))


def test_all_of_a_partition_may_be_deleted(tmp_path, kind):
    empty_directory(tmp_path)
    vectors = clustered(np.random.default_rng(13), 40, DIM)
    one = segment(tmp_path, 1, vectors, np.arange(40), dead=range(40))
    other = segment(tmp_path, 2, vectors, np.arange(40, 80), dead=range(40))
    part = Partition("ru", DIM, [one], [other], codes_of(tmp_path, [one], DIM))
    for recall in Recall:
        (found,) = nearest([part], vectors[:1], 3, recall)
        assert len(found.rows) == len(found.scores) == len(found.hubness) == 0
    assert [len(found.rows) for found in nearest([], vectors[:2], 3, Recall.EXACT)] == [0, 0]


def test_sentences_that_are_all_the_same_are_candidates_too(tmp_path):
    """Of several languages, with codes that no score tells apart."""
    empty_directory(tmp_path)
    vector = clustered(np.random.default_rng(25), 1, DIM)
    partitions = []
    for number, lang in enumerate(("ru", "kbd"), start=1):
        rows = np.arange(number, 200, 2)
        one = segment(tmp_path, number, np.repeat(vector, len(rows), axis=0), rows, lang=lang)
        opened = codes_of(tmp_path, [one], DIM, Effort(20, 1, 1.0))
        partitions.append(Partition(lang, DIM, [one], [], opened))
    (found,) = nearest(partitions, vector, 10, Recall.BALANCED)
    assert len(set(found.rows.tolist())) == 10
    assert np.allclose(found.scores, 1, atol=1e-3)


def test_levels_differ_in_effort_alone(tmp_path, monkeypatch):
    """More candidates find more; when all are candidates, all of the nearest are found."""
    monkeypatch.setattr(partition, "_SPARE", 1)
    rng = np.random.default_rng(14)
    vectors = clustered(rng, 3000, 64)
    made = segment(empty_directory(tmp_path), 1, vectors, np.arange(3000))
    efforts = {Recall.FAST: Effort(10, 0, 0.1), Recall.BALANCED: Effort(400, 0, 0.9)}
    part = Partition("ru", 64, [made], [], codes_of(tmp_path, [made], 64, efforts))
    queries = clustered(rng, 40, 64)
    exact, balanced, fast = (
        [set(found.rows.tolist()) for found in nearest([part], queries, 10, level)]
        for level in (Recall.EXACT, Recall.BALANCED, Recall.FAST)
    )

    def recall(answers):
        return np.mean([len(a & b) / 10 for a, b in zip(answers, exact, strict=True)])

    assert recall(fast) + 0.1 < recall(balanced) > 0.85
    every = {level: Effort(3000, 0, 1.0) for level in efforts}
    part = Partition("ru", 64, [made], [], codes_of(tmp_path, [made], 64, every))
    found = nearest([part], queries, 10, Recall.FAST)
    assert [set(each.rows.tolist()) for each in found] == exact


def test_more_are_compared_than_are_asked_for(tmp_path, monkeypatch):
    """The settings are for ten; who asks for more gets candidates to choose from too."""
    rng = np.random.default_rng(27)
    vectors = clustered(rng, 2000, 64)
    part = partition_of(tmp_path, vectors, Effort(50, 1, 1.0))
    queries = clustered(rng, 20, 64)
    exact = nearest([part], queries, 200, Recall.EXACT)

    def recall():
        found = nearest([part], queries, 200, Recall.BALANCED)
        return np.mean([
            len(set(a.rows.tolist()) & set(b.rows.tolist())) / 200
            for a, b in zip(found, exact, strict=True)
        ])  # fmt: skip

    with_spare = recall()
    monkeypatch.setattr(partition, "_SPARE", 1)
    assert with_spare > recall() + 0.1


def test_many_queries_are_answered_as_one_by_one(tmp_path, kind):
    rng = np.random.default_rng(15)
    part = partition_of(tmp_path, clustered(rng, 800, DIM), Effort(60, 3, 1.0))
    queries = clustered(rng, 20, DIM)
    for recall in Recall:
        for query, found in zip(queries, nearest([part], queries, 7, recall), strict=True):
            (alone,) = nearest([part], query[None], 7, recall)
            assert found.rows.tolist() == alone.rows.tolist()
            assert np.allclose(found.scores, alone.scores, atol=1e-6)


def test_the_vectors_of_rows(tmp_path):
    rng = np.random.default_rng(16)
    vectors = clustered(rng, 120, DIM)
    empty_directory(tmp_path)
    one = segment(tmp_path, 1, vectors[:60], np.arange(60), dead=[3])
    # What was edited: the row is dead in the first segment and lives in the second.
    other = segment(tmp_path, 2, vectors[60:63], np.array([3, 77, 99]), dead=[2])
    part = Partition("ru", DIM, [one], [other], codes_of(tmp_path, [one], DIM))
    wanted = np.array([77, 5, 99, 3, 1000, 5])
    here, found = part.vectors(wanted)
    assert here.tolist() == [True, True, False, True, False, True]
    assert np.allclose(found, vectors[[61, 5, 60, 5]], atol=1e-3)


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("file", ["vectors", "rows"])
def test_a_damaged_vector_or_row_is_no_answer(tmp_path, file):
    """By codes only what is compared is read, and that is checked; a scan reads and checks all."""
    vectors = clustered(np.random.default_rng(17), 100, DIM)
    part = partition_of(tmp_path, vectors, Effort(20, 0, 1.0))
    path = part.coded[0].entry.files[file].path(tmp_path)
    flip(path, -1)  # of the last vector: its last dimension, or what is known of it

    def opened() -> Partition:
        old = part.coded[0]
        return Partition("ru", DIM, [Segment(tmp_path, old.entry, DIM)], [], part.codes)

    with pytest.raises(IndexDamagedError, match="checksum"):
        nearest([opened()], vectors[:1], 1, Recall.EXACT)
    candidates = part.codes.search(vectors, 20, 0)[1]
    compared = (candidates == 99).any(axis=1)
    assert 0 < compared.sum() < 100
    with pytest.raises(IndexDamagedError, match="checksum"):
        nearest([opened()], vectors[compared.argmax()][None], 1, Recall.FAST)
    (found,) = nearest([opened()], vectors[compared.argmin()][None], 1, Recall.FAST)
    assert found.rows[0] - 1 in candidates[compared.argmin()]


def test_threads_are_given_back(tmp_path):
    import faiss

    part = partition_of(tmp_path, clustered(np.random.default_rng(18), 50, DIM))
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(2)
    try:
        nearest([part], np.eye(1, DIM, dtype=np.float32), 1, Recall.FAST)
        assert faiss.omp_get_max_threads() == 2
        with pytest.raises(KeyboardInterrupt), partition._threads_for(1):
            assert faiss.omp_get_max_threads() == 1
            raise KeyboardInterrupt
        assert faiss.omp_get_max_threads() == 2
    finally:
        faiss.omp_set_num_threads(before)
