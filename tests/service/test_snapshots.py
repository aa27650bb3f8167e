"""Snapshots lent to many threads while everything happens to the index."""

from __future__ import annotations

import gc
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from searchkbd.api import Index
from searchkbd.encoders.spec import EncoderSpec
from searchkbd.errors import IndexDamagedError, IndexNotFoundError
from searchkbd.index import schema
from searchkbd.index.checksums import CATALOG_KEY, catalog_checksum
from searchkbd.index.compaction import compact
from searchkbd.index.editing import delete_rows, edit_sentence
from searchkbd.index.writer import Mode, build_index
from searchkbd.service.snapshots import Snapshots

POLL = 0.02
THREADS = 4


def size(index: Index) -> int:
    return sum(index.languages.values())


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not true() and time.monotonic() < end:
        time.sleep(0.005)
    assert true()


def shows(snapshots: Snapshots, count: int) -> bool:
    with snapshots.lend() as index:
        return size(index) == count


def ask(index: Index) -> None:
    """Read what every kind of file and table is read for, and check that it fits together."""
    count = size(index)
    hits = index.search("дорога и река", k=5)
    assert hits and all(index.sentence(hit.id) is not None for hit in hits)
    assert index.concordance("Здесь", langs=["ru"]).occurrences <= count
    assert index.look_up(["Здесь вода номер 1."], "ru", "en")[0].matches
    assert size(index) == count


@contextmanager
def asked_without_pause(snapshots: Snapshots) -> Iterator[None]:
    """Have threads ask for as long as the block lasts; none may be answered with an error."""
    stop, answered = threading.Event(), [0] * THREADS

    def work(number: int) -> None:
        while not stop.is_set():
            with snapshots.lend() as index:
                ask(index)
            answered[number] += 1

    with ThreadPoolExecutor(THREADS) as pool:
        threads = [pool.submit(work, number) for number in range(THREADS)]
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.result(30)
    assert all(answered)


def open_files(directory: Path) -> list[str]:
    """Return the files of an index that this process has open or mapped, gone ones too."""
    gc.collect()
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            continue
    maps = Path("/proc/self/maps").read_text().splitlines()
    found += [line.split(maxsplit=5)[5] for line in maps if len(line.split(maxsplit=5)) == 6]
    return [path for path in found if path.startswith(f"{directory}/")]


def test_nobody_fails_while_it_is_written_to(index, embedded, make_sentences):
    with Snapshots(index, poll=POLL) as snapshots:
        with asked_without_pause(snapshots):
            for n in range(4):
                first = 40 + n * 5
                build_index(index, make_sentences(first, first + 5), embedded, mode=Mode.ADD)
                wait_for(lambda n=n: shows(snapshots, 80 + 10 * (n + 1)))
            delete_rows(index, [f"ru{n}" for n in range(40, 50)])
            wait_for(lambda: shows(snapshots, 110))
            edit_sentence(index, "ru1", embedded, text="Здесь вода номер 1, и снег.")
            wait_for(lambda: found(snapshots, "и снег"))
            compact(index)
            before = snapshots.generation
            build_index(index, make_sentences(0, 20), embedded, mode=Mode.REPLACE)
            wait_for(lambda: shows(snapshots, 40))
            assert snapshots.generation > before
        assert snapshots.problem is None


def found(snapshots: Snapshots, words: str) -> bool:
    with snapshots.lend() as index:
        return index.concordance(words).occurrences > 0


def test_another_encoder_comes_with_the_index(index, embedded, other_encoder, make_sentences):
    with Snapshots(index, poll=POLL) as snapshots:
        assert snapshots.encoder.fingerprint == embedded.fingerprint
        with snapshots.lend() as old, asked_without_pause(snapshots):
            for encoder, last in ((other_encoder, 30), (embedded, 20)):
                build_index(index, make_sentences(0, last), encoder, mode=Mode.REPLACE)
                wait_for(lambda last=last: shows(snapshots, 2 * last))
                with snapshots.lend() as lent:
                    assert lent.encoder.fingerprint == encoder.fingerprint
            # Whoever has an older one keeps it, and its encoder.
            assert size(old) == 80
            assert old.search("вода")[0].text.startswith("Здесь вода")


def test_another_directory_in_its_place(index, embedded, make_sentences, tmp_path):
    other, aside = tmp_path / "other", tmp_path / "aside"
    build_index(other, make_sentences(0, 25), embedded)
    with Snapshots(index, poll=POLL) as snapshots, asked_without_pause(snapshots):
        for _ in range(5):
            index.rename(aside)
            other.rename(index)
            wait_for(lambda: shows(snapshots, 50))
            index.rename(other)
            aside.rename(index)
            wait_for(lambda: shows(snapshots, 80))


def test_removed_and_put_back(index, embedded, make_sentences, tmp_path, caplog):
    with Snapshots(index, poll=POLL) as snapshots:
        with asked_without_pause(snapshots):
            index.rename(tmp_path / "aside")
            wait_for(lambda: snapshots.problem is not None)
            time.sleep(0.2)
            assert shows(snapshots, 80)
            (tmp_path / "aside").rename(index)
            wait_for(lambda: snapshots.problem is None)
            shutil.rmtree(index)
            wait_for(lambda: snapshots.problem is not None)
            build_index(index, make_sentences(0, 10), embedded)
            wait_for(lambda: shows(snapshots, 20))
        assert snapshots.problem is None
    said = [record for record in caplog.records if "goes on as it was" in record.message]
    assert 2 <= len(said) <= 8  # what is wrong is said once, not at every look


