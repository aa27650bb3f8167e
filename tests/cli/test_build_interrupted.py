"""Ctrl-C, kill -9, full disks and read-only places: the old index or the new one, nothing else."""

from __future__ import annotations

import functools
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from searchkbd.index import transaction
from searchkbd.index.directory import BUILDING
from searchkbd.index.reader import IndexReader

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX signals, limits and rights")

WORDS = ["дом", "река", "вода", "хлеб", "стол", "рука", "школа", "поезд", "снег", "ветер"]
ROWS = 3000


@pytest.fixture(scope="module")
def large_file(tmp_path_factory):
    """A file that takes seconds to build from, with a rejected row at its beginning."""
    path = tmp_path_factory.mktemp("large") / "large.tsv"
    rows = [
        f"b{n}\t{('ru', 'kbd')[n % 2]}\t{WORDS[n % 10]} {WORDS[n // 10 % 10]} {n}\n"
        for n in range(ROWS)
    ]
    path.write_text("id\tlang\ttext\nbad\n" + "".join(rows), "utf-8")
    return path


def sentences(index) -> int:
    """How many sentences an index has, 0 where there is none."""
    if not (index / "index.db").exists():
        return 0
    connection = sqlite3.connect(f"file:{index / 'index.db'}?mode=ro", uri=True)
    try:
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return 0
        return connection.execute("SELECT count(*) FROM sentences").fetchone()[0]
    finally:
        connection.close()


def leftovers(directory) -> list[str]:
    """What is in and beside an index and belongs to nothing."""
    with IndexReader(directory) as reader:
        known = {file.name for entry in reader.segments for file in entry.files.values()}
        known |= {file.name for _, file in reader.codes}
    inside = {p.name for p in directory.iterdir()} - {
        "index.db", "index.db-wal", "index.db-shm", "vectors", "rows", "texts", "codes",
    }  # fmt: skip
    files = {p.name for p in directory.glob("*/*")} - known
    beside = {p.name for p in directory.parent.iterdir()} - {
        directory.name, directory.name + ".rejects.tsv",
    }  # fmt: skip
    return sorted(inside | files | beside)


def is_locked(index) -> bool:
    """Whether a build has begun its transaction."""
    if not (index / "index.db").exists():
        return False
    connection = sqlite3.connect(index / "index.db", timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return True
    finally:
        connection.close()
    return False


def wait_until(process: subprocess.Popen, happened) -> None:
    """Wait for a moment of a build; if it is over before, that is as good a moment."""
    deadline = time.monotonic() + 60
    while not happened() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)


# When to strike: what has to be there first, and the seconds after that.
MOMENTS = [
    ("lock", 0.0, signal.SIGINT),
    ("lock", 0.4, signal.SIGKILL),
    ("vectors", 0.0, signal.SIGINT),
    ("vectors", 0.0, signal.SIGKILL),
    ("vectors", 0.03, signal.SIGKILL),
]


@pytest.mark.parametrize("mode", ["new", "add", "replace"])
def test_interrupted_at_any_moment(run, start, large_file, sentences_file, tmp_path, mode):
    index = tmp_path / "at" / "i"
    index.parent.mkdir()
    old, flags = 0, []
    if mode != "new":
        run("build", sentences_file, "--index", index)
        old, flags = sentences(index), [f"--{mode}"]
    new = ROWS + (old if mode == "add" else 0)
    failed = 0
    for moment, delay, signal_ in MOMENTS:
        before = set((index / "vectors").glob("*")) if index.exists() else set()
        process = start("build", large_file, "--index", index, *flags)
        if moment == "lock":
            wait_until(process, lambda: is_locked(index))
        else:
            wait_until(process, lambda: set((index / "vectors").glob("*.faiss")) - before)  # noqa: B023
        time.sleep(delay)
        process.send_signal(signal_)
        out, err = process.communicate(timeout=60)
        assert b"Traceback" not in err, err.decode()
        found = sentences(index)
        assert found in (old, new)
        if signal_ == signal.SIGINT and process.returncode == 2:
            assert b"interrupted" in err
            if not found and index.exists():  # only what says how to go on with it
                assert {path.name for path in index.iterdir()} <= {BUILDING}
        if found:
            assert run("verify", "--index", index).code == 0
        if found == new:
            # It came too late: from the beginning again.
            shutil.rmtree(index)
            if mode != "new":
                run("build", sentences_file, "--index", index)
        else:
            failed += 1
    assert failed >= 2
    code, out, _ = run("build", large_file, "--index", index, *flags)
    assert code == 1 and f"{ROWS:,} sentences added" in out
    assert sentences(index) == new
    assert leftovers(index) == []
    assert "sound" in run("verify", "--index", index).out
    assert run("search", "вода", "--index", index).code == 0


class InterruptedAtCommit(sqlite3.Connection):
    """Ctrl-C during COMMIT: Python raises it when the call returns, and that is after it."""

    armed = False

    def execute(self, sql, *parameters):
        result = super().execute(sql, *parameters)
        if sql == "COMMIT" and InterruptedAtCommit.armed:
            InterruptedAtCommit.armed = False
            raise KeyboardInterrupt
        return result


