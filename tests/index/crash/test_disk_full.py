"""A disk that is full at any write: the command fails clearly, and the index is as it was."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from searchkbd.index import codes, hubness, segments
from searchkbd.index.compaction import compact
from searchkbd.index.editing import delete_rows, edit_sentence
from searchkbd.index.writer import Mode, build_index
from tests.index.crash.conftest import ROOT
from tests.index.crash.disk import WRITING, watch_files
from tests.index.crash.model import (
    Operation,
    State,
    World,
    check_content,
    new_sentences,
    state_of,
    stored,
)

NAMES = ["build", "add", "delete", "edit", "replace", "compact"]


@pytest.fixture
def tiny(monkeypatch, small) -> None:
    """Forty sentences take every path, so that every write can be tried."""
    for module, name, value in (
        (segments, "SEGMENT_ROWS", 12), (codes, "CODES_ROWS", 20), (codes, "IVF_ROWS", 30),
        (hubness, "MIN_ROWS", 20),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)


def operation(name: str, directory: Path) -> tuple[State, Operation]:
    """Build what the operation of this *name* is done to; return its content and the operation."""
    world = World(3)
    encoder, rng, numbers = world.encoder, world.rng, world.numbers
    before: State = {}
    if name != "build":
        first = new_sentences(rng, numbers, 20, ["kbd", "kbd", "ru"])
        build_index(directory, first, encoder)
        second = new_sentences(rng, numbers, 6, ["kbd"])
        build_index(directory, second, encoder, mode=Mode.ADD)
        before = state_of([*first, *second])
    new = new_sentences(rng, numbers, 20, ["kbd", "kbd", "kbd", "ru"])
    some = sorted(before)[:8]
    text = new_sentences(rng, numbers, 1, ["kbd"])[0].text
    kept = {id: said for id, said in before.items() if id not in some}
    edited = {**before, "s0": ("kbd", text)}
    return before, {
        "build": Operation("", lambda d: build_index(d, new, encoder), state_of(new)),
        "add": Operation(
            "", lambda d: build_index(d, new, encoder, mode=Mode.ADD), {**before, **state_of(new)}
        ),
        "replace": Operation(
            "", lambda d: build_index(d, new, encoder, mode=Mode.REPLACE), state_of(new)
        ),
        "delete": Operation("", lambda d: delete_rows(d, some), kept),
        "edit": Operation("", lambda d: edit_sentence(d, "s0", encoder, text=text), edited),
        "compact": Operation("", compact, before),
    }[name]


def copied(source: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    if source.exists():
        shutil.copytree(source, target)
    return target


@pytest.mark.parametrize("name", NAMES)
def test_at_every_change_of_a_file(tmp_path, tiny, name):
    before, wanted = operation(name, tmp_path / "before")
    refused = 0
    for number in count(1):
        directory = copied(tmp_path / "before", tmp_path / "i")
        left = number

        def happen(_: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with pytest.MonkeyPatch.context() as patch:
            watch_files(happen, WRITING, patch.setattr)
            try:
                wanted.run(directory)
                failed = False
            except OSError as error:
                failed = True
                assert error.errno == errno.ENOSPC
        refused += failed
        # What fails after the commit is housekeeping, which the next write does.
        check_content(directory, [before if failed else wanted.after])
        if failed:
            wanted.run(directory)
            assert stored(directory) == wanted.after
        if left > 0:
            break
    assert refused >= 3


@pytest.mark.parametrize("name", ["build", "add"])  # the others fit into the pages there are
def test_at_every_page_of_the_database(tmp_path, tiny, name):
    before, wanted = operation(name, tmp_path / "before")
    connect = sqlite3.connect
    pages = 0
    if before:
        with connect(tmp_path / "before" / "index.db") as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.close()
    refused = 0
    for limit in count(max(1, pages)):
        directory = copied(tmp_path / "before", tmp_path / "i")

        def limited(*args, limit=limit, **options):
            connection = connect(*args, **options)
            connection.execute(f"PRAGMA max_page_count = {limit}").fetchall()
            return connection

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sqlite3, "connect", limited)
            try:
                wanted.run(directory)
                failed = False
            except OSError as error:
                failed = True
                assert error.errno == errno.ENOSPC and "no space left" in str(error)
        check_content(directory, [before if failed else wanted.after])
        refused += failed
        if not failed:
            break
        wanted.run(directory)
        assert stored(directory) == wanted.after
    assert refused >= 3


LIMITED = """
import resource, sys
from pathlib import Path
from searchkbd.errors import SearchkbdError
from tests.index.crash.model import SMALL, World, check_content
for module, name, value in SMALL:
    setattr(module, name, value)
directory, world, state = Path(sys.argv[1]), World(4), {}
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
for name in ["build", "add", "edit", "delete", "compact", "replace"]:
    operation, failures = world.make(name, state), 0
    for limit in [1 << n for n in range(9, 24)]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
        try:
            operation.run(directory)
            failed = False
        except (OSError, SearchkbdError) as error:
            failed = True
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        check_content(directory, [state if failed else operation.after])
        failures += failed
        if not failed:
            break
    state = operation.after
    print(name, failures)
"""


@pytest.mark.skipif(os.name != "posix", reason="limits files by POSIX means")
def test_of_a_file_that_may_not_grow(tmp_path):
    """The log and the database too: every one of them in turn is refused to grow."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "i")],
        capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    failures = {name: int(n) for name, n in map(str.split, done.stdout.splitlines())}
    assert set(failures) == set(NAMES) and all(failures.values()), failures
