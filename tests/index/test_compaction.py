"""Compaction: nothing is lost or changed, little is written, segments are few, space comes back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from searchkbd.errors import IndexBusyError, IndexDamagedError, IndexNotFoundError
from searchkbd.index import codes, compaction, hubness, segments, transaction, writer
from searchkbd.index.codes import Recall
from searchkbd.index.compaction import compact, maintain
from searchkbd.index.directory import size_of
from searchkbd.index.editing import delete_rows, edit_sentence
from searchkbd.index.reader import IndexReader
from searchkbd.index.transaction import WriteTransaction
from searchkbd.index.verify import verify_index
from searchkbd.index.writer import Mode, build_index
from searchkbd.search import semantic
from tests.index.helpers import VectorEncoder, clustered, execute, live_hubness, sentences

DIM = 16
VECTORS = clustered(np.random.default_rng(40), 4000, DIM)
ENCODER = VectorEncoder(VECTORS)
SEGMENT_ROWS = 32
CODES_ROWS = 48


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Limits so low that some dozens of sentences take every path that millions take."""
    monkeypatch.setattr(segments, "SEGMENT_ROWS", SEGMENT_ROWS)
    monkeypatch.setattr(codes, "CODES_ROWS", CODES_ROWS)
    monkeypatch.setattr(writer, "ENCODE_BATCH", 20)
    monkeypatch.setattr(hubness, "MIN_ROWS", 32)


@pytest.fixture
def written(monkeypatch):
    """How many sentences were written into segments, by counting them where that is done."""
    return count_written(monkeypatch)


def count_written(patch):
    counts = []
    real = WriteTransaction.write_segment

    def counted(self, lang, rows, *more):
        counts.append(len(rows))
        return real(self, lang, rows, *more)

    patch.setattr(transaction.WriteTransaction, "write_segment", counted)
    return counts


def entries(directory):
    with IndexReader(directory) as reader:
        return reader.segments


def check(directory, model):
    """Compare an index with *model*: id → the number that its vector is of."""
    with IndexReader(directory) as reader:
        stored = {s.id: s for s in reader.iterate()}
        assert {id: int(s.text.split()[-1]) for id, s in stored.items()} == model
        rows = [s.row for s in stored.values()]
        expected = VECTORS[list(map(model.__getitem__, stored))]
        assert np.allclose(reader.vectors(rows), expected, atol=1e-3)
        live = {}
        for entry in reader.segments:
            live[entry.lang] = live.get(entry.lang, 0) + entry.live
        assert {lang: n for lang, n in live.items() if n} == reader.sentences_per_language
        # Every search of every level gives the sentences that are there, and each of them once.
        if rows:
            for recall in Recall:
                (found,) = semantic.nearest(reader, expected[:1], len(rows) + 5, recall=recall)
                assert sorted(r.row for r in found) == sorted(rows)
    # Hubness is as it would be measured now by the stored anchors.
    with IndexReader(directory) as reader:
        anchors = hubness.read_anchors(reader.connection, directory)
    measured = live_hubness(directory)
    assert measured.keys() == set(rows)
    if anchors is not None and rows:
        again = hubness.hubness(expected, anchors.vectors)
        assert np.allclose([measured[row] for row in rows], again, atol=2e-3)
    assert verify_index(directory).problems == []


def most_segments(sentences):
    """As many segments as a language may have: full ones, three of each smaller size, and of
    each making of codes one that was left over."""
    tiers = 1 + int(math.log(SEGMENT_ROWS / 2, compaction.TIER))
    return 2 * sentences / SEGMENT_ROWS + (compaction.TIER - 1) * tiers + sentences / CODES_ROWS