def set_meta(index: Path, key: str, value: str) -> str:
    """Change what the index says of itself as a newer searchkbd would; return what it was."""
    connection = sqlite3.connect(schema.database_path(index))
    with connection:
        (before,) = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        connection.execute("UPDATE meta SET value = ? WHERE key = ?", (value, key))
        connection.execute(
            "UPDATE meta SET value = ? WHERE key = ?", (catalog_checksum(connection), CATALOG_KEY)
        )
    connection.close()
    return before


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format", "999", "index format 999"),
        ("fingerprint", "another", "was built with"),
        ("dim", "many", "many"),
    ],
)
def test_a_state_that_cannot_be_read_is_not_lent(index, key, value, message):
    with Snapshots(index, poll=POLL) as snapshots, asked_without_pause(snapshots):
        before = set_meta(index, key, value)
        wait_for(lambda: message in (snapshots.problem or ""))
        time.sleep(0.1)
        assert shows(snapshots, 80)
        set_meta(index, key, before)
        wait_for(lambda: snapshots.problem is None)


def test_a_file_that_is_damaged_meanwhile(index, embedded, make_sentences):
    with Snapshots(index, poll=POLL) as snapshots, asked_without_pause(snapshots):
        build_index(index, make_sentences(40, 41), embedded, mode=Mode.ADD)
        wait_for(lambda: shows(snapshots, 82))
        for file in (index / "vectors").iterdir():
            file.rename(file.with_suffix(".aside"))
        delete_a_row_unseen(index)
        wait_for(lambda: "cannot be read" in (snapshots.problem or ""))
        for file in (index / "vectors").iterdir():
            file.rename(file.with_suffix(".faiss"))
        wait_for(lambda: snapshots.problem is None)


def delete_a_row_unseen(index: Path) -> None:
    """Commit something, without reading or sweeping the other files as writers do."""
    set_meta(index, "updated", "2026-01-01T00:00:00Z")


def test_what_is_open_before_the_index_is_gone_is_shared_by_all(index, tmp_path):
    with Snapshots(index, poll=POLL) as snapshots:
        index.rename(tmp_path / "aside")
        wait_for(lambda: snapshots.problem is not None)
        with ThreadPoolExecutor(8) as pool:
            counts = list(pool.map(lambda _: shows(snapshots, 80), range(40)))
        assert all(counts)


def test_nothing_stays_open(index, embedded, make_sentences):
    with Snapshots(index, poll=POLL) as snapshots:
        with asked_without_pause(snapshots):
            time.sleep(0.1)
        most = len(open_files(index))
        for n in range(12):
            with asked_without_pause(snapshots):
                if n % 4 == 3:
                    compact(index)
                build_index(index, make_sentences(0, 30 + n % 4), embedded, mode=Mode.REPLACE)
                wait_for(lambda n=n: shows(snapshots, 2 * (30 + n % 4)))
        wait_for(lambda: not [path for path in open_files(index) if "(deleted)" in path])
        assert len(open_files(index)) <= most
    assert open_files(index) == []


def test_the_log_begins_anew_though_snapshots_are_held(index, embedded, make_sentences):
    log = index / "index.db-wal"
    with Snapshots(index, poll=POLL) as snapshots:
        for n in range(6):
            build_index(index, make_sentences(40 + n, 41 + n), embedded, mode=Mode.ADD)
            wait_for(lambda n=n: shows(snapshots, 80 + 2 * (n + 1)))
            wait_for(lambda: log.stat().st_size == 0)


def test_a_snapshot_that_is_held_long_stays_as_it_was(index, embedded, make_sentences):
    with Snapshots(index, poll=POLL) as snapshots:
        with snapshots.lend() as old:
            for n in range(3):
                build_index(index, make_sentences(40 + n, 41 + n), embedded, mode=Mode.ADD)
                wait_for(lambda n=n: shows(snapshots, 80 + 2 * (n + 1)))
            compact(index)
            ask(old)
            assert size(old) == 80
        wait_for(lambda: (index / "index.db-wal").stat().st_size == 0)
        assert shows(snapshots, 86)


def test_it_does_not_open_more_than_are_asked_for(index):
    with Snapshots(index, poll=POLL) as snapshots:
        for _ in range(20):
            assert shows(snapshots, 80)
        assert len([path for path in open_files(index) if path.endswith("index.db")]) <= 4


def test_what_is_no_index_is_an_error_at_once(tmp_path, index):
    before = set(threading.enumerate())  # servers of other tests among them
    with pytest.raises(IndexNotFoundError):
        Snapshots(tmp_path / "none")
    set_meta(index, "format", "999")
    with pytest.raises(IndexDamagedError):
        Snapshots(index)
    begun = set(threading.enumerate()) - before
    assert "searchkbd-watch" not in {thread.name for thread in begun}


def test_a_chosen_encoder_is_used(index, embedded):
    with Snapshots(index, EncoderSpec("embedded"), poll=POLL) as snapshots, snapshots.lend() as one:
        assert one.encoder.fingerprint == embedded.fingerprint
        assert one.encoder is snapshots.encoder
