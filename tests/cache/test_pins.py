"""Pins live as long as their process."""

from __future__ import annotations

import os
import signal

import pytest

from searchkbd.cache.pins import Pin, oldest_pin

HOLD = """
import sys
from pathlib import Path
from searchkbd.cache.pins import Pin
pin = Pin(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_pin_says_when_it_was_made(tmp_path):
    assert oldest_pin(tmp_path) is None
    first = Pin(tmp_path)
    (path,) = tmp_path.glob("*.pin")
    os.utime(path, ns=(5, 5))
    second = Pin(tmp_path)
    assert oldest_pin(tmp_path) == 5
    first.release()
    later = oldest_pin(tmp_path)
    assert later is not None and later > 5
    second.release()
    assert oldest_pin(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_the_pin_of_a_process_that_lives_stays(tmp_path, python):
    process = python(HOLD, tmp_path)
    assert process.stdout.readline() == "held\n"
    assert oldest_pin(tmp_path) is not None
    assert oldest_pin(tmp_path) is not None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(list(tmp_path.iterdir())) == 1
    assert oldest_pin(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_pin_that_is_taken_for_dead_too_soon_is_made_again(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    real, removed = fcntl.flock, []

    def flock(handle, how):
        real(handle, how)
        if not removed:  # another process was here between the open and the lock
            (path,) = tmp_path.glob("*.pin")
            path.unlink()
            removed.append(path)

    monkeypatch.setattr(fcntl, "flock", flock)
    pin = Pin(tmp_path)
    monkeypatch.undo()
    assert removed and oldest_pin(tmp_path) is not None
    pin.release()


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(OSError):
        Pin(tmp_path / "absent")
