"""Writing to an index while it is being read."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from searchkbd.errors import IndexBusyError
from searchkbd.index import schema
from searchkbd.index.verify import verify_index
from searchkbd.index.writer import Mode, build_index
from searchkbd.service.snapshots import Snapshots
from searchkbd.service.writes import NewSentence, Writer

WATER = [
    NewSentence("Псыр щӏыӏэщ.", "kbd", group="water"),
    NewSentence("Вода холодная.", "ru", group="water", origin="books", context="p. 7"),
]


@pytest.fixture
def snapshots(index) -> Iterator[Snapshots]:
    # Nobody looks whether the index has changed: writers have to say so.
    with Snapshots(index, poll=1000) as snapshots:
        yield snapshots


def total(snapshots: Snapshots) -> int:
    with snapshots.lend() as index:
        return sum(index.languages.values())


def test_what_was_added_is_found_at_once(snapshots):
    added = Writer(snapshots).add(WATER)
    assert (added.summary.added, added.summary.total, added.rejects) == (2, 82, ())
    with snapshots.lend() as index:
        found = [index.sentence(id) for id in added.ids]
        assert [each.text for each in found] == [new.text for new in WATER]
        assert [each.origin for each in found] == ["api", "books"]
        match = index.look_up(["Псыр щӏыӏэщ."], "kbd", "ru")[0].matches[0]
        assert (match.quality, match.target) == (100, "Вода холодная.")


def test_sentences_of_two_calls_without_ids_do_not_mix(snapshots):
    writer = Writer(snapshots)
    first = writer.add([NewSentence("Снег идёт.", "ru"), NewSentence("Хлеб тёплый.", "ru")])
    second = writer.add([NewSentence("Огонь горит.", "ru")])
    assert first.summary.added + second.summary.added == 3
    assert len({*first.ids, *second.ids}) == 3


def test_what_is_refused_is_said_and_the_rest_is_added(snapshots):
    added = Writer(snapshots).add(
        [
            NewSentence("", "ru"),
            WATER[1],
            NewSentence("Текст.", "no language"),
            NewSentence("x" * 30_000, "en"),
        ]
    )
    assert added.summary.added == 1
    assert [reject.place.line for reject in added.rejects] == [1, 3, 4]
    assert [id is None for id in added.ids] == [True, False, True, True]
    shape = added.to_dict()
    assert (shape["read"], shape["added"], shape["rejected"], shape["total"]) == (4, 1, 3, 81)
    assert all(reject["reason"] for reject in shape["rejects"])


def test_nothing_to_add_is_no_error_and_changes_nothing(snapshots):
    generation = snapshots.generation
    added = Writer(snapshots).add([NewSentence("", "ru")])
    assert (added.summary.added, added.summary.rejected, added.summary.total) == (0, 1, 80)
    assert Writer(snapshots).add([]).summary.total == 80
    assert total(snapshots) == 80
    assert snapshots.generation <= generation + 1


def test_the_same_again_is_merged_and_its_id_is_told(snapshots):
    writer = Writer(snapshots)
    first = writer.add(WATER)
    again = writer.add([NewSentence("ПСЫР щӏыӏэщ.", "kbd", id="mine", group="water")])
    assert (again.summary.added, again.summary.merged) == (0, 1)
    assert again.ids == (first.ids[0],)


def test_deleting(snapshots):
    writer = Writer(snapshots)
    removed = writer.delete(["ru1", "ru1", "en2", "nobody"])
    assert (removed.sentences, removed.languages, removed.groups) == (2, {"ru": 1, "en": 1}, 0)
    assert removed.absent == ("nobody",)
    assert total(snapshots) == 78
    with snapshots.lend() as index:
        assert index.sentence("ru1") is None
    assert writer.delete(["ru1"]).sentences == 0
    assert writer.delete([]).sentences == 0


def test_many_threads_write_and_read(snapshots):
    writer, stop = Writer(snapshots), threading.Event()

    def read() -> int:
        last = 0
        while not stop.is_set():
            with snapshots.lend() as index:
                now = sum(index.languages.values())
                assert index.search("дорога", k=3)
            assert now >= last  # nobody is sent back to an older state
            last = now
        return last

    def write(number: int) -> None:
        added = writer.add([NewSentence(f"Поток {number} и запись {n}.", "ru") for n in range(3)])
        assert added.summary.added == 3
        assert all(added.ids)

    with ThreadPoolExecutor(8) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        try:
            list(pool.map(write, range(10)))
        finally:
            stop.set()
        for reader in readers:
            reader.result(30)
    assert total(snapshots) == 110
    assert not verify_index(snapshots.directory).problems


@contextmanager
def locked(index: Path) -> Iterator[None]:
    """Hold the lock that another process that writes would hold."""
    connection = sqlite3.connect(schema.database_path(index), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


def test_another_process_that_writes_is_said_and_nothing_is_lost(snapshots):
    writer = Writer(snapshots)
    with locked(snapshots.directory):
        with pytest.raises(IndexBusyError):
            writer.add(WATER)
        with pytest.raises(IndexBusyError):
            writer.delete(["ru1"])
        assert total(snapshots) == 80
    assert writer.add(WATER).summary.added == 2
    assert writer.delete(["ru1"]).sentences == 1


def test_an_index_that_was_replaced_with_another_encoder_can_be_written_to(
    snapshots, other_encoder, make_sentences
):
    build_index(snapshots.directory, make_sentences(0, 10), other_encoder, mode=Mode.REPLACE)
    added = Writer(snapshots).add(WATER)  # nobody has looked yet
    assert (added.summary.added, added.summary.total) == (2, 22)
    assert snapshots.encoder.fingerprint == other_encoder.fingerprint
