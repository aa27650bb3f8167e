"""Killed at any point, an index holds what was committed: all of it, once, and nothing else."""

from __future__ import annotations

import os

import pytest

KILLS = 200


@pytest.mark.skipif(os.name != "posix", reason="kills processes by POSIX signals")
def test_nothing_is_lost_nothing_twice_nothing_half(crash):
    """By SIGKILL, after random times and at chosen changes of files and statements."""
    report = crash("kills", "--count", str(KILLS), "--seed", "5")
    found = report["found"]
    assert set(found) == {"build", "add", "delete", "edit", "replace", "compact", "tune"}
    assert sum(sum(each["kills"].values()) for each in found.values()) == KILLS
    kinds = {kind for each in found.values() for kind in each["kills"]}
    assert kinds == {"time", "file", "unlink", "sql", "commit"}
    # Of those that change something, some were killed before and some after that was settled.
    outcomes = [set(each["outcomes"]) for each in found.values()]
    assert any("before" in each for each in outcomes) and any("after" in each for each in outcomes)
