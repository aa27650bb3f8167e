"""The Kabardian student: packing, the shipped file and its quality."""

from __future__ import annotations

import csv
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import searchkbd.encoders.student as student_module
from searchkbd.encoders import features
from searchkbd.encoders.base import Encoder, EncoderError
from searchkbd.encoders.student import (
    _FEW_TEXTS,
    DEFAULT_PATH,
    StudentEncoder,
    StudentWeights,
    content_hash,
    pack,
    save_student,
    unpack,
)
from searchkbd.encoders.tensors import map_tensors, write_tensors
from searchkbd.text.forms import loose_key
from searchkbd.training.data import read_parallel
from searchkbd.training.evaluate import accuracy

KABARDIAN = st.text("абгдежзкхщъьэIӏ1у -?.\n", max_size=40)


@pytest.fixture(scope="module")
def student() -> StudentEncoder:
    return StudentEncoder()


def tiny(dim: int = 8) -> StudentWeights:
    ids = np.unique(features.text_features(["унэ дахэ", "псы"]).ids)
    table = np.random.default_rng(1).normal(size=(len(ids), dim)).astype(np.float32)
    return StudentWeights(ids, *pack(table), np.eye(dim, dtype=np.float32)[0])


@settings(max_examples=50)
@given(seed=st.integers(0, 2**32 - 1), size=st.floats(1e-3, 1e3))
def test_packing_keeps_values_within_a_step(seed, size):
    values = np.random.default_rng(seed).normal(size=(20, 64)).astype(np.float32) * size
    rows, scales = pack(values)
    assert rows.dtype == np.uint8
    assert rows.shape == (20, 32)
    back = unpack(rows, scales)
    cosine = (back * values).sum(1) / np.linalg.norm(back, axis=1) / np.linalg.norm(values, axis=1)
    assert cosine.min() > 0.98


def test_packing_extreme_rows():
    back = unpack(*pack(np.array([[0, 0], [1e-30, 0], [5, -5], [1e4, 0]], np.float32)))
    assert np.allclose(back, [[0, 0], [0, 0], [5, -5], [1e4, 0]], rtol=1e-3, atol=1e-6)


def test_the_vector_is_the_normalised_sum_of_rows(tmp_path):
    weights = tiny()
    save_student(tmp_path / "s", weights)
    ids = features.text_features(["Унэ, унэ псы!"]).ids
    rows = unpack(weights.rows, weights.scales)
    total = rows[[int(np.flatnonzero(weights.features == i)[0]) for i in ids]].sum(axis=0)
    found = StudentEncoder(tmp_path / "s").encode(["Унэ, унэ псы!"])[0]
    assert np.allclose(found, total / np.linalg.norm(total), atol=1e-6)


def mixed(value: int) -> int:
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
    return value ^ (value >> 31)


def plain_vector(text: str, weights: StudentWeights, rows: dict[int, int]) -> np.ndarray:
    """Return what a text's vector is by definition: one feature, one number after another."""
    total = np.zeros(weights.dim)
    for word in re.findall(r"\w+|\?", loose_key(text[:4096])):
        value = sum(ord(char) * 0x100000001B3**place for place, char in enumerate(word))
        numbers = [mixed(value % 2**64 ^ 0x9E3779B97F4A7C15)]
        spaced = f" {word} "
        for n in (2, 3, 4, 5):
            for at in range(len(spaced) - n + 1):
                value = 0
                for char in spaced[at : at + n]:
                    value = value * 0x100000001B3 + ord(char)
                numbers.append(mixed((value + n) % 2**64))
        for number in numbers:
            if number in rows:
                packed = weights.rows[rows[number]].tolist()
                row = [half - 8 for byte in packed for half in (byte & 15, byte >> 4)]
                total += float(weights.scales[rows[number]]) * np.array(row)
    norm = np.linalg.norm(total)
    return total / norm if norm > 1e-9 else weights.unknown


@pytest.fixture(scope="module")
def shipped() -> tuple[StudentWeights, dict[int, int]]:
    arrays = map_tensors(DEFAULT_PATH).arrays
    weights = StudentWeights(*(arrays[name] for name in ("features", "rows", "scales", "unknown")))
    return weights, {number: place for place, number in enumerate(weights.features.tolist())}


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(KABARDIAN | st.text(max_size=20), min_size=1, max_size=4))
@example(texts=["Сэ еджапIэм сокIуэ.", "Мыр сыту дахэ!", "", "еджапIэм"])
@example(texts=["щ" * 700, "кIуэ " * 200])
def test_vectors_are_what_the_definition_says(student, shipped, texts):
    expected = np.array([plain_vector(text, *shipped) for text in texts])
    assert np.allclose(student.encode(texts), expected, atol=1e-6)
    # Many texts take another way: by word, in threads.
    times = _FEW_TEXTS // len(texts) + 1
    assert np.allclose(student.encode(texts * times), np.tile(expected, (times, 1)), atol=1e-6)


