"""The pieces of short texts: those of the library, and when the library is asked."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from searchkbd.encoders.pieces import _PATIENCE, PieceTable, Tokenizer
from searchkbd.encoders.tensors import map_tensors, write_tensors
from searchkbd.encoders.use_weights import CACHE_VARIABLE, find_source

TEXTS = ["Где здесь школа?", "We're waiting — for the 2nd bus.", "Où est « la » boulangerie ?",
         "Yarın deniz kıyısına gideceğiz.", "Ёжик пьёт чай; потом спит…", "42", ""]  # fmt: skip


@pytest.fixture(scope="module")
def library():
    return Tokenizer(find_source())._library


@pytest.fixture(scope="module")
def table(library) -> PieceTable:
    return PieceTable.of(library)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    return tmp_path


def of_library(library, texts: list[str]) -> list[list[int]]:
    return library.encode(texts, add_bos=True, add_eos=True)


LETTERS = st.text("абвгдеёжзстйпоЩЫИ aeionrstxyzTAéçğşıİßÀ0129.,-?!«»'_  ", max_size=60)


@settings(max_examples=400)
@given(text=LETTERS | st.text(max_size=20))
@example(text="extra_token_id_1")
@example(text="  two   spaces ")
@example(text="\u2581a")
@example(text="e\u0301")
@example(text="a\u00a0b\tc\n")
@example(text="½ ﬁ Ａ ㎏ ǆ ŀ ŉ")
@example(text="aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
def test_what_the_table_says_the_library_says(table, library, text):
    found = table.encode(text)
    # A lone surrogate is not given to the library; the encoder replaces it before.
    assert found is None or found == of_library(library, [text])[0]


@pytest.mark.parametrize("text", [text for text in TEXTS if "…" not in text])
def test_usual_texts_need_no_library(table, text):
    assert table.encode(text) is not None


@pytest.mark.parametrize("text", ["потом…", "a\u0301", "x_y", "漢字", "😀", "a\tb"])
def test_where_normalisation_does_something_the_library_is_asked(table, text):
    assert table.encode(text) is None


def test_plain_characters_stay_as_they_are_beside_each_other(table, library):
    plain = "".join(map(chr, table.plain.tolist()))
    for char in plain[::7]:
        pairs = "".join(char + other for other in plain)
        assert library.normalize(pairs) == "\u2581" + pairs


def test_texts_of_every_language_as_in_the_corpus(table, library, shared_data):
    with (shared_data / "corpus" / "large.tsv").open(encoding="utf-8") as file:
        texts = [line.split("\t")[2] for line in file][1::300]
    found = [table.encode(text) for text in texts]
    known = [place for place, pieces in enumerate(found) if pieces is not None]
    assert len(known) > 0.9 * len(texts)
    assert [found[place] for place in known] == of_library(library, [texts[p] for p in known])


def test_the_first_use_writes_the_table_and_the_next_needs_no_library(cache, library):
    first = Tokenizer(find_source())
    (cache / "use-pieces-0-old.safetensors").write_bytes(b"x")
    assert first.encode(TEXTS) == of_library(library, TEXTS)
    (path,) = cache.iterdir()
    assert path.name.startswith("use-pieces-")
    code = (
        "import sys; from searchkbd.encoders import load_encoder\n"
        "load_encoder().encode(['Где школа?', 'The bus'], ['ru', 'en'])\n"
        "print('sentencepiece' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == "False"


def test_after_many_texts_the_library_is_opened(cache, table, library):
    table.write(Tokenizer(find_source())._path)
    tokenizer = Tokenizer(find_source())
    text = "Где школа? " * 9
    for _ in range(_PATIENCE // len(text)):
        tokenizer.encode([text])
    assert "_library" not in vars(tokenizer)
    assert tokenizer.encode([text]) == of_library(library, [text])
    assert "_library" in vars(tokenizer)


@pytest.mark.parametrize("damage", ["truncated", "garbage", "other arrays", "shorter", "empty"])
def test_a_damaged_table_is_written_again(cache, table, library, damage):
    path = Tokenizer(find_source())._path
    table.write(path)
    whole = path.read_bytes()
    if damage == "other arrays":
        write_tensors(path, {"hashes": np.zeros(3, np.float32)})
    elif damage == "empty":
        none = {name: array[:0] for name, array in vars(table).items()}
        write_tensors(path, {**none, "limits": table.limits})
    elif damage == "shorter":
        write_tensors(path, {**map_tensors(path).arrays, "ids": table.ids[1:]})
    else:
        path.write_bytes({"truncated": whole[:-5], "garbage": b"x" * 99}[damage])
    assert Tokenizer(find_source()).encode(TEXTS) == of_library(library, TEXTS)
    assert path.read_bytes() == whole


def test_a_table_that_leads_nowhere_gives_no_answer(table):
    wrong = replace(table, hashes=table.hashes + np.uint64(1))
    assert wrong.encode("Где школа?") is None


def test_without_a_cache_the_library_answers(tmp_path, monkeypatch, library):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    assert Tokenizer(find_source()).encode(TEXTS) == of_library(library, TEXTS)
