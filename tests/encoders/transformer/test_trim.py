"""A trimmed model: the same vectors where nothing was lost, smaller pieces elsewhere."""

from __future__ import annotations

import json
import re
import shutil
import zlib
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from searchkbd.encoders.base import EncoderError
from searchkbd.encoders.tensors import map_tensors, write_tensors
from searchkbd.encoders.transformer.files import find_model
from searchkbd.encoders.transformer.survey import HELD_OUT
from searchkbd.encoders.transformer.trim import Trimming, check_output
from searchkbd.encoders.transformer.trim_files import Slice, with_section
from searchkbd.encoders.transformer.wordpiece import load_library, open_tokenizer

tokenizers = pytest.importorskip("tokenizers")

KEPT = [
    ("Вода холодная.", "ru"), ("Где здесь школа?", "ru"), ("Псыр щӏыӏэщ.", "kbd"),
    ("Щакхъуэр хуабэщ.", "kbd"), ("The water is cold.", "en"), ("Su soğuk.", "tr"),
    ("L'eau est froide.", "fr"), ("The water is warm.", "en"),
]  # fmt: skip
SAME = ["Вода холодная.", "Псыр щIыIэщ.", "The water", "Su soğuk.", "L'eau est froide?", ""]
OTHER = [
    "Хлеб тёплый.", "The train was late.", "Уэшх къошх.", "Le pain est chaud.", "Yağmur yağıyor.",
]  # fmt: skip


def trim(source: Path, out: Path, sentences=KEPT, palochka="I", **how):
    trimming = Trimming(find_model(source, palochka))
    trimming.read(sentences)
    return trimming.write(out, ["small.tsv"], **how)


@pytest.fixture(scope="module")
def trimmed(tiny_labse, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("trimmed") / "model"
    trim(tiny_labse, out)
    return out


@pytest.fixture(scope="module")
def both(tiny_labse, trimmed):
    return load_library(tiny_labse), load_library(trimmed)


@pytest.fixture
def copy(tiny_labse, tmp_path) -> Path:
    return shutil.copytree(tiny_labse, tmp_path / "copy")


def vectors(directory: Path, texts: list[str]) -> np.ndarray:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(directory), device="cpu").encode(texts)


def edit(path: Path, **changes) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")


def test_vectors_are_the_same_to_the_bit(tiny_labse, trimmed):
    assert (vectors(trimmed, SAME) == vectors(tiny_labse, SAME)).all()
    before, after = vectors(tiny_labse, OTHER), vectors(trimmed, OTHER)
    assert ((before * after).sum(axis=1) < 0.999999).all()
    assert np.abs(np.linalg.norm(after, axis=1) - 1).max() < 1e-5


def test_it_is_smaller_and_says_by_how_much(tiny_labse, trimmed, tmp_path):
    made = trim(tiny_labse, tmp_path / "again")
    library = load_library(trimmed)
    assert made.pieces_before == 3000 > made.pieces == library.get_vocab_size() > 200
    assert made.bytes_before == find_model(tiny_labse).bytes
    assert made.bytes == find_model(trimmed).bytes < made.bytes_before / 2
    assert made.sentences == len(KEPT)
    assert made.tokens == made.tokens_kept > 30
    assert made.langs[-2:] == ("tr", "fr") and {*made.langs} == {"ru", "kbd", "en", "tr", "fr"}
    (table,) = (
        array for name, array in map_tensors(trimmed / "model.safetensors").arrays.items()
        if name.endswith("word_embeddings.weight")
    )  # fmt: skip
    assert table.shape == (made.pieces, 64)
    assert json.loads((trimmed / "config.json").read_text())["vocab_size"] == made.pieces


def test_few_texts_are_too_few_to_hold_some_out(trimmed):
    assert "no say" not in (trimmed / "README.md").read_text()


def test_only_the_spelling_that_the_model_reads_is_kept(both):
    old, new = both
    assert old.encode("щӏыӏэщ").tokens != old.encode("щIыIэщ").tokens
    assert new.encode("щIыIэщ").tokens == old.encode("щIыIэщ").tokens
    assert len(new.encode("холодная").ids) <= len(new.encode("тёплый").ids)