NUMBERS = st.integers(0, 10**9)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from([1, 3, 17, 60]), st.sampled_from(["ru", "kbd"])),
        st.tuples(st.just("delete"), st.sampled_from([1, 5, 30]), NUMBERS),
        st.tuples(st.just("edit"), NUMBERS, NUMBERS),
        st.tuples(st.just("compact"), st.none(), st.none()),
    ),
    min_size=3, max_size=9,
)  # fmt: skip


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_sequence_keeps_exactly_what_is_right(small, tmp_path_factory, steps):
    directory = tmp_path_factory.mktemp("any") / "i"
    build_index(directory, sentences(0, 30), ENCODER)
    model = {f"ru{n}": n for n in range(30)}
    fresh = 30
    changed = 30  # sentences added, edited and deleted
    most = 30
    with pytest.MonkeyPatch.context() as patch:
        counts = count_written(patch)
        compacted = 0
        for what, first, second in steps:
            if what == "add":
                items = sentences(fresh, fresh + first, second)
                build_index(directory, items, ENCODER, mode=Mode.ADD)
                model |= {s.id: int(s.text.split()[-1]) for s in items}
                fresh += first
                changed += first
            elif what == "delete" and model:
                names = sorted(model)
                gone = {names[(second + 7 * n) % len(names)] for n in range(first)}
                delete_rows(directory, gone)
                model = {id: n for id, n in model.items() if id not in gone}
                changed += len(gone)
            elif what == "edit" and model:
                name = sorted(model)[first % len(model)]
                model[name] = 3000 + second % 1000
                edit_sentence(directory, name, ENCODER, text=f"номер {model[name]}")
                changed += 2  # one that goes, one that comes
            elif what == "compact":
                compacted += compact(directory).sentences_written
            most = max(most, len(model))
            check(directory, model)
            assert len(entries(directory)) <= 2 * most_segments(most)
        # A sentence is written when it comes, once for each size that it grows through, once when
        # it gets codes; and three live ones at the most for each one that died.
        times = 1 + math.log(SEGMENT_ROWS, compaction.TIER) + 1 + 3
        assert sum(counts) - compacted <= times * changed


def test_one_by_one_is_written_a_few_times(tmp_path, written):
    """Added one at a time, a sentence is written again once for each power of four."""
    build_index(tmp_path / "i", sentences(0, 1), ENCODER)
    most = 0
    for n in range(1, 45):
        build_index(tmp_path / "i", sentences(n, n + 1), ENCODER, mode=Mode.ADD)
        most = max(most, len(entries(tmp_path / "i")))
    assert most <= most_segments(45)
    assert 45 < sum(written) <= 45 * (1 + math.log(SEGMENT_ROWS / 2, compaction.TIER) + 1)
    check(tmp_path / "i", {f"ru{n}": n for n in range(45)})


def test_what_is_deleted_stays_until_it_is_a_quarter(tmp_path, written):
    build_index(tmp_path / "i", sentences(0, 30), ENCODER)
    before = entries(tmp_path / "i")
    written.clear()
    delete_rows(tmp_path / "i", [f"ru{n}" for n in range(7)])
    (entry,) = entries(tmp_path / "i")
    assert (entry.rows, entry.live, entry.files) == (30, 23, before[0].files)
    assert written == []
    delete_rows(tmp_path / "i", ["ru7"])  # 8 of 30
    (entry,) = entries(tmp_path / "i")
    assert (entry.rows, entry.live, entry.dead) == (22, 22, None)
    assert written == [22]
    check(tmp_path / "i", {f"ru{n}": n for n in range(8, 30)})
    delete_rows(tmp_path / "i", [f"ru{n}" for n in range(8, 30)])
    assert entries(tmp_path / "i") == []
    assert [path for path in (tmp_path / "i").glob("*/*") if path.is_file()] == []


def test_codes_are_made_again_when_enough_are_without(tmp_path, monkeypatch):
    monkeypatch.setattr(compaction, "UNCODED_SHARE", 0.5)
    monkeypatch.setattr(hubness, "GROWTH", 100)  # new anchors are another reason

    def coded():
        with IndexReader(tmp_path / "i") as reader:
            (part,) = reader.partitions
            return sum(map(len, part.coded)), sum(map(len, part.others))

    def add(first, last):
        build_index(tmp_path / "i", sentences(first, last), ENCODER, mode=Mode.ADD)

    build_index(tmp_path / "i", sentences(0, 47), ENCODER)
    assert coded() == (0, 47)
    add(47, 48)
    assert coded() == (48, 0)
    add(48, 95)
    assert coded() == (48, 47)  # fewer than CODES_ROWS
    add(95, 160)
    assert coded() == (160, 0)
    add(160, 239)
    assert coded() == (160, 79)  # fewer than half
    add(239, 240)
    assert coded() == (240, 0)
    check(tmp_path / "i", {f"ru{n}": n for n in range(240)})