@pytest.mark.parametrize("mode", ["new", "add", "replace"])
def test_interrupted_during_the_commit(
    run, write, sentences_file, tmp_path, monkeypatch, mode
):
    index = tmp_path / "at" / "i"
    index.parent.mkdir()
    if mode != "new":
        run("build", sentences_file, "--index", index)
    file = write("new.txt", "Снег белый.\n")
    InterruptedAtCommit.armed = True
    connect = functools.partial(sqlite3.connect, factory=InterruptedAtCommit)
    monkeypatch.setattr(transaction.sqlite3, "connect", connect)
    flags = [] if mode == "new" else [f"--{mode}"]
    code, _, err = run("build", file, "--lang", "ru", "--index", index, *flags)
    monkeypatch.undo()
    assert code == 2 and "interrupted" in err
    assert not InterruptedAtCommit.armed
    assert sentences(index) == (18 if mode == "add" else 1)
    assert leftovers(index) == []
    assert run("verify", "--index", index).code == 0
    assert "Снег белый." in run("search", "снег", "--index", index).out


def test_two_builds_at_once(run, start, sentences_file, tmp_path):
    index = tmp_path / "i"
    run("build", sentences_file, "--index", index)
    process = start("build", "-", "--index", index, "--replace", stdin=subprocess.PIPE)
    wait_until(process, lambda: is_locked(index))
    assert run("search", "вода", "--index", index).code == 0  # readers do not wait
    code, _, err = run("build", sentences_file, "--index", index, "--add")
    assert code == 2 and str(index) in err
    assert f"process {process.pid} (searchkbd build, since " in err
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert sentences(index) == 17
    assert run("build", sentences_file, "--index", index, "--add").code == 0


def old_index_survives(process, run, index, large_file, modes, **limits) -> str:
    """Try what cannot succeed; return what was said the last time."""
    for mode in modes:
        code, out, err = process("build", large_file, "--index", index, mode, **limits)
        assert (code, out) == (2, "")
        assert str(index) in err
        assert sentences(index) == 17
        assert leftovers(index) == []
        assert run("verify", "--index", index).code == 0
        assert "Вода холодная." in run("search", "вода", "--index", index).out
    return err


def test_a_full_disk(process, run, mount, large_file, sentences_file):
    disk = mount("size=2m")
    index = disk / "i"
    code, _, err = process("build", large_file, "--index", index)
    assert code == 2 and "space" in err and str(index) in err
    assert not index.exists()
    assert run("build", sentences_file, "--index", index).code == 0
    assert "space" in old_index_survives(process, run, index, large_file, ["--replace", "--add"])


def test_a_disk_that_is_full_already(process, run, mount, sentences_file):
    disk = mount("size=64k")
    (disk / "filler").write_bytes(b"x" * (48 << 10))
    code, _, err = process("build", sentences_file, "--index", disk / "i")
    assert code == 2 and "full" in err and str(disk / "i") in err
    assert [p.name for p in disk.iterdir()] == ["filler"]


def test_no_space_for_the_report(process, mount, write, tmp_path):
    """What cannot be told is not done: the exit code would promise a report."""
    disk = mount("size=16k")
    file = write("a.txt", "Снег.\n" + "…\n" * 2000)
    code, _, err = process(
        "build", file, "--lang", "ru", "--index", tmp_path / "i", "--rejects", disk / "r.tsv"
    )
    assert code == 2 and "r.tsv" in err and "--rejects" in err
    assert not (tmp_path / "i").exists() and not any(disk.iterdir())


def test_a_file_size_limit(process, run, large_file, sentences_file, tmp_path):
    index = tmp_path / "i"
    assert run("build", sentences_file, "--index", index).code == 0

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    old_index_survives(process, run, index, large_file, ["--replace"], preexec_fn=limit)


def test_a_full_disk_behind_the_output(process, small_index):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "searchkbd", "info", "--index", str(small_index)],
            stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert done.returncode == 2 and "No space" in done.stderr and "Traceback" not in done.stderr


def readable_only(process, index, file, prefix=()) -> None:
    """Ask everything of an index that cannot be written to, and try to write to it."""
    for arguments in (
        ["search", "вода"], ["info"], ["verify"],
        ["tm", "lookup", "Вода холодная.", "--from", "ru", "--to", "kbd"],
    ):  # fmt: skip
        code, out, err = process(*arguments, "--index", index, prefix=prefix)
        assert (code, err) == (0, "") and out, (arguments, err)
    for mode in ("--add", "--replace"):
        code, out, err = process("build", file, "--index", index, mode, prefix=prefix)
        assert (code, out) == (2, "") and str(index) in err and "--index" in err
    code, out, err = process("build", file, "--index", index.parent / "new", prefix=prefix)
    assert (code, out) == (2, "") and str(index.parent / "new") in err
    assert sentences(index) == 17


def test_a_read_only_disk(process, mount, small_index, sentences_file):
    disk = mount("size=8m")
    shutil.copytree(small_index, disk / "i")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    readable_only(process, disk / "i", sentences_file)


def test_no_right_to_write(process, small_index, sentences_file, tmp_path):
    prefix: tuple[str, ...] = ()
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("running as root, and no setpriv to stop being it")
        prefix = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    shutil.copytree(small_index, tmp_path / "at" / "i")
    places = [tmp_path / "at", *(tmp_path / "at").rglob("*")]
    for path in places:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        readable_only(process, tmp_path / "at" / "i", sentences_file, prefix)
        (tmp_path / "at" / "i" / "index.db").chmod(0)
        code, _, err = process("search", "вода", "--index", tmp_path / "at" / "i", prefix=prefix)
        assert code == 2 and "index.db" in err
    finally:
        for path in places:
            path.chmod(0o755)
