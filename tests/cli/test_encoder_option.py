"""--encoder: an index of a trained encoder, which may be moved, lost or replaced."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import searchkbd
from searchkbd import encoders
from searchkbd.encoders.directory import (
    STUDENT,
    Base,
    Description,
    StudentFile,
    write_description,
)
from searchkbd.encoders.embedded import EmbeddedEncoder
from searchkbd.encoders.features import text_features
from searchkbd.encoders.student import StudentWeights, pack, save_student
from searchkbd.errors import EncoderMismatchError


@pytest.fixture(autouse=True)
def no_cache(monkeypatch, one_encoder):
    """Directories are moved here: what was loaded from one before does not count."""
    monkeypatch.setattr(encoders, "load_encoder", encoders.load_encoder.__wrapped__)


@pytest.fixture
def mine(tmp_path, texts):
    """An encoder in a directory, of an untrained student for Kabardian and Abkhaz."""
    folder = tmp_path / "mine"
    folder.mkdir()
    ids = np.unique(text_features([group.get("kbd", "") for group in texts.values()]).ids)
    table = np.random.default_rng(1).normal(size=(len(ids), 512)).astype(np.float32)
    weights = StudentWeights(ids, *pack(table), np.eye(512, dtype=np.float32)[0])
    save_student(folder / STUDENT, weights)
    student = StudentFile.of(folder / STUDENT, ("kbd", "ady", "ab"))
    write_description(folder, Description(Base.of(EmbeddedEncoder()), (student,)))
    return folder


@pytest.fixture
def index(run, mine, sentences_file, tmp_path):
    directory = tmp_path / "index"
    assert run("build", sentences_file, "--encoder", mine, "--index", directory).code == 0
    return directory


def similarity(result) -> float:
    hit = json.loads(result.out)["hits"][0]
    assert hit["text"] == "Псыр щIыIэщ."
    return hit["similarity"]


QUERY = ("search", "Псыр щIыIэщ.", "--from", "kbd", "--lang", "kbd", "--json")


def test_an_index_remembers_its_encoder(run, index, mine):
    info = json.loads(run("info", "--index", index, "--json").out)
    assert info["encoder"] == str(mine)
    assert info["fingerprint"] == searchkbd.load_encoder(mine).fingerprint
    assert similarity(run(*QUERY, "--index", index)) == pytest.approx(1, abs=1e-4)
    lookup = run("tm", "lookup", "Псыр щIыIэщ.", "--from", "kbd", "--to", "ru", "--index", index)
    assert lookup.code == 0 and "Вода холодная." in lookup.out


def test_a_relative_place_is_found_from_elsewhere(run, mine, sentences_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("build", sentences_file, "--encoder", "mine", "--index", "index").code == 0
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert run(*QUERY, "--index", "../index").code == 0


def test_moved_it_is_asked_for_and_can_be_named(run, index, mine, tmp_path, monkeypatch):
    fingerprint = searchkbd.load_encoder(mine).fingerprint
    moved = tmp_path / "moved"
    shutil.move(mine, moved)
    tm = ("tm", "lookup", "Псыр", "--from", "kbd", "--to", "ru", "--index", index)
    for command in ((*QUERY, "--index", index), tm):
        code, _, err = run(*command)
        assert code == 2
        for part in (str(mine), fingerprint, "not there any more", "--encoder DIR"):
            assert part in err
        assert run(*command, "--encoder", moved).code == 0
        monkeypatch.setenv("SEARCHKBD_ENCODER", str(moved))
        assert run(*command).code == 0
        monkeypatch.delenv("SEARCHKBD_ENCODER")
    assert run("search", "вода", "--mode", "lexical", "--index", index).code == 0


def test_another_encoder_is_refused(run, index):
    code, _, err = run(*QUERY, "--index", index, "--encoder", "embedded")
    assert code == 2 and "cannot be compared" in err and "--encoder" in err
    code, _, err = run(*QUERY, "--index", index, "--encoder", "nosuch")
    assert code == 2 and "nosuch" in err and "embedded" in err
    code, _, err = run(*QUERY, "--index", index, "--encoder", "")
    assert code == 2 and "--encoder" in err


def test_a_damaged_encoder_is_named(run, index, mine):
    (mine / "encoder.json").write_text("{")
    code, _, err = run(*QUERY, "--index", index)
    assert code == 2 and "encoder.json: damaged" in err and "--encoder DIR" in err


def test_adding_uses_the_encoder_of_the_index(run, index, mine, write, tmp_path):
    more = write("more.tsv", "id\tlang\ttext\tgroup\nx\tkbd\tМыр унэщ.\tnew\n")
    assert run("build", more, "--add", "--index", index).code == 0
    code, _, err = run("build", more, "--add", "--index", index, "--encoder", "embedded")
    assert code == 2 and "cannot be compared" in err
    moved = tmp_path / "moved"
    shutil.move(mine, moved)
    code, _, err = run("build", more, "--add", "--index", index)
    assert code == 2 and "--encoder DIR" in err
    assert run("build", more, "--add", "--index", index, "--encoder", moved).code == 0
    # The index has learnt where it is now.
    assert run(*QUERY, "--index", index).code == 0


def test_adding_to_no_index_uses_the_default(run, sentences_file, tmp_path):
    directory = tmp_path / "new"
    assert run("build", sentences_file, "--add", "--index", directory).code == 0
    assert json.loads(run("info", "--index", directory, "--json").out)["encoder"] == "embedded"


def test_its_languages_are_not_foreign(run, mine, write, tmp_path):
    file = write("ab.tsv", "id\tlang\ttext\tgroup\n1\tab\tАҩны.\t1\n2\tde\tDas Haus.\t1\n")
    plain = run("build", file, "--index", tmp_path / "a")
    own = run("build", file, "--encoder", mine, "--index", tmp_path / "b")
    assert "ab (1)" in plain.err and "ab (1)" not in own.err
    assert "de (1)" in own.err


def test_verify_checks_the_encoder_that_is_given(run, index, mine):
    assert run("verify", "--index", index).code == 0
    assert run("verify", "--index", index, "--encoder", mine).code == 0
    code, out, _ = run("verify", "--index", index, "--encoder", "embedded")
    assert code == 1 and "was built with encoder" in out
    path = mine / STUDENT
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    code, out, _ = run("verify", "--index", index, "--encoder", mine)
    assert code == 1 and "student.safetensors" in out and "checksum" in out


def test_open_index_takes_a_place_too(index, mine):
    for encoder in (str(mine), mine, searchkbd.load_encoder(mine), None):
        with searchkbd.open_index(index, encoder) as opened:
            assert opened.search("Псыр щIыIэщ.", query_lang="kbd", k=1)[0].lang == "kbd"
    with pytest.raises(EncoderMismatchError):
        searchkbd.open_index(index, "embedded")
    with pytest.raises(ValueError, match="nosuch"):
        searchkbd.open_index(index, "nosuch")