@settings(max_examples=300)
@given(
    text=st.lists(st.sampled_from([*SAME, *OTHER, "школа", "щхьэ"]) | st.text(max_size=12)).map(
        " ".join
    )
)
@example(text="школахолодная")
@example(text="[MASK] The[SEP]")
def test_no_text_loses_a_character(both, text):
    old, new = (library.encode(text) for library in both)
    renumbered = both[1].get_vocab()
    assert new.tokens.count("[UNK]") == old.tokens.count("[UNK]")
    assert len(new.tokens) >= len(old.tokens)
    joined = ["".join(re.sub("^##", "", piece) for piece in one.tokens) for one in (old, new)]
    assert joined[0] == joined[1]
    if renumbered.keys() >= {*old.tokens}:
        assert new.tokens == old.tokens
    assert [renumbered[piece] for piece in new.tokens] == new.ids


def test_what_is_said_of_unseen_sentences_is_what_happens_to_them(tiny_labse, tmp_path):
    from tiny_labse import phrasebook_texts

    texts = phrasebook_texts()
    held = [text for text in texts if zlib.crc32(text.encode()) % HELD_OUT == 0]
    assert 0.05 < len(held) / len(texts) < 0.2
    made = trim(tiny_labse, tmp_path / "all", [(text, "ru") for text in texts])
    seen = [(text, "ru") for text in texts if text not in held]
    trim(tiny_labse, tmp_path / "nine", seen)
    old, new = load_library(tiny_labse), load_library(tmp_path / "nine")
    same = sum(old.encode(text).tokens == new.encode(text).tokens for text in held)
    (unseen,) = made.unseen
    assert (unseen.lang, unseen.texts, unseen.unchanged) == ("ru", len(held), same)
    assert 0 < same < len(held)
    every = load_library(tmp_path / "all")
    assert all(old.encode(text).tokens == every.encode(text).tokens for text in texts)


def test_rare_pieces_go_with_a_higher_count(tiny_labse, trimmed, tmp_path):
    made = trim(tiny_labse, tmp_path / "frequent", min_count=2)
    assert made.tokens_kept < made.tokens
    frequent, every = (
        set(load_library(folder).get_vocab()) for folder in (tmp_path / "frequent", trimmed)
    )
    assert frequent < every
    assert "water" in frequent  # in two sentences; "cold" is in one
    assert "cold" not in frequent and "cold" in every


def test_the_other_files(copy, tmp_path):
    (copy / "README.md").write_text("---\nlicense: apache-2.0\n---\n\n# Mine\n\nText.\n")
    (copy / "pytorch_model.bin").write_bytes(b"x")
    (copy / "onnx").mkdir()
    (copy / "onnx" / "model.onnx").write_bytes(b"x")
    (copy / ".hidden").write_text("x")
    (copy / "added_tokens.json").write_text('{"[MASK]": 4}')
    load_library(copy).model.save(str(copy))
    made = trim(copy, tmp_path / "out", palochka=None)
    out = tmp_path / "out"
    assert made.left_out == ("onnx/model.onnx", "pytorch_model.bin")
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    had = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert names == had - {*made.left_out, ".hidden"} | {"searchkbd.json"}
    for name in ("modules.json", "1_Pooling/config.json", "2_Dense/model.safetensors"):
        assert (out / name).read_bytes() == (copy / name).read_bytes()
    card = (out / "README.md").read_text()
    assert card.startswith("---\nlicense: apache-2.0\n---\n\n## Trimmed vocabulary\n")
    assert card.endswith("\n\n# Mine\n\nText.\n")
    assert f"`copy`. Of its\n3,000 pieces {made.pieces:,} are kept" in card and "small.tsv" in card
    pieces = (out / "vocab.txt").read_text("utf-8").split("\n")[:-1]
    assert {piece: n for n, piece in enumerate(pieces)} == load_library(out).get_vocab()
    assert json.loads((out / "searchkbd.json").read_text()) == {
        "format": 1, "palochka": None, "languages": list(made.langs)
    }  # fmt: skip
    assert find_model(out).languages == made.langs


