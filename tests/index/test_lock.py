"""The name of the writer: told to others, and never in the way when it is gone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from searchkbd.errors import IndexBusyError
from searchkbd.index.lock import (
    NAME,
    Holder,
    is_holder_file,
    read_holder,
    remove_holder,
    write_holder,
)
from searchkbd.index.transaction import WriteTransaction
from searchkbd.index.writer import Mode, build_index
from tests.index.helpers import VectorEncoder, clustered, sentences

ENCODER = VectorEncoder(clustered(np.random.default_rng(50), 10, 16))


def write(directory, **changes):
    said = {"pid": os.getpid(), "host": socket.gethostname(), "command": "x", "since": "then"}
    (directory / NAME).write_text(json.dumps(said | changes), encoding="utf-8")


def test_a_holder_is_named_and_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/searchkbd", "build", "secret.tsv"])
    assert read_holder(tmp_path) is None
    write_holder(tmp_path)
    holder = read_holder(tmp_path)
    assert (holder.pid, holder.host) == (os.getpid(), socket.gethostname())
    assert holder.command == "searchkbd build"
    assert str(holder) == f"process {os.getpid()} (searchkbd build, since {holder.since})"
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    remove_holder(tmp_path)
    assert list(tmp_path.iterdir()) == []
    remove_holder(tmp_path)  # once more harms nobody


def test_a_process_that_is_gone_holds_nothing(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    write(tmp_path, pid=process.pid)
    assert (read_holder(tmp_path) is None) == (os.name == "posix")
    write_holder(tmp_path)
    assert read_holder(tmp_path).pid == os.getpid()


def test_a_process_of_another_machine_may_well_be_alive(tmp_path):
    write(tmp_path, pid=2**22 + 7, host="elsewhere")
    holder = read_holder(tmp_path)
    assert str(holder) == f"process {2**22 + 7} on elsewhere (x, since then)"
    remove_holder(tmp_path)
    assert read_holder(tmp_path) == holder  # it is not ours


def test_nobody_takes_the_name_of_another_process_away(tmp_path):
    write(tmp_path, pid=os.getppid())
    remove_holder(tmp_path)
    assert read_holder(tmp_path).pid == os.getppid()


@pytest.mark.skipif(os.name != "posix", reason="POSIX process numbers")
def test_a_process_of_another_user_is_alive(tmp_path, monkeypatch):
    def forbidden(*_):
        raise PermissionError

    monkeypatch.setattr(os, "kill", forbidden)
    write(tmp_path, pid=1)
    assert read_holder(tmp_path) == Holder(1, socket.gethostname(), "x", "then")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(), st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["pid", "host", "command", "since"]), inner, max_size=4
    ),
    max_leaves=8,
).map(json.dumps)))  # fmt: skip
@example("")
@example("[" * 10_000)
@example('{"pid": 99999999999999999999, "host": "h", "command": "c", "since": "s"}')
@example('{"pid": Infinity, "host": "h", "command": "c", "since": "s"}')
def test_whatever_the_file_says_is_a_holder_or_nobody(tmp_path, content):
    (tmp_path / NAME).write_text(content, encoding="utf-8", errors="surrogatepass")
    holder = read_holder(tmp_path)
    assert holder is None or str(holder).startswith("process ")
    remove_holder(tmp_path)


def test_a_process_number_that_no_system_has_is_not_asked_for(tmp_path):
    write(tmp_path, pid=2**80)
    assert str(read_holder(tmp_path)).startswith(f"process {2**80}")


def test_half_written_names_are_swept_by_the_next_writer(tmp_path):
    (tmp_path / f".{NAME}-123").write_text('{"pid"')
    write_holder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_which_files_are_ours(tmp_path):
    names = [NAME, f".{NAME}-12", "writer.json.bak", "other.json", "index.db"]
    assert [is_holder_file(tmp_path / name) for name in names] == [True, True, False, False, False]


def test_that_it_cannot_be_said_harms_nobody(tmp_path):
    write_holder(tmp_path / "absent")
    assert read_holder(tmp_path / "absent") is None


def test_who_is_kept_out_is_told_by_whom(tmp_path):
    directory = tmp_path / "i"
    build_index(directory, sentences(0, 3), ENCODER)
    assert not (directory / NAME).exists()

    def items():
        yield from sentences(3, 5)
        with pytest.raises(IndexBusyError, match=rf"process {os.getpid()} \(.*since 20") as raised:
            build_index(directory, sentences(5, 6), ENCODER, mode=Mode.ADD)
        assert str(directory) in str(raised.value)
        assert read_holder(directory).pid == os.getpid()  # who was refused took nothing away

    build_index(directory, items(), ENCODER, mode=Mode.ADD)
    assert not (directory / NAME).exists()


def test_a_name_that_was_left_behind_keeps_nobody_out(tmp_path):
    directory = tmp_path / "i"
    build_index(directory, sentences(0, 3), ENCODER)
    write(directory, pid=2**22 + 7, host="elsewhere")
    build_index(directory, sentences(3, 5), ENCODER, mode=Mode.ADD)
    assert not (directory / NAME).exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_a_writer_that_fails_takes_its_name_away(tmp_path, error):
    directory = tmp_path / "i"
    build_index(directory, sentences(0, 3), ENCODER)
    with pytest.raises(error), WriteTransaction(directory, make=False):
        assert read_holder(directory).pid == os.getpid()
        raise error
    assert not any(is_holder_file(path) for path in directory.iterdir())


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        ([""], "python"),
        (["/usr/bin/searchkbd"], "searchkbd"),
        (["/lib/searchkbd/__main__.py", "delete", "--id", "7"], "searchkbd delete"),
    ],
)
def test_the_command_is_the_program_and_its_first_word(monkeypatch, tmp_path, argv, command):
    monkeypatch.setattr(sys, "argv", argv)
    write_holder(tmp_path)
    assert read_holder(tmp_path).command == command
