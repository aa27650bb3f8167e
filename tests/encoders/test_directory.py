"""Encoders in directories: who reads what, identity, and every way of being damaged."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from searchkbd.encoders import Encoder, EncoderError, load_encoder
from searchkbd.encoders import directory as module
from searchkbd.encoders.directory import (
    DESCRIPTION,
    Base,
    Description,
    DirectoryEncoder,
    StudentFile,
    languages_of,
    write_description,
)
from searchkbd.encoders.embedded import EmbeddedEncoder
from searchkbd.encoders.features import text_features
from searchkbd.encoders.student import StudentEncoder, StudentWeights, pack, save_student

TEXTS = ["Мы унэр дахэщ.", "Аҩны ԥшӡоуп.", "Дом красивый.", "The house is nice.", "Псы."]
LANGS = ["kbd", "ab", "ru", "en", "ady"]


def make(folder, *languages: tuple[str, ...], dim: int = 512, seed: int = 1):
    """Write an encoder of untrained students into *folder*, one for each of *languages*."""
    folder.mkdir(parents=True, exist_ok=True)
    students = []
    for number, langs in enumerate(languages):
        ids = np.unique(text_features(TEXTS).ids)
        table = np.random.default_rng(seed + number).normal(size=(len(ids), dim))
        unknown = np.eye(dim, dtype=np.float32)[0]
        weights = StudentWeights(ids, *pack(table.astype(np.float32)), unknown)
        save_student(folder / f"s{number}.safetensors", weights)
        students.append(StudentFile.of(folder / f"s{number}.safetensors", langs))
    write_description(folder, Description(Base.of(EmbeddedEncoder()), tuple(students)))
    return folder


@pytest.fixture
def folder(tmp_path):
    return make(tmp_path / "mine", ("kbd", "ady"), ("ab",))


def test_it_is_an_encoder_that_load_encoder_finds(folder, monkeypatch):
    encoder = load_encoder(folder)
    assert isinstance(encoder, DirectoryEncoder) and isinstance(encoder, Encoder)
    assert encoder.dim == 512 and encoder.languages == ("kbd", "ady", "ab")
    assert load_encoder(encoder.name).fingerprint == encoder.fingerprint
    monkeypatch.chdir(folder.parent)
    assert load_encoder("mine").name == str(folder)


def test_students_read_their_languages_and_the_base_the_rest(folder, embedded):
    vectors = load_encoder(folder).encode(TEXTS, LANGS)
    first, second = (StudentEncoder(folder / f"s{n}.safetensors").encode(TEXTS) for n in (0, 1))
    for row, reader in enumerate([first, second, None, None, first]):
        wanted = embedded.encode(TEXTS, LANGS) if reader is None else reader
        assert np.allclose(vectors[row], wanted[row], atol=1e-6), LANGS[row]
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert load_encoder(folder).encode([], []).shape == (0, 512)


def test_without_a_kabardian_student_the_one_that_ships_reads_kabardian(tmp_path, embedded):
    encoder = load_encoder(make(tmp_path / "ab", ("ab",)))
    rows = [0, 2, 3, 4]
    vectors, wanted = encoder.encode(TEXTS, LANGS), embedded.encode(TEXTS, LANGS)
    assert np.allclose(vectors[rows], wanted[rows], atol=1e-6)
    assert not np.allclose(vectors[1], wanted[1], atol=0.1)


def test_languages_are_identified_where_they_are_not_said(folder):
    encoder = load_encoder(folder)
    texts = ["Сэ еджапIэм сокIуэ пщэдджыжьым.", "Мы ждём автобус на остановке."]
    wanted = encoder.encode(texts, ["kbd", "ru"])
    assert np.allclose(encoder.encode(texts), wanted, atol=1e-6)
    assert np.allclose(encoder.encode(texts, [None, "ru"]), wanted, atol=1e-6)
    with pytest.raises(TypeError):
        encoder.encode("one string")
    with pytest.raises(ValueError):
        encoder.encode(texts, ["kbd"])


def test_the_fingerprint_is_of_the_content_not_the_place(folder, tmp_path, embedded):
    fingerprint = load_encoder(folder).fingerprint
    shutil.copytree(folder, tmp_path / "elsewhere")
    assert load_encoder(tmp_path / "elsewhere").fingerprint == fingerprint
    others = [
        make(tmp_path / "seed", ("kbd", "ady"), ("ab",), seed=5),
        make(tmp_path / "kbd", ("kbd", "ady")),
        make(tmp_path / "langs", ("kbd", "ady"), ("abq",)),
        make(tmp_path / "half", ("kbd",), ("ab",)),
    ]
    found = {load_encoder(other).fingerprint for other in others}
    assert len(found | {fingerprint, embedded.fingerprint}) == 6


def test_languages_of(folder, embedded):
    assert {"kbd", "ru", "en", "fr", "tr", "ar"} <= languages_of(embedded)
    assert languages_of(load_encoder(folder)) - languages_of(embedded) == {"ab"}


def edit(path, change) -> None:
    shape = json.loads(path.read_text())
    change(shape)
    path.write_text(json.dumps(shape))


@pytest.mark.parametrize(("change", "said"), [
    (lambda shape: shape.update(format=2), "format 2"),
    (lambda shape: shape.pop("base"), "'base' is missing"),
    (lambda shape: shape.update(students=[]), "0 students"),
    (lambda shape: shape.update(students=["s0"]), "not a JSON object"),
    (lambda shape: shape["students"][0].update(file="../s0.safetensors"), "not the name"),
    (lambda shape: shape["students"][0].update(file="/etc/passwd"), "not the name"),
    (lambda shape: shape["students"][0].update(languages=["Kabardian"]), "not language codes"),
    (lambda shape: shape["students"][0].update(languages=["ab"]), "two students"),
    (lambda shape: shape["students"][0].update(bytes="9"), "'bytes'"),
    (lambda shape: shape["base"].update(name="labse"), "base cannot be used: .*labse is not here"),
    (lambda shape: shape["base"].update(space="0"), "another version.*train it again"),
    (lambda shape: shape["students"][0].update(bytes=9), "s0.safetensors: .* instead of 9"),
    (lambda shape: shape["students"][0].update(file="none"), "none: No such file.*train it again"),
])  # fmt: skip
def test_a_bad_description_is_refused(folder, change, said):
    edit(folder / DESCRIPTION, change)
    with pytest.raises(EncoderError, match=f"(?s){folder}.*{said}"):
        load_encoder(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 5000, b" " * 70_000])
def test_what_is_no_description_is_refused(folder, content):
    (folder / DESCRIPTION).write_bytes(content)
    with pytest.raises(EncoderError, match=f"{DESCRIPTION}: damaged .*train it again"):
        load_encoder(folder)


def test_a_damaged_student_is_refused(folder):
    path = folder / "s1.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(EncoderError, match="s1.safetensors: .* instead of"):
        load_encoder(folder)
    path.write_bytes(b"\0" * len(whole))
    with pytest.raises(EncoderError, match="s1.safetensors: damaged .*train it again"):
        load_encoder(folder)


def test_check_finds_changed_bytes(folder):
    encoder = load_encoder(folder)
    assert encoder.check() == []
    path = folder / "s1.safetensors"
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    (problem,) = load_encoder(folder).check()
    assert "s1.safetensors" in problem and "checksum" in problem


def test_a_student_of_other_dimensions_is_refused(tmp_path):
    with pytest.raises(EncoderError, match="64 dimensions instead of 512"):
        load_encoder(make(tmp_path / "x", ("ab",), dim=64))


def test_what_is_no_encoder_directory(tmp_path):
    with pytest.raises(EncoderError, match="no encoder.*searchkbd train student"):
        load_encoder(tmp_path)
    (tmp_path / module.WORK).mkdir()
    with pytest.raises(EncoderError, match="not finished.*again"):
        load_encoder(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(EncoderError, match="a file, not the directory"):
        load_encoder(tmp_path / "file")
    for spec in ("", tmp_path / "none"):
        with pytest.raises(ValueError, match="there is: embedded.*searchkbd train student"):
            load_encoder(spec)
    with pytest.raises(ValueError, match="labs is not (?s:.*)embedded, labse"):
        load_encoder("labs")
