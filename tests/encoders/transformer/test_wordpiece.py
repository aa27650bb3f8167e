"""The pieces of short texts: those of the library, and when the library is asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from searchkbd.encoders.base import EncoderError
from searchkbd.encoders.tensors import map_tensors, write_tensors
from searchkbd.encoders.transformer.mapped_wordpiece import MappedWordPiece
from searchkbd.encoders.transformer.wordpiece import load_library, open_tokenizer
from searchkbd.encoders.use_weights import CACHE_VARIABLE

tokenizers = pytest.importorskip("tokenizers")

MAX_TOKENS = 16
UNKNOWN = {"__type": "AddedToken", "content": "[UNK]", "special": True}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CASED = {"tokenizer_class": "BertTokenizer", "do_lower_case": False}
TEXTS = [
    "Где здесь школа?", "We're waiting — for the 2nd bus.", "Où est « la » boulangerie ?",
    "Yarın deniz kıyısına gideceğiz.", "Ёжик пьёт чай; потом спит…", "щIэныгъэ", "42", "",
]  # fmt: skip


def trained(trainer, model, normalizer, splitter):
    from tiny_labse import phrasebook_texts

    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    tokenizer.train_from_iterator(phrasebook_texts(), trainer)
    return tokenizer


def word_pieces():
    return tokenizers.Tokenizer.from_str(trained_word_pieces())


@cache
def trained_word_pieces() -> str:
    trainer = tokenizers.trainers.WordPieceTrainer(
        vocab_size=1500, special_tokens=SPECIAL, show_progress=False
    )
    tokenizer = trained(
        trainer,
        tokenizers.models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=30),
        tokenizers.normalizers.BertNormalizer(lowercase=False),
        tokenizers.pre_tokenizers.BertPreTokenizer(),
    )
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer.to_str()


def saved(directory: Path, tokenizer, says: dict | None) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(directory / "tokenizer.json"))
    if says is not None:
        (directory / "tokenizer_config.json").write_text(json.dumps(says))
    return directory


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> Path:
    return saved(tmp_path_factory.mktemp("tokenizer"), word_pieces(), CASED)


@pytest.fixture(scope="module")
def library(directory):
    return load_library(directory)


@pytest.fixture(scope="module")
def table(library) -> MappedWordPiece:
    return MappedWordPiece.of(library)


@pytest.fixture(name="cached")
def cache_folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def of_library(directory: Path, texts: list[str], max_tokens: int = MAX_TOKENS) -> list[list[int]]:
    library = load_library(directory)
    library.enable_truncation(max_tokens)
    return [one.ids for one in library.encode_batch(texts)]


LETTERS = st.text("абвгдеёжзсИӏIӀ aeionstTAéçğşıİßÀα0129.,-?!«»'_#[]  \t\u00a0\u200b\u0301語")
WORDS = st.lists(st.sampled_from([*TEXTS, *SPECIAL, "[", "##", "é"]) | LETTERS).map("".join)
ANY = st.text(st.characters(codec="utf-8"), max_size=40)


@settings(max_examples=500)
@given(text=LETTERS | WORDS | ANY, max_tokens=st.integers(3, 40))
@example(text="a" * 31, max_tokens=9)
@example(text="a" * 30, max_tokens=9)
@example(text="a" * 31 + "a b", max_tokens=9)
@example(text="a[SEP]b", max_tokens=9)
@example(text="[S\u200bEP]", max_tokens=9)
@example(text="e\u0301 \u0301", max_tokens=9)
@example(text="##ab # #", max_tokens=9)
@example(text="東京tower", max_tokens=9)
@example(text="\ufffd\u0000 \ufffe", max_tokens=9)
@example(text="a\u2028b\x85c\x1fd", max_tokens=9)
def test_what_the_table_says_the_library_says(table, library, text, max_tokens):
    found = table.encode(text, max_tokens)
    library.enable_truncation(max_tokens)
    assert found is None or found == library.encode(text).ids


@pytest.mark.parametrize("text", TEXTS)
def test_usual_texts_need_no_library(table, text):
    assert table.encode(text, MAX_TOKENS) is not None


@pytest.mark.parametrize("text", ["😀", "a[MASK]", "со\u00adль", "a\u200bb", "a\ud800"])
def test_where_it_is_not_certain_the_library_is_asked(table, text):
    assert table.encode(text, MAX_TOKENS) is None


@settings(max_examples=60)
@given(texts=st.lists(st.text(max_size=30), max_size=4))
@example(texts=["a\ud800b", "c"])
def test_any_text_gets_the_pieces_of_the_library(directory, texts):
    tokenizer = open_tokenizer(directory, MAX_TOKENS)
    whole = [text.encode("utf-8", "replace").decode() for text in texts]
    assert tokenizer.encode(texts) == of_library(directory, whole)


def test_lines_of_every_language_as_in_the_corpus(directory, table, shared_data):
    with (shared_data / "corpus" / "large.tsv").open(encoding="utf-8") as file:
        texts = [line.split("\t")[2] for line in file][1::150]
    found = [table.encode(text, MAX_TOKENS) for text in texts]
    known = [place for place, pieces in enumerate(found) if pieces is not None]
    assert len(known) > 0.98 * len(texts)
    expected = of_library(directory, [texts[place] for place in known])
    assert [found[place] for place in known] == expected


def test_the_first_use_writes_the_table_and_the_next_needs_no_library(cached, directory):
    assert open_tokenizer(directory, MAX_TOKENS).encode(TEXTS) == of_library(directory, TEXTS)
    (path,) = cached.iterdir()
    assert path.name.startswith("wordpiece-")
    code = (
        "import sys; from pathlib import Path\n"
        "from searchkbd.encoders.transformer.wordpiece import open_tokenizer\n"
        "print(open_tokenizer(Path(sys.argv[1]), 16).encode(['Где школа?', 'The bus']))\n"
        "print([name for name in ('tokenizers', 'torch', 'transformers') if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code, directory], check=True, capture_output=True, text=True
    )
    pieces = of_library(directory, ["Где школа?", "The bus"])
    assert shown.stdout.split("\n")[:2] == [str(pieces), "[]"]


def test_in_bulk_the_library_is_asked(cached, directory, table):
    open_tokenizer(directory, MAX_TOKENS).encode(["a"])  # writes the table
    tokenizer = open_tokenizer(directory, MAX_TOKENS)
    texts = ["Где школа? " * 900, "The bus"]
    assert tokenizer.encode(texts) == of_library(directory, texts)
    assert "_library" not in vars(tokenizer)
    assert tokenizer.encode(texts, bulk=True) == of_library(directory, texts)
    assert "_library" in vars(tokenizer)


@pytest.mark.parametrize("damage", ["truncated", "garbage", "other", "shorter", "empty", "tokens"])
def test_a_damaged_table_is_written_again(cached, directory, table, damage):
    path = open_tokenizer(directory, MAX_TOKENS)._path
    cached.mkdir()
    table.write(path)
    whole = path.read_bytes()
    arrays, metadata = map_tensors(path).arrays, map_tensors(path).metadata
    if damage == "other":
        write_tensors(path, {"hashes": np.zeros(3, np.float32)}, metadata)
    elif damage == "empty":
        write_tensors(path, arrays | {"hashes": table.hashes[:0], "ids": table.ids[:0]}, metadata)
    elif damage == "shorter":
        write_tensors(path, arrays | {"ids": table.ids[1:]}, metadata)
    elif damage == "tokens":
        write_tensors(path, arrays, {"added": '["[CLS]", ""]'})
    else:
        path.write_bytes({"truncated": whole[:-5], "garbage": b"x" * 99}[damage])
    assert open_tokenizer(directory, MAX_TOKENS).encode(TEXTS) == of_library(directory, TEXTS)
    assert path.read_bytes() == whole


def test_another_tokenizer_at_the_same_place_is_noticed(cached, tmp_path):
    directory = saved(tmp_path / "model", word_pieces(), CASED)
    before = open_tokenizer(directory, MAX_TOKENS).encode(TEXTS)
    path = directory / "tokenizer.json"
    shape = json.loads(path.read_text())
    pieces = list(shape["model"]["vocab"])
    moved = pieces[:5] + pieces[:4:-1]
    shape["model"]["vocab"] = {piece: number for number, piece in enumerate(moved)}
    path.write_text(json.dumps(shape))
    os.utime(path, ns=(1, 1))
    after = open_tokenizer(directory, MAX_TOKENS).encode(TEXTS)
    assert after == of_library(directory, TEXTS) != before
    assert len(list(cached.iterdir())) == 1, "the table of the one before is removed"


def test_without_a_cache_the_library_answers(tmp_path, monkeypatch, directory):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    for _ in range(2):
        assert open_tokenizer(directory, MAX_TOKENS).encode(TEXTS) == of_library(directory, TEXTS)


def test_text_is_not_put_in_lower_case(directory):
    (upper,), (lower,) = (open_tokenizer(directory, MAX_TOKENS).encode([t]) for t in ("ЩI", "щi"))
    assert upper != lower
    assert load_library(directory).decode(upper).replace(" ##", "") == "ЩI"


def other_models():
    split = tokenizers.pre_tokenizers.Whitespace
    yield trained(
        tokenizers.trainers.BpeTrainer(vocab_size=400, show_progress=False),
        tokenizers.models.BPE(), None, split(),
    )  # fmt: skip
    yield trained(
        tokenizers.trainers.UnigramTrainer(
            vocab_size=400, show_progress=False, special_tokens=["<unk>"], unk_token="<unk>"
        ),
        tokenizers.models.Unigram(), tokenizers.normalizers.NFKC(), split(),
    )  # fmt: skip
    odd = word_pieces()
    odd.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    yield odd
    odd = word_pieces()
    odd.pre_tokenizer = split()
    yield odd
    odd = word_pieces()
    odd.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] [MASK] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3), ("[MASK]", 4)]
    )
    yield odd
    odd = word_pieces()
    odd.add_tokens(["a b"])
    yield odd
    odd = word_pieces()
    odd.model.continuing_subword_prefix = "@@"
    yield odd


def test_other_tokenizers_are_left_to_the_library(cached, tmp_path):
    for number, tokenizer in enumerate(other_models()):
        directory = saved(tmp_path / f"{number}", tokenizer, None)
        assert MappedWordPiece.of(load_library(directory)) is None
        tokenizer.enable_truncation(MAX_TOKENS)
        expected = [one.ids for one in tokenizer.encode_batch(TEXTS)]
        assert open_tokenizer(directory, MAX_TOKENS).encode(TEXTS) == expected
    assert not cached.exists()


def test_padding_and_truncation_of_the_file_do_not_count(tmp_path, directory):
    tokenizer = word_pieces()
    tokenizer.enable_padding(length=50)
    tokenizer.enable_truncation(4)
    other = saved(tmp_path / "other", tokenizer, CASED)
    assert open_tokenizer(other, MAX_TOKENS).encode(TEXTS) == of_library(directory, TEXTS)


SETTINGS = [
    (CASED, "bert"),
    ({"tokenizer_class": "BertTokenizerFast"}, "bert"),
    ({"do_lower_case": False, "strip_accents": True}, "bert"),
    ({**CASED, "tokenize_chinese_chars": False, "unk_token": UNKNOWN}, "bert"),
    (None, "bert"),
    (None, "distilbert"),
]


@pytest.mark.parametrize(
    ("said", "model_type", "file"),
    [
        *((*one, file) for one in SETTINGS for file in ("tokenizer.json", "vocab.txt")),
        ({"tokenizer_class": "PreTrainedTokenizerFast"}, "bert", "tokenizer.json"),
    ],
)
def test_pieces_are_those_of_transformers(tmp_path, said, model_type, file):
    transformers = pytest.importorskip("transformers")
    directory = saved(tmp_path / "model", word_pieces(), said)
    (directory / "config.json").write_text(json.dumps({"model_type": model_type}))
    if file == "vocab.txt":
        word_pieces().model.save(str(directory))
        (directory / "tokenizer.json").unlink()
    texts = [*TEXTS, "ÉCOLE e\u0301cole", "東京tower", "x[MASK]y [sep]"]
    theirs = transformers.AutoTokenizer.from_pretrained(directory)
    expected = theirs(texts, truncation=True, max_length=MAX_TOKENS)["input_ids"]
    assert open_tokenizer(directory, MAX_TOKENS).encode(texts) == expected
    assert open_tokenizer(directory, MAX_TOKENS).encode(texts[:8]) == expected[:8]


def test_damage_is_told(tmp_path):
    with pytest.raises(EncoderError, match=r"no tokenizer\.json, and no vocab\.txt"):
        open_tokenizer(tmp_path, MAX_TOKENS)
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0", "model": {')
    with pytest.raises(EncoderError, match=r"tokenizer\.json: damaged"):
        open_tokenizer(tmp_path, MAX_TOKENS).encode(["a"])
    tokenizers.Tokenizer(tokenizers.models.WordPiece({"a": 0})).save(
        str(tmp_path / "tokenizer.json")
    )
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(CASED))
    with pytest.raises(EncoderError, match=r"\[UNK\], .* not in the vocabulary"):
        open_tokenizer(tmp_path, MAX_TOKENS).encode(["a"])
