"""A flipped bit or a cut file: verify finds it, and no search answers wrongly in silence.

The one exception is a bit in a posting list of the full-text tables, which only ``verify`` finds:
words are not found then that are there (12 of 3,500 bits of a small database).
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from searchkbd.errors import IndexDamagedError
from searchkbd.index.editing import delete_rows, edit_sentence
from searchkbd.index.reader import IndexReader
from searchkbd.index.verify import verify_index
from searchkbd.index.writer import Mode, build_index
from tests.conftest import TrigramEncoder
from tests.index.crash.conftest import run_crash
from tests.index.crash.model import World, check, new_sentences, state_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="forks")

FLIPS = {"database": 60, "vectors": 30, "rows": 30, "texts": 40, "codes": 30}


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


@pytest.mark.parametrize("place", FLIPS)
def test_what_is_damaged_is_not_written_anew_as_if_it_were_right(found, place):
    outcomes = found[f"{place}, written to then"]
    assert outcomes["damages"] == FLIPS[place] // 4
    assert not outcomes.get("bad", 0) and not outcomes.get("some wrong", 0)


@pytest.fixture
def index(tmp_path, small) -> Path:
    world = World(2)
    new = new_sentences(world.rng, world.numbers, 60, ["kbd", "ru"])
    build_index(tmp_path / "i", new, world.encoder)
    return tmp_path / "i"


def test_a_damaged_sentence_gets_no_new_checksum(index):
    connection = sqlite3.connect(index / "index.db")
    with connection:
        connection.execute("UPDATE sentences SET date = '2020' WHERE id = 's4'")
    connection.close()
    for write in (
        lambda: edit_sentence(index, "s4", TrigramEncoder(), origin="elsewhere"),
        lambda: edit_sentence(index, "s4", TrigramEncoder(), text="слово"),
        lambda: delete_rows(index, ["s3", "s4"]),
    ):
        with pytest.raises(IndexDamagedError, match=r"index\.db: a sentence is not what was"):
            write()
    assert delete_rows(index, ["s3"]).sentences == 1


def test_a_sentence_that_no_segment_has_is_not_deleted(index):
    with IndexReader(index) as reader:
        sentence = next(s for s in reader.iterate() if s.id == "s4")
        entry = next(e for e in reader.segments if e.lang == sentence.lang)
        path = entry.files["rows"].path(index)
    data = bytearray(path.read_bytes())
    data[data.index(sentence.row.to_bytes(8, "little"), 400) + 5] ^= 1
    path.write_bytes(data)
    with pytest.raises(IndexDamagedError):
        delete_rows(index, ["s4"])
    assert any("not what was written" in problem for problem in verify_index(index).problems)


def test_foreign_files_are_left_alone(tmp_path, small):
    world = World(1)
    directory = tmp_path / "i"
    first, second = (new_sentences(world.rng, world.numbers, 60) for _ in range(2))
    build_index(directory, first, world.encoder)
    foreign = [directory / name for name in ("notes.txt", "vectors/notes.txt", "codes/.keep")]
    for path in foreign:
        path.write_text("of somebody else")
    build_index(directory, second, world.encoder, mode=Mode.REPLACE)
    assert all(path.read_text() == "of somebody else" for path in foreign)
    check(directory, [state_of(second)], world.rng)
    assert not verify_index(directory).orphans
