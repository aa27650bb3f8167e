"""One writer at a time, and readers whose snapshot no writer takes away."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from searchkbd import api
from searchkbd.errors import IndexBusyError
from searchkbd.index import lock
from searchkbd.index.compaction import compact
from searchkbd.index.editing import delete_rows, edit_sentence
from searchkbd.index.transaction import WriteTransaction
from searchkbd.index.verify import verify_index
from searchkbd.index.writer import Mode, build_index
from tests.index.crash.conftest import ROOT
from tests.index.crash.model import State, World, check, new_sentences, state_of, stored

HOLDER = """
import sys, time
from pathlib import Path
from searchkbd.index.transaction import WriteTransaction
with WriteTransaction(Path(sys.argv[1]), make=False) as transaction:
    transaction.connection.execute("DELETE FROM sentences")
    print("holding", flush=True)
    time.sleep(60)
"""


@contextmanager
def held(directory: Path) -> Iterator[subprocess.Popen]:
    """Another process is in the middle of a write, until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(directory)], stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        assert process.stdout.readline() == b"holding\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def world() -> World:
    return World(6)


@pytest.fixture
def index(tmp_path, small, world) -> tuple[Path, State]:
    """An index with codes, segments that are merged when more is added, and room to delete."""
    directory = tmp_path / "i"
    new = new_sentences(world.rng, world.numbers, 150, ["kbd", "kbd", "ru"])
    build_index(directory, new, world.encoder)
    return directory, state_of(new)


def writes(world: World, state: State) -> dict[str, Callable[[Path], object]]:
    new = new_sentences(world.rng, world.numbers, 60, ["kbd", "ru"])
    text = new_sentences(world.rng, world.numbers, 1, ["kbd"])[0].text
    return {
        "add": lambda d: build_index(d, new, world.encoder, mode=Mode.ADD),
        "replace": lambda d: build_index(d, new, world.encoder, mode=Mode.REPLACE),
        "delete": lambda d: delete_rows(d, sorted(state)[:100]),
        "edit": lambda d: edit_sentence(d, "s0", world.encoder, text=text),
        "compact": compact,
    }


def test_a_second_writer_is_told_who_the_first_is(index, world):
    directory, state = index
    with held(directory) as holder:
        for write in writes(world, state).values():
            with pytest.raises(IndexBusyError) as caught:
                write(directory)
            message = str(caught.value)
            assert f"process {holder.pid} (-c" in message and "wait for it" in message
            assert re.search(r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", message)
        # Readers do not wait, and do not see what is not committed.
        check(directory, [state], world.rng)


def test_a_writer_that_was_killed_blocks_nobody(index, world):
    directory, state = index
    with held(directory) as holder:
        pass
    assert lock._read(directory).pid == holder.pid  # left behind
    assert lock.read_holder(directory) is None
    delete_rows(directory, ["s1"])
    kept = {id: said for id, said in state.items() if id != "s1"}
    check(directory, [kept], world.rng)
    assert not list(directory.glob("*writer*"))


def test_what_says_who_writes_may_be_nonsense(index, world):
    directory, _ = index
    for said in ("", '{"pid": "x"}', '{"pid": 1e99, "host": "h", "command": "c"}'):
        (directory / lock.NAME).write_text(said)
        with held(directory):
            (directory / lock.NAME).write_text(said)
            with pytest.raises(IndexBusyError, match="another process is writing"):
                compact(directory)


@pytest.mark.parametrize("name", ["add", "replace", "delete", "edit", "compact"])
@pytest.mark.parametrize("lazily", [False, True])
def test_a_reader_keeps_its_snapshot(index, world, name, lazily):
    """Through a write and the compaction after it, also what it maps only then."""
    directory, state = index
    delete_rows(directory, sorted(state)[100:110])  # compaction has something to do
    state = stored(directory)
    with api.open_index(
        directory, world.encoder, map_vectors=not lazily, map_texts=not lazily
    ) as reader:
        assert sum(reader.languages.values()) == len(state)
        writes(world, state)[name](directory)
        compact(directory)
        assert {s.id: (s.lang, s.text) for s in reader._reader.iterate()} == state
        for id in world.rng.sample(sorted(state), 5):
            lang, text = state[id]
            for mode in ("semantic", "lexical", "fused"):
                hits = reader.search(text, query_lang=lang, mode=mode, k=5)
                assert hits[0].text == text
                assert all(state[hit.id] == (hit.lang, hit.text) for hit in hits)
            assert reader.look_up([text], lang, "ru" if lang == "kbd" else "kbd")
            lines = reader.concordance(text.split()[0], langs=[lang]).lines(None)
            assert id in {line.id for line in lines}
    if name != "compact":
        assert stored(directory) != state
    # The files that only that reader needed go with the next write.
    if verify_index(directory).orphans:
        delete_rows(directory, [next(iter(stored(directory)))])
    assert not verify_index(directory).orphans


def test_who_reads_does_not_hold_up_who_writes(index, world):
    directory, state = index
    with api.open_index(directory, world.encoder):
        started = time.monotonic()
        delete_rows(directory, ["s1"])
        delete_rows(directory, ["s2"])
        assert time.monotonic() - started < 1  # SQLite's own wait would be a second each
    assert len(stored(directory)) == len(state) - 2


def test_a_write_stands_though_another_writer_comes_before_its_compaction(index):
    directory, state = index
    commit = WriteTransaction.commit
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:

        def then_held(self, **options):
            commit(self, **options)
            patch.undo()
            stack.enter_context(held(directory))

        patch.setattr(WriteTransaction, "commit", then_held)
        delete_rows(directory, sorted(state)[:100])  # so many that compaction is due
        assert WriteTransaction.commit is commit  # another process has begun to write, and still is
    assert len(stored(directory)) == len(state) - 100
    assert verify_index(directory).ok
