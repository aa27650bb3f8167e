"""How wide codes are searched: what was measured is true, and enough is chosen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.index import codes, hubs, tuning
from searchkbd.index.codes import TARGETS, Effort, Recall
from searchkbd.index.partition import Partition, nearest
from searchkbd.index.tuning import MAX_CANDIDATES, Measured, choose, measure, tuned, untuned
from tests.index.helpers import clustered, codes_of, empty_directory, partition_of, segment

DIM = 64
COUNT = 4000


@pytest.fixture(scope="module", params=["pq", "ivfpq"])
def made(request, tmp_path_factory):
    """A partition whose sentences have real neighbours, and the vectors."""
    vectors = clustered(np.random.default_rng(20), COUNT, DIM)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codes, "IVF_ROWS", 1000 if request.param == "ivfpq" else 10**6)
        made = partition_of(tmp_path_factory.mktemp("tuning"), vectors)
    assert made.codes.entry.kind == request.param
    return made, vectors


def with_efforts(made, efforts):
    """The same codes, searched in another way."""
    opened = codes_of(made.coded[0].directory, made.coded, DIM, efforts)
    return Partition(made.lang, DIM, made.coded, (), opened)


def true_nearest(vectors, query, count=10):
    """Return the rows of the nearest, without the query itself."""
    scores = vectors.astype(np.float16).astype(np.float32) @ query
    scores[scores >= 0.999] = -1
    return set((1 + np.argsort(-scores)[:count]).tolist())


def test_the_recall_of_a_search_is_that_which_was_measured(made, monkeypatch):
    """Measured by the places of candidates; found by searching with that many candidates."""
    monkeypatch.setattr(tuning, "_CANDIDATES", (1, 2, 5, 30, 300))
    part, vectors = made
    sample = vectors[::40]
    measured = measure(part, sample)
    assert [each.lists for each in measured] == sorted({each.lists for each in measured})
    assert measured[-1].lists == part.codes.lists
    for each in (measured[0], measured[-1]):
        for candidates in each.recalls:
            found = part.codes.search(sample, candidates, each.lists)[1] + 1
            hits = [
                len(set(rows.tolist()) & true_nearest(vectors, query))
                for rows, query in zip(found, sample, strict=True)
            ]
            assert each.recalls[candidates] == pytest.approx(np.sum(hits) / 10 / len(sample))


def test_more_effort_never_finds_less(made):
    part, vectors = made
    measured = measure(part, vectors[::80])
    for each in measured:
        recalls = [each.recalls[n] for n in sorted(each.recalls)]
        assert recalls == sorted(recalls)
    reads = [each.read for each in measured]
    assert reads == sorted(reads) and reads[-1] == COUNT
    assert measured[-1].recalls[MAX_CANDIDATES] == 1.0  # all are candidates


def test_what_is_chosen_reaches_the_targets(made):
    part, vectors = made
    sample = vectors[::20]
    efforts = tuned(part, sample)
    assert set(efforts) == set(TARGETS)
    for level, target in TARGETS.items():
        assert efforts[level].recall >= target
        assert efforts[level].candidates < COUNT / 4, "else this would say nothing"
    assert efforts[Recall.FAST].candidates <= efforts[Recall.BALANCED].candidates
    # And searches of the index find that, also for what the sample does not have.
    searched = with_efforts(part, efforts)
    others = clustered(np.random.default_rng(20), COUNT, DIM)[7::40]
    for level, target in TARGETS.items():
        found = nearest([searched], others, 11, level)
        exact = nearest([searched], others, 11, Recall.EXACT)
        hits = [
            len(set(a.rows.tolist()) & set(b.rows.tolist()))
            for a, b in zip(found, exact, strict=True)
        ]
        assert np.mean(hits) / 11 >= target - 0.02


def test_deleted_and_repeated_sentences_do_not_count(tmp_path):
    """The nearest of the living, and none that is the same as the sample."""
    rng = np.random.default_rng(21)
    vectors = clustered(rng, 300, DIM)
    vectors[50:60] = vectors[0]
    one = segment(empty_directory(tmp_path), 1, vectors[:200], np.arange(200), dead=range(100))
    other = segment(tmp_path, 2, vectors[200:], np.arange(200, 300))
    opened = codes_of(tmp_path, [one, other], DIM)
    part = Partition("ru", DIM, [one, other], (), opened)
    (positions,) = tuning._true_hits(part, vectors[150:151])
    scores = vectors @ vectors[150]
    scores[:100] = scores[150] = -1
    assert positions.tolist() == np.argsort(-scores)[:10].tolist()


def test_hits_are_those_of_a_search_that_holds_hubs_back(tmp_path):
    """A hub that is near to everything is no hit, so codes need not find it."""
    rng = np.random.default_rng(23)
    vectors = clustered(rng, 400, DIM)
    told = rng.uniform(-1, 1, 400).astype(np.float16)
    one = segment(empty_directory(tmp_path), 1, vectors[:250], np.arange(250), hubness=told[:250])
    other = segment(tmp_path, 2, vectors[250:], np.arange(250, 400), hubness=told[250:])
    part = Partition("ru", DIM, [one, other], (), codes_of(tmp_path, [one, other], DIM))
    scores = vectors @ vectors[7]
    scores[7] = -1
    near = np.argsort(-scores)[: hubs.DEPTH]
    ranked = scores[near] - hubs.WEIGHT * np.maximum(told[near].astype(np.float32), 0)
    (positions,) = tuning._true_hits(part, vectors[7:8])
    assert positions.tolist() == near[np.argsort(-ranked)[:10]].tolist()
    assert set(positions.tolist()) != set(near[:10].tolist())


def test_there_may_be_fewer_than_ten(tmp_path):
    vectors = clustered(np.random.default_rng(26), 40, DIM)
    one = segment(empty_directory(tmp_path), 1, vectors, np.arange(40), dead=range(6, 40))
    part = Partition("ru", DIM, [one], (), codes_of(tmp_path, [one], DIM))
    (positions,) = tuning._true_hits(part, vectors[2:3])
    assert sorted(positions.tolist()) == [0, 1, 3, 4, 5]


def test_a_sample_without_neighbours_wants_nothing(tmp_path):
    same = np.repeat(clustered(np.random.default_rng(22), 1, DIM), 30, axis=0)
    part = partition_of(tmp_path, same)
    (measured,) = measure(part, same[:3])
    assert set(measured.recalls.values()) == {1.0}
    assert tuned(part, same[:3])[Recall.BALANCED].candidates == min(measured.recalls)


def test_a_partition_without_codes_cannot_be_measured():
    with pytest.raises(ValueError, match="ru has no codes"):
        measure(Partition("ru", DIM, (), (), None), np.zeros((1, DIM), np.float32))


RECALLS = st.lists(st.floats(0, 1), min_size=3, max_size=3).map(sorted)


@given(st.lists(RECALLS, min_size=1, max_size=4), st.floats(0, 1))
def test_the_least_effort_that_is_enough_is_chosen(ladder, target):
    measured = [
        Measured(lists, 1000.0 * lists, dict(zip((50, 200, 800), recalls, strict=True)))
        for lists, recalls in enumerate(ladder, start=1)
    ]
    costs = {
        Effort(n, each.lists, recall): each.read + tuning._CANDIDATE_READS * n
        for each in measured
        for n, recall in each.recalls.items()
    }
    chosen = choose(measured, {Recall.BALANCED: target})[Recall.BALANCED]
    enough = [effort for effort in costs if effort.recall >= target]
    if enough:
        assert chosen in enough and costs[chosen] == min(costs[effort] for effort in enough)
    else:
        assert chosen.recall == max(effort.recall for effort in costs)


def test_codes_of_which_nothing_is_known_are_searched_widely():
    assert {effort.candidates for effort in untuned().values()} == {MAX_CANDIDATES}
    assert set(untuned()) == set(TARGETS)
