"""Text files: what is written is read, and each array is checked when it is first used."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from searchkbd.errors import IndexDamagedError
from searchkbd.index import sketches, tokens
from searchkbd.index.texts import TextFile, write_texts
from searchkbd.text.segment import base_form
from tests.index.helpers import empty_directory

KEYS = ["щӏалэр къалэм кӏуащ.", "дом у реки", "7 домов", "", "вода холодная"]
ROWS = np.array([3, 5, 6, 20, 21])


@pytest.fixture
def made(tmp_path):
    return write_texts(empty_directory(tmp_path), "kbd", 2, ROWS, KEYS), tmp_path


def opened(made, live=None):
    file, directory = made
    return TextFile(directory, file, "kbd", len(ROWS), live)


def test_what_is_written_is_read(made):
    text_file = opened(made)
    expected = {**sketches.build([base_form(key) for key in KEYS]), **tokens.build(KEYS)}
    for name, array in expected.items():
        found = text_file.arrays[name]
        assert found.dtype == array.dtype and np.array_equal(found, array), name
        assert text_file.arrays[name] is found  # checked once
    assert np.array_equal(text_file.rows, ROWS)
    assert (text_file.lang, text_file.live) == ("kbd", None)


def test_the_same_sentences_make_the_same_file(made):
    file, directory = made
    assert write_texts(directory, "kbd", 2, ROWS, KEYS) == file


def places(path):
    """Where each array lies in a safetensors file, and where the header ends."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__")
    return {name: [8 + size + at for at in e["data_offsets"]] for name, e in header.items()}


def test_a_damaged_array_is_found_when_it_is_used_and_no_other_is(made):
    file, directory = made
    path = file.path(directory)
    whole = path.read_bytes()
    for name, (first, last) in places(path).items():
        if first == last:
            continue
        for at in {first, (first + last) // 2, last - 1}:
            damaged = bytearray(whole)
            damaged[at] ^= 0x20
            path.write_bytes(damaged)
            text_file = opened(made)
            for other in places(path):
                if other != name:
                    _ = text_file.arrays[other]
            for _ in range(2):
                with pytest.raises(IndexDamagedError, match=f"{file.name}: {name} is not what"):
                    _ = text_file.arrays[name]


def test_a_damaged_header_is_found_at_once(made):
    """Wherever the bit is: an array of another shape would be read without a word."""
    file, directory = made
    path = file.path(directory)
    whole = path.read_bytes()
    (size,) = struct.unpack("<Q", whole[:8])
    padding = len(whole[8 : 8 + size]) - len(whole[8 : 8 + size].rstrip())
    for at in range(0, 8 + size - padding):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        try:
            text_file = opened(made)
        except IndexDamagedError as error:
            assert file.name in str(error)
            continue
        # Between the words of the header a bit may mean nothing.
        for name in places(path):
            assert np.array_equal(text_file.arrays[name], _array(whole, name)), at


def _array(whole, name):
    (size,) = struct.unpack("<Q", whole[:8])
    entry = json.loads(whole[8 : 8 + size])[name]
    first, last = (8 + size + at for at in entry["data_offsets"])
    dtype = {"U8": "u1", "U16": "<u2", "U32": "<u4", "U64": "<u8", "I64": "<i8", "I32": "<i4"}
    return np.frombuffer(whole[first:last], dtype[entry["dtype"]]).reshape(entry["shape"])


@pytest.mark.parametrize("rows", [4, 6])
def test_a_file_of_another_number_of_sentences_is_damage(made, rows):
    file, directory = made
    with pytest.raises(IndexDamagedError, match=file.name):
        TextFile(directory, file, "kbd", rows, None)


def test_a_file_that_is_gone_or_cut(made):
    file, directory = made
    path = file.path(directory)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IndexDamagedError, match="bytes on disk"):
        opened(made)
    path.unlink()
    with pytest.raises(IndexDamagedError, match=file.name):
        opened(made)