def files_of(directory):
    return {path.name: path.stat().st_mtime_ns for path in directory.glob("*/*")}


def test_compaction_gives_the_space_back(tmp_path, monkeypatch):
    directory = tmp_path / "i"
    build_index(directory, sentences(0, 400), ENCODER)
    build_index(directory, sentences(400, 500, "kbd"), ENCODER, mode=Mode.ADD)
    monkeypatch.setattr(compaction, "DEAD_SHARE", 2.0)  # nothing is written by itself
    delete_rows(directory, [f"ru{n}" for n in range(100, 400)])
    before = size_of(directory)
    with IndexReader(directory) as reader:
        vectors_before = sum(e.files["vectors"].bytes for e in reader.segments)
    seen = []
    done = compact(directory, lambda *at: seen.append(at))
    assert (done.bytes_before, done.bytes_after) == (before, size_of(directory))
    assert done.bytes_after < 0.6 * before
    after = entries(directory)
    assert (done.segments_after, len(after)) == (len(after), len(after))
    assert sum(e.rows for e in after) == sum(e.live for e in after) == 200
    saved = vectors_before - sum(e.files["vectors"].bytes for e in after)
    assert saved >= 300 * DIM * 2
    assert seen[-1] == (104, 104)  # 4 written, 100 given codes
    assert done.codes_made == 1  # Kabardian has all that it needs
    names = {file.name for entry in after for file in entry.files.values()}
    with IndexReader(directory) as reader:
        names |= {file.name for _, file in reader.codes}
        # Not even an empty group stays.
        for table in ("groups", "sentences"):
            (count,) = reader.connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert count == 200
    assert set(files_of(directory)) == names
    check(directory, {f"ru{n}": n for n in range(100)} | {f"kbd{n}": n for n in range(400, 500)})


@pytest.mark.parametrize("rows", [1, 20, 47, 48, 100, 170])
def test_a_second_compaction_writes_nothing(tmp_path, written, rows):
    directory = tmp_path / "i"
    build_index(directory, sentences(0, rows), ENCODER)
    build_index(directory, sentences(rows, rows + 10), ENCODER, mode=Mode.ADD)
    edit_sentence(directory, "ru0", ENCODER, text="номер 1000")
    delete_rows(directory, [f"ru{rows}"])
    compact(directory)
    files, segments_ = files_of(directory), entries(directory)
    written.clear()
    again = compact(directory)
    assert (again.sentences_written, again.codes_made, written) == (0, 0, [])
    assert again.segments_before == again.segments_after == len(segments_)
    assert (files_of(directory), entries(directory)) == (files, segments_)
    model = {f"ru{n}": n for n in range(rows + 10) if n != rows} | {"ru0": 1000}
    check(directory, model)
    # And nothing has become due.
    maintain(directory)
    assert files_of(directory) == files


def test_origins_that_nothing_comes_from_are_forgotten(tmp_path):
    def origins():
        with IndexReader(tmp_path / "i") as reader:
            return [name for (name,) in reader.connection.execute("SELECT name FROM origins")]

    build_index(tmp_path / "i", sentences(0, 5), ENCODER)
    for origin in ("mt", "t"):
        edit_sentence(tmp_path / "i", "ru3", ENCODER, origin=origin)
    assert sorted(origins()) == ["mt", "t"]
    compact(tmp_path / "i")
    assert origins() == ["t"]
    check(tmp_path / "i", {f"ru{n}": n for n in range(5)})


def test_a_language_that_has_become_small_has_no_codes(tmp_path):
    build_index(tmp_path / "i", sentences(0, 60), ENCODER)
    with IndexReader(tmp_path / "i") as reader:
        assert len(reader.codes) == 1
    delete_rows(tmp_path / "i", [f"ru{n}" for n in range(30)])
    with IndexReader(tmp_path / "i") as reader:
        assert reader.codes == []
    check(tmp_path / "i", {f"ru{n}": n for n in range(30, 60)})


