import numpy as np
import pytest
from safetensors.numpy import save_file

from searchkbd.encoders import EncoderError
from searchkbd.encoders.transformer.table import open_table

NAME = "bert.embeddings.word_embeddings.weight"
IDS = np.array([[3, 0], [1, 1]])


def saved(path, table):
    save_file({"other": np.zeros(3, np.float32), NAME: table}, path)
    return path


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_rows_are_read_as_float32(tmp_path, dtype):
    values = np.random.default_rng(0).normal(size=(5, 4)).astype(dtype)
    table = open_table([saved(tmp_path / "a.safetensors", values)])
    assert table.shape == (5, 4)
    rows = table.rows(IDS)
    assert rows.dtype == np.float32 and np.array_equal(rows, values[IDS].astype(np.float32))


def test_bfloat16_is_read_as_torch_reads_it(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save

    values = torch.randn(5, 4, generator=torch.manual_seed(0)).bfloat16()
    save({NAME: values}, tmp_path / "a.safetensors")
    rows = open_table([tmp_path / "a.safetensors"]).rows(IDS)
    assert np.array_equal(rows, values.float().numpy()[IDS])


def test_the_file_with_the_table_is_found_among_several(tmp_path):
    save_file({"dense": np.zeros((2, 2), np.float32)}, tmp_path / "a.safetensors")
    path = saved(tmp_path / "b.safetensors", np.ones((5, 4), np.float32))
    assert open_table([tmp_path / "a.safetensors", path]).shape == (5, 4)


def test_what_is_no_table_is_said(tmp_path):
    save_file({"dense": np.zeros((2, 2), np.float32)}, tmp_path / "a.safetensors")
    with pytest.raises(EncoderError, match="no word table"):
        open_table([tmp_path / "a.safetensors"])
    path = saved(tmp_path / "b.safetensors", np.ones((5, 4), np.float32))
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(EncoderError, match="b.safetensors: damaged"):
        open_table([path])


def test_a_piece_that_has_no_row_is_said(tmp_path):
    table = open_table([saved(tmp_path / "a.safetensors", np.ones((5, 4), np.float32))])
    for ids in ([[0, 5]], [[-1, 0]]):
        with pytest.raises(EncoderError, match="the tokenizer has more"):
            table.rows(np.array(ids))
    assert table.rows(np.zeros((2, 0), np.int64)).shape == (2, 0, 4)