def as_bert(directory: Path) -> None:
    """Give the tokenizer the numbers of BERT's: unused ones first, then the special tokens."""
    path = directory / "tokenizer.json"
    shape = json.loads(path.read_text("utf-8"))
    pieces = list(shape["model"]["vocab"])
    unused = [f"[unused{number}]" for number in range(1, 96)]
    order = [pieces[0], *unused, *pieces[1:5], *pieces[5:-95]]
    numbers = {piece: number for number, piece in enumerate(order)}
    for token in shape["added_tokens"]:
        token["id"] = numbers[token["content"]]
    for token, said in shape["post_processor"]["special_tokens"].items():
        said["ids"] = [numbers[token]]
    shape["model"]["vocab"] = numbers
    shape["padding"] = {
        "strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
        "pad_type_id": 0, "pad_token": "[PAD]",
    }  # fmt: skip
    path.write_text(json.dumps(shape), "utf-8")
    edit(directory / "tokenizer_config.json", added_tokens_decoder={
        str(numbers[token]): {"content": token, "special": True, "__type": "AddedToken"}
        for token in pieces[:5]
    })  # fmt: skip
    edit(directory / "config.json", pad_token_id=0, eos_token_id=numbers["[SEP]"])


def test_special_tokens_may_get_other_numbers(copy, tmp_path):
    as_bert(copy)
    made = trim(copy, tmp_path / "out")
    out = tmp_path / "out"
    assert open_tokenizer(copy, 9).encode([""]) == [[97, 98]]
    assert open_tokenizer(out, 9).encode([""]) == [[2, 3]]
    vocabulary = load_library(out).get_vocab()
    assert len(vocabulary) == made.pieces and not any("unused" in piece for piece in vocabulary)
    assert json.loads((out / "config.json").read_text())["eos_token_id"] == 3
    decoder = json.loads((out / "tokenizer_config.json").read_text())["added_tokens_decoder"]
    assert [(number, said["content"]) for number, said in decoder.items()] == [
        ("0", "[PAD]"), ("1", "[UNK]"), ("2", "[CLS]"), ("3", "[SEP]"), ("4", "[MASK]")
    ]  # fmt: skip
    assert (vectors(out, SAME) == vectors(copy, SAME)).all()


def test_weights_in_several_files(copy, tmp_path):
    whole = map_tensors(copy / "model.safetensors")
    names = sorted(whole.arrays)
    files = {"model-00001-of-00002.safetensors": names[::2],
             "model-00002-of-00002.safetensors": names[1::2]}  # fmt: skip
    for file, some in files.items():
        write_tensors(copy / file, {name: whole.arrays[name] for name in some}, whole.metadata)
    index = {name: file for file, some in files.items() for name in some}
    (copy / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": 1}, "weight_map": index})
    )
    (copy / "model.safetensors").unlink()
    trim(copy, tmp_path / "out")
    assert (vectors(tmp_path / "out", SAME) == vectors(copy, SAME)).all()


@settings(max_examples=40)
@given(data=st.data())
def test_rows_are_sliced(tmp_path_factory, data):
    rows = data.draw(st.integers(1, 40))
    kept = np.array(sorted(data.draw(st.sets(st.integers(0, rows - 1), min_size=1))))
    folder = tmp_path_factory.mktemp("slice")
    rng = np.random.default_rng(rows)
    arrays = {
        "bert.embeddings.word_embeddings.weight": rng.random((rows, 5), np.float32),
        "cls.predictions.bias": rng.random(rows).astype(np.float16),
        "cls.predictions.transform.dense.bias": rng.random(7, np.float32),
        "one": np.zeros((), np.int8),
        "empty": np.zeros((0, 3), np.float32),
    }
    write_tensors(folder / "a", arrays, {"format": "pt"})
    one, told = Slice.of(folder / "a"), []
    assert (one.rows, one.row_bytes, one.has_table) == (rows, 22, True)
    one.write(folder / "b", kept, told.append)
    after = map_tensors(folder / "b")
    assert after.metadata == {"format": "pt"} and after.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        expected = array[kept] if name.endswith(("word_embeddings.weight", "ons.bias")) else array
        np.testing.assert_array_equal(after.arrays[name], expected)
        assert after.arrays[name].dtype == array.dtype
    assert sum(told) == sum(array.nbytes for array in after.arrays.values())


