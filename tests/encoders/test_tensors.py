"""Mapping safetensors files: agreement with the library, and damaged files."""

from __future__ import annotations

import json
import os
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from searchkbd.encoders.tensors import TensorFileError, map_tensors, write_tensors

KINDS = st.sampled_from([np.uint8, np.int8, np.float16, np.float32, np.uint64, np.int64])
ARRAYS = KINDS.flatmap(lambda kind: hnp.arrays(kind, hnp.array_shapes(max_dims=3, min_side=0)))


@settings(max_examples=60)
@given(arrays=st.dictionaries(st.text("abc", min_size=1), ARRAYS, max_size=4))
def test_what_is_written_is_mapped(tmp_path_factory, arrays):
    path = tmp_path_factory.mktemp("tensors") / "x.safetensors"
    write_tensors(path, arrays, {"a": "б"})
    mapped = map_tensors(path)
    assert mapped.metadata == {"a": "б"}
    assert mapped.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        assert mapped.arrays[name].dtype == array.dtype
        assert mapped.arrays[name].tobytes() == array.tobytes()
        assert mapped.arrays[name].shape == array.shape


def test_it_agrees_with_the_library(tmp_path):
    from safetensors.numpy import load_file

    path = tmp_path / "x.safetensors"
    # Not contiguous: the library alone would write its bytes in another order.
    write_tensors(path, {"t": np.arange(12.0).reshape(3, 4).T, "n": np.arange(3, dtype=np.uint8)})
    for name, array in load_file(path).items():
        assert np.array_equal(map_tensors(path).arrays[name], array)


def test_mapped_arrays_cannot_be_written(tmp_path):
    write_tensors(tmp_path / "x", {"a": np.zeros(3)})
    with pytest.raises(ValueError, match="read-only"):
        map_tensors(tmp_path / "x").arrays["a"][0] = 1


def test_every_truncation_and_extension_is_noticed(tmp_path):
    path = tmp_path / "x"
    write_tensors(path, {"a": np.arange(5, dtype=np.float32), "b": np.arange(3, dtype=np.uint8)})
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(TensorFileError):
            map_tensors(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(TensorFileError):
        map_tensors(path)


def headed(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.parametrize(
    "blob",
    [
        b"not a tensor file at all",
        struct.pack("<Q", 1 << 62) + b"{}",
        headed(b"\xff\xfe{}"),
        headed(b"[" * 100_000),
        headed([1]),
        headed({"a": 1}),
        headed({"a": {"dtype": "BF99", "shape": [1], "data_offsets": [0, 4]}}, b"1234"),
        headed({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, b"1234"),
        headed({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, b"1234"),
        headed({"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}}, b"1234"),
        headed({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, b"1234"),
        headed({"a": {"dtype": "U8", "shape": [1 << 70], "data_offsets": [0, 4]}}, b"1234"),
        headed({"a": {"dtype": "F32", "shape": [1]}}, b"1234"),
        headed({"__metadata__": 5}),
    ],
)
def test_other_bytes_are_refused(tmp_path, blob):
    path = tmp_path / "x"
    path.write_bytes(blob)
    with pytest.raises(TensorFileError):
        map_tensors(path)


def test_take_checks_dtype_and_shape(tmp_path):
    write_tensors(tmp_path / "x", {"a": np.zeros((2, 3), np.float32)})
    file = map_tensors(tmp_path / "x")
    assert file.take("a", "f4", None, 3).shape == (2, 3)
    for name, dtype, shape in [("b", "f4", (2, 3)), ("a", "f2", (2, 3)), ("a", "f4", (2,)),
                               ("a", "f4", (3, None))]:  # fmt: skip
        with pytest.raises(TensorFileError):
            file.take(name, dtype, *shape)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "x"
    write_tensors(path, {"a": np.zeros(3)})
    before = path.read_bytes()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_tensors(path, {"a": np.ones(3)})
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["x"]
