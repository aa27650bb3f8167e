"""Codes of an index: made when there are enough sentences, measured, and set anew by tuning."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from searchkbd.errors import IndexBusyError, IndexNotFoundError
from searchkbd.index import codes, coding, compaction, hubness, segments
from searchkbd.index.codes import TARGETS, Recall, make_codes
from searchkbd.index.coding import (
    NothingToTuneError,
    code_language,
    targets_of,
    tune_index,
    wants_codes,
)
from searchkbd.index.editing import delete_rows
from searchkbd.index.reader import IndexReader
from searchkbd.index.transaction import WriteTransaction
from searchkbd.index.tuning import MAX_CANDIDATES
from searchkbd.index.vectors import widen
from searchkbd.index.verify import verify_index
from searchkbd.index.writer import Mode, build_index
from tests.index.helpers import VectorEncoder, clustered, sentences

DIM = 64
VECTORS = clustered(np.random.default_rng(30), 5000, DIM)
ENCODER = VectorEncoder(VECTORS)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(codes, "CODES_ROWS", 200)
    monkeypatch.setattr(segments, "SEGMENT_ROWS", 128)


@pytest.fixture
def index(tmp_path):
    """600 Russian sentences, 150 Kabardian ones."""
    items = [*sentences(0, 600), *sentences(600, 750, "kbd")]
    build_index(tmp_path / "i", items, ENCODER)
    return tmp_path / "i"


def entries(directory):
    with IndexReader(directory) as reader:
        return [entry for entry, _ in reader.codes]


def test_which_languages_want_codes():
    assert [wants_codes(n, DIM) for n in (0, 199, 200)] == [False, False, True]
    assert not wants_codes(10**6, 7)  # no number of dimensions shares 4 bits


def test_a_build_makes_codes_where_they_pay(index):
    (entry,) = entries(index)
    assert (entry.lang, entry.kind) == ("ru", "pq")
    with IndexReader(index) as reader:
        assert set(entry.segments) == {e.row for e in reader.segments if e.lang == "ru"}
        ru, kbd = reader.partitions
        assert len(ru.codes) == 600 and not ru.others
        assert kbd.codes is None
    for level, target in TARGETS.items():
        assert entry.efforts[level].recall >= target
        assert entry.efforts[level].candidates < MAX_CANDIDATES
    assert verify_index(index).ok


def test_an_encoder_whose_vectors_cannot_have_codes(tmp_path):
    odd = VectorEncoder(clustered(np.random.default_rng(31), 300, 13))
    build_index(tmp_path / "i", sentences(0, 300), odd)
    assert entries(tmp_path / "i") == []
    with pytest.raises(NothingToTuneError, match="searched exactly"):
        tune_index(tmp_path / "i")


def test_codes_are_made_anew_in_the_place_of_the_old(index):
    (before,) = entries(index)
    (old,) = [path.read_bytes() for path in (index / "codes").iterdir()]
    with WriteTransaction(index, make=False) as transaction:
        code_language(transaction, "ru")
        transaction.commit()
    (after,) = entries(index)
    assert after.segments == before.segments
    assert [path.read_bytes() for path in (index / "codes").iterdir()] == [old]  # same vectors
    build_index(index, sentences(1000, 1400), ENCODER, mode=Mode.ADD)
    (entry,) = entries(index)
    with IndexReader(index) as reader:
        ru = next(p for p in reader.partitions if p.lang == "ru")
        assert len(ru.codes) == 1000 and set(before.segments) < set(entry.segments)
    assert len(list((index / "codes").iterdir())) == 1
    assert verify_index(index).ok


def test_codes_know_the_hubness_of_now(index, monkeypatch):
    """Also those of a language that has not changed, when anchors were drawn anew."""
    with IndexReader(index) as reader:
        ru = reader.partitions[0]
        before = ru.segments[0].row_file.hubness.tolist()
    build_index(index, sentences(1000, 4500, "kbd"), ENCODER, mode=Mode.ADD)
    with IndexReader(index) as reader:
        files = {entry.lang: file.path(index) for entry, file in reader.codes}
        assert set(files) == {"ru", "kbd"}
        for part in reader.partitions:
            if part.lang == "ru":
                assert part.segments[0].row_file.hubness.tolist() != before
            assert files[part.lang].read_bytes() == bytes(make_codes(part.coded, DIM)[1])


def test_tuning_sets_what_was_asked_for(index):
    seen = []
    (low,) = tune_index(index, 0.5, 300, lambda *at: seen.append(at))
    assert seen == [(1, 1)]
    assert entries(index) == [low]
    (high,) = tune_index(index, 0.999, 300)
    assert entries(index) == [high]
    assert low.efforts[Recall.BALANCED].recall >= 0.5
    assert high.efforts[Recall.BALANCED].recall >= 0.999
    # Fast is never set to find more than balanced.
    assert low.efforts[Recall.FAST] == low.efforts[Recall.BALANCED]
    assert (
        low.efforts[Recall.BALANCED].candidates
        < high.efforts[Recall.BALANCED].candidates
    )
    assert dataclasses.replace(high, efforts={}) == dataclasses.replace(low, efforts={})
    assert verify_index(index).ok


def test_what_was_asked_for_holds_for_later_codes(index):
    (low,) = tune_index(index, 0.5, 300)
    assert tune_index(index, sample=300) == [low]
    build_index(index, sentences(1000, 1600), ENCODER, mode=Mode.ADD)
    (entry,) = entries(index)
    assert len(entry.segments) > len(low.segments)
    assert 0.5 <= entry.efforts[Recall.BALANCED].recall < TARGETS[Recall.BALANCED]
    assert entry.efforts[Recall.FAST].candidates <= entry.efforts[Recall.BALANCED].candidates
    assert targets_of({}) == TARGETS
    assert targets_of({"recall_target": "0.999"}) == {**TARGETS, Recall.BALANCED: 0.999}


def test_what_cannot_be_tuned(index, tmp_path):
    build_index(tmp_path / "small", sentences(0, 20), ENCODER)
    with pytest.raises(NothingToTuneError, match="small enough to be searched exactly"):
        tune_index(tmp_path / "small")
    with pytest.raises(IndexNotFoundError):
        tune_index(tmp_path / "absent")
    with WriteTransaction(index, make=False), pytest.raises(IndexBusyError):
        tune_index(index)
    before = entries(index)

    def interrupted(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune_index(index, 0.3, 50, interrupted)
    assert entries(index) == before


def test_a_sample_is_drawn_evenly_from_the_living(index, monkeypatch):
    monkeypatch.setattr(compaction, "DEAD_SHARE", 2.0)  # they stay in their segments
    gone = {f"ru{n}" for n in range(0, 600, 2)}
    delete_rows(index, gone)
    with IndexReader(index) as reader:
        opened = [segment for part in reader.partitions for segment in part.segments]
        drawn = coding._drawn(opened, 90)
        living = [
            widen(s.halves(np.arange(len(s)) if s.live is None else np.flatnonzero(s.live)))
            for s in opened
        ]
    every = np.concatenate(living)
    assert len(every) == 450
    assert np.array_equal(drawn, every[::5])
    with IndexReader(index) as reader:
        opened = [segment for part in reader.partitions for segment in part.segments]
        assert np.array_equal(coding._drawn(opened, 10_000), every)


def test_codes_are_measured_by_sentences_of_all_languages(index, monkeypatch):
    """The anchors lie language by language: the first ones would be of one alone."""
    monkeypatch.setattr(hubness, "MIN_ROWS", 64)
    build_index(index, sentences(2000, 2010), ENCODER, mode=Mode.ADD)
    with WriteTransaction(index, make=False) as transaction:
        sample = coding._sample(transaction, [], 50)
    assert len(sample) == 50
    with IndexReader(index) as reader:
        of = {
            part.lang: np.concatenate([widen(s.vector_file.halves) for s in part.segments])
            for part in reader.partitions
        }
    found = {
        lang: int(((sample @ vectors.T).max(axis=1) > 0.999).sum()) for lang, vectors in of.items()
    }
    assert 5 <= found["kbd"] <= 15 and found["ru"] >= 35  # 150 of 760
