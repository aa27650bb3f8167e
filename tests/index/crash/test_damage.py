"""A flipped bit or a cut file: verify finds it, and no search answers wrongly in silence.

The one exception, whose share docs/index-format.md gives: a bit of a posting list of the full-text
tables, which only ``verify`` finds.
"""

from __future__ import annotations

import os

import pytest

from searchkbd.index.verify import verify_index
from searchkbd.index.writer import Mode, build_index
from tests.index.crash.conftest import run_crash
from tests.index.crash.model import World, check, new_sentences, state_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="forks")

FLIPS = {"database": 60, "vectors": 40, "rows": 40, "texts": 40, "codes": 40}


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, dict[str, int]]:
    count = ",".join(f"{place}={n}" for place, n in FLIPS.items())
    folder = tmp_path_factory.mktemp("damage")
    return run_crash(folder, "damage", "--count", count, "--seed", "11")["found"]


@pytest.mark.parametrize("place", FLIPS)
def test_flipped_bits(found, place):
    outcomes = found[f"{place}, a bit flipped"]
    assert outcomes["damages"] == FLIPS[place]
    assert not outcomes.get("bad", 0)
    if place == "database":
        assert outcomes["found"] >= FLIPS[place] // 3  # the others mean nothing
        assert outcomes.get("some wrong", 0) <= FLIPS[place] // 10
    else:
        assert outcomes["found"] == FLIPS[place]
        assert not outcomes.get("some wrong", 0)


@pytest.mark.parametrize("place", FLIPS)
def test_cut_files(found, place):
    outcomes = found[f"{place}, cut"]
    assert not outcomes.get("bad", 0) and not outcomes.get("some wrong", 0)
    # A database may be a byte longer.
    assert outcomes["found"] == outcomes["damages"] - outcomes.get("means nothing", 0)
    assert outcomes.get("means nothing", 0) <= (place == "database")


def test_foreign_files_are_left_alone(tmp_path, small):
    world = World(1)
    directory = tmp_path / "i"
    first, second = (new_sentences(world.rng, iter(range(n, n + 60)), 60) for n in (0, 60))
    build_index(directory, first, world.encoder)
    foreign = [directory / name for name in ("notes.txt", "vectors/notes.txt", "codes/.keep")]
    for path in foreign:
        path.write_text("of somebody else")
    build_index(directory, second, world.encoder, mode=Mode.REPLACE)
    assert all(path.read_text() == "of somebody else" for path in foreign)
    check(directory, [state_of(second)], world.rng)
    assert not verify_index(directory).orphans