def test_codes_that_no_longer_pay_are_dropped(tmp_path, monkeypatch):
    """A later searchkbd may find that scans are quick enough."""
    build_index(tmp_path / "i", sentences(0, 60), ENCODER)
    build_index(tmp_path / "i", sentences(60, 64), ENCODER, mode=Mode.ADD)
    build_index(tmp_path / "i", sentences(64, 66), ENCODER, mode=Mode.ADD)
    monkeypatch.setattr(codes, "CODES_ROWS", 1000)
    compact(tmp_path / "i")
    with IndexReader(tmp_path / "i") as reader:
        assert reader.codes == []
    assert list((tmp_path / "i" / "codes").iterdir()) == []
    check(tmp_path / "i", {f"ru{n}": n for n in range(66)})


def test_a_reader_keeps_its_snapshot(tmp_path):
    build_index(tmp_path / "i", sentences(0, 100), ENCODER)
    with IndexReader(tmp_path / "i") as reader:
        assert reader.partitions
        delete_rows(tmp_path / "i", [f"ru{n}" for n in range(50)])
        compact(tmp_path / "i")
        for recall in Recall:
            (found,) = semantic.nearest(reader, VECTORS[3:4], 200, recall=recall)
            assert len(found) == 100
            assert len(reader.sentences(r.row for r in found)) == 100
    with IndexReader(tmp_path / "i") as reader:
        (found,) = semantic.nearest(reader, VECTORS[3:4], 200)
        assert len(found) == 50
    # What the reader kept from going, the next write sweeps.
    build_index(tmp_path / "i", sentences(200, 201), ENCODER, mode=Mode.ADD)
    assert verify_index(tmp_path / "i").orphans == []


def test_an_interrupted_compaction_changes_nothing(tmp_path, monkeypatch):
    build_index(tmp_path / "i", sentences(0, 40), ENCODER)
    build_index(tmp_path / "i", sentences(40, 90), ENCODER, mode=Mode.ADD)
    delete_rows(tmp_path / "i", ["ru1", "ru50"])
    files, before = files_of(tmp_path / "i"), entries(tmp_path / "i")

    def interrupted(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compact(tmp_path / "i", interrupted)
    assert (files_of(tmp_path / "i"), entries(tmp_path / "i")) == (files, before)
    check(tmp_path / "i", {f"ru{n}": n for n in range(90) if n not in (1, 50)})


def test_maintenance_waits_for_a_better_moment(tmp_path, monkeypatch):
    """What was written stands, whatever becomes of the merge that follows."""
    build_index(tmp_path / "i", sentences(0, 30), ENCODER)
    full = OSError(28, "No space left on device")

    def fails(*_):
        raise full

    with monkeypatch.context() as patch:
        patch.setattr(compaction, "_merge", fails)
        delete_rows(tmp_path / "i", [f"ru{n}" for n in range(20)])
    model = {f"ru{n}": n for n in range(20, 30)}
    check(tmp_path / "i", model)
    assert entries(tmp_path / "i")[0].rows == 30
    with WriteTransaction(tmp_path / "i", make=False):
        maintain(tmp_path / "i")  # somebody else is writing
    assert entries(tmp_path / "i")[0].rows == 30
    maintain(tmp_path / "i")
    assert entries(tmp_path / "i")[0].rows == 10
    check(tmp_path / "i", model)


def test_what_cannot_be_compacted(tmp_path):
    with pytest.raises(IndexNotFoundError):
        compact(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()
    build_index(tmp_path / "i", sentences(0, 10), ENCODER)
    build_index(tmp_path / "i", sentences(10, 20), ENCODER, mode=Mode.ADD)
    with WriteTransaction(tmp_path / "i", make=False), pytest.raises(IndexBusyError):
        compact(tmp_path / "i")
    files = files_of(tmp_path / "i")
    execute(tmp_path / "i", "DELETE FROM sentences WHERE id = 'ru4'")
    with pytest.raises(IndexDamagedError, match="row 5 has a vector and no sentence"):
        compact(tmp_path / "i")
    assert files_of(tmp_path / "i") == files