def test_a_large_table_is_sliced_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("searchkbd.encoders.transformer.trim_files._BLOCK", 100)
    table = np.arange(3000, dtype=np.float32).reshape(1000, 3)
    write_tensors(tmp_path / "a", {"word_embeddings.weight": table, "b": np.arange(333)})
    told: list[int] = []
    kept = np.array([0, 1, 7, 500, 998, 999])
    Slice.of(tmp_path / "a").write(tmp_path / "b", kept, told.append)
    after = map_tensors(tmp_path / "b").arrays
    np.testing.assert_array_equal(after["word_embeddings.weight"], table[kept])
    np.testing.assert_array_equal(after["b"], np.arange(333))
    assert max(told) <= 100


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("", "## S\n"),
        ("# T\n", "## S\n\n# T\n"),
        ("---\na: b\n---\n# T", "---\na: b\n---\n\n## S\n\n# T\n"),
        ("---\r\na: b\r\n---", "---\r\na: b\r\n---\n## S\n"),
        ("a\n---\nb\n---\n", "## S\n\na\n---\nb\n---\n"),
    ],
)
def test_the_front_matter_stays_first(card, expected):
    assert with_section(card, "## S\n") == expected


def test_a_model_of_another_kind_is_refused(copy, tmp_path):
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")]))
    bpe.save(str(copy / "tokenizer.json"))
    with pytest.raises(EncoderError, match="its tokenizer is BPE; only WordPiece"):
        Trimming(find_model(copy))


def test_more_pieces_than_rows_are_told(copy):
    shape = json.loads((copy / "tokenizer.json").read_text("utf-8"))
    shape["model"]["vocab"]["nowhere"] = 3000
    (copy / "tokenizer.json").write_text(json.dumps(shape), "utf-8")
    with pytest.raises(EncoderError, match=r"more pieces than its weights have rows \(3,000\)"):
        Trimming(find_model(copy))


def test_ends_of_a_text_of_another_kind_are_told(copy, tmp_path):
    shape = json.loads((copy / "tokenizer.json").read_text("utf-8"))
    shape["post_processor"] = {
        "type": "RobertaProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2],
        "trim_offsets": True, "add_prefix_space": False,
    }  # fmt: skip
    (copy / "tokenizer.json").write_text(json.dumps(shape), "utf-8")
    with pytest.raises(EncoderError, match="RobertaProcessing is not known"):
        trim(copy, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_is_left_of_a_model_that_was_not_finished(tiny_labse, tmp_path):
    def interrupt(done: int, total: int) -> None:
        assert [path.name for path in tmp_path.iterdir()][0].startswith(".out.")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trim(tiny_labse, tmp_path / "out", on_bytes=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_bytes_are_told_as_they_are_written(tiny_labse, tmp_path):
    told: list[tuple[int, int]] = []
    trim(tiny_labse, tmp_path / "out", on_bytes=lambda *now: told.append(now))
    assert told == sorted(told) and len({total for _, total in told}) == 1
    assert 0.5 < told[-1][0] / told[-1][1] <= 1.0


def test_a_full_disk_is_told_before_anything_is_written(tiny_labse, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")(1, 1, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage)
    with pytest.raises(EncoderError, match=r"needs 0\.0 GB, and 0\.0 GB are free"):
        trim(tiny_labse, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_where_a_model_may_be_written(tiny_labse, tmp_path):
    files = find_model(tiny_labse)
    check_output(tmp_path, files)
    check_output(tmp_path / "new" / "deep", files)
    (tmp_path / "file").write_text("x")
    with pytest.raises(EncoderError, match="not empty"):
        check_output(tmp_path, files)
    with pytest.raises(EncoderError, match="a file, not a directory"):
        check_output(tmp_path / "file", files)
    with pytest.raises(EncoderError, match="inside the model's own directory"):
        check_output(tiny_labse / "new", files)
    (tmp_path / "empty").mkdir()
    trim(tiny_labse, tmp_path / "empty")
    trim(tiny_labse, tmp_path / "new" / "deep")