def test_many_texts_are_cut_into_batches(student, monkeypatch):
    texts = [f"{number} къуажэ {'дахэ ' * (number % 7)}" for number in range(300)]
    whole = student.encode(texts)
    monkeypatch.setattr(student_module, "_BATCH_CHARS", 1000)
    assert np.array_equal(student.encode(texts), whole)
    monkeypatch.setattr(student_module, "_BATCH_CHARS", 1)
    assert np.array_equal(student.encode(texts), whole)


def test_texts_without_known_features_share_one_vector(student):
    vectors = student.encode(["", "😀", "???!", "漢字"[:0], " "])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert np.array_equal(vectors[0], vectors[1])


def test_it_is_an_encoder(student):
    assert isinstance(student, Encoder)


def test_all_spellings_of_the_palochka_give_one_vector(student):
    spellings = ["щIэныгъэ", "щӀэныгъэ", "щӏэныгъэ", "щ1эныгъэ", "щlэныгъэ", "щіэныгъэ",
                 "щІэныгъэ", "щ|эныгъэ", "щiэныгъэ", "ЩӀЭНЫГЪЭ", "щэныгъэ", "щ\u00adӏэныгъэ",
                 "щӏэныгъэ."]  # fmt: skip
    vectors = student.encode([f"Мы {word} дахэ" for word in spellings])
    assert np.array_equal(vectors, np.repeat(vectors[:1], len(spellings), axis=0))


def test_real_spellings_give_one_vector(student, shared_data):
    groups: dict[str, list[str]] = {}
    with (shared_data / "corpus" / "messy_palochka.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["lang"] == "kbd":
                groups.setdefault(row["group"], []).append(row["text"])
    assert len(groups) >= 100
    for texts in groups.values():
        vectors = student.encode(texts)
        assert np.allclose(vectors, vectors[:1], atol=1e-6), texts


def test_the_shipped_file_is_small_and_whole():
    assert DEFAULT_PATH.stat().st_size <= 36_000_000  # 40 MB with the teacher's head
    file = map_tensors(DEFAULT_PATH)
    names = ("features", "rows", "scales", "unknown")
    weights = StudentWeights(*(file.arrays[name] for name in names))
    assert content_hash(weights) == file.metadata["sha256"]
    assert (np.diff(weights.features.astype(object)) > 0).all()
    assert np.isclose(np.linalg.norm(weights.unknown), 1)


def test_the_card_belongs_to_the_shipped_file():
    card = DEFAULT_PATH.with_name("student.card.md").read_text(encoding="utf-8")
    assert map_tensors(DEFAULT_PATH).metadata["sha256"] in card


def test_the_fingerprint_follows_the_content(tmp_path):
    weights = tiny()
    save_student(tmp_path / "a", weights)
    save_student(tmp_path / "b", weights, {"note": "the same numbers"})
    other = StudentWeights(weights.features, weights.rows ^ 1, weights.scales, weights.unknown)
    save_student(tmp_path / "c", other)
    a, b, c = (StudentEncoder(tmp_path / name).fingerprint for name in "abc")
    assert a == b != c


@pytest.mark.parametrize("damage", ["missing", "truncated", "format", "features", "shape", "empty"])
def test_a_bad_file_is_reported(tmp_path, damage):
    path = tmp_path / "student.safetensors"
    weights = tiny()
    save_student(path, weights)
    good = map_tensors(path)
    arrays, metadata = dict(good.arrays), dict(good.metadata)
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:-3])
    elif damage == "shape":
        write_tensors(path, {**arrays, "scales": arrays["scales"][1:]}, metadata)
    elif damage == "empty":
        none = {name: array[:0] for name, array in arrays.items()}
        write_tensors(path, {**none, "unknown": arrays["unknown"]}, metadata)
    else:
        write_tensors(path, arrays, {**metadata, damage: "another"})
    with pytest.raises(EncoderError, match="student.safetensors"):
        StudentEncoder(path).encode(["унэ"])


def test_quality_floor(embedded, shared_data):
    floors = {"sentences_kbd_ru": (0.92, 0.97), "sentences_kbd_en": (0.88, 0.96),
              "udhr_kbd_ru": (0.45, 0.95)}  # fmt: skip
    for name, (at_1, at_10) in floors.items():
        left, right = read_parallel(shared_data / "dev" / f"{name}.tsv")
        sources = embedded.encode(left, ["kbd"] * len(left))
        targets = embedded.encode(right, [name[-2:]] * len(right))
        found = accuracy(sources, targets, right)
        assert found.at_1 >= at_1 and found.at_10 >= at_10, name
