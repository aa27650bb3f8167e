"""Small indexes, and what they are made of."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.encoders import Encoder, load_encoder
from searchkbd.encoders.directory import Base, Description, StudentFile, write_description
from searchkbd.encoders.features import text_features
from searchkbd.encoders.student import StudentWeights, pack, save_student
from searchkbd.index.writer import build_index

NOUNS = ["вода", "хлеб", "дом", "дорога", "гора", "река", "книга", "лошадь", "снег", "огонь"]


def sentences(first: int, last: int) -> list[Sentence]:
    """Return a sentence in Russian and its like in English for each number."""
    made = []
    for n in range(first, last):
        noun = NOUNS[n % len(NOUNS)]
        for lang, text in (("ru", f"Здесь {noun} номер {n}."), ("en", f"Number {n} is here.")):
            made.append(Sentence(f"{lang}{n}", lang, text, f"g{n}", "t", None, Place("t", n)))
    return made


@pytest.fixture(scope="session")
def make_sentences() -> Callable[[int, int], list[Sentence]]:
    return sentences


@pytest.fixture(scope="session")
def built(tmp_path_factory, embedded) -> Path:
    directory = tmp_path_factory.mktemp("service") / "built"
    build_index(directory, sentences(0, 40), embedded)
    return directory


@pytest.fixture
def index(built, tmp_path) -> Iterator[Path]:
    """An index of 80 sentences to write to."""
    yield Path(shutil.copytree(built, tmp_path / "index"))


@pytest.fixture(scope="session")
def other_encoder(tmp_path_factory) -> Encoder:
    """An encoder in a directory, with vectors of its own for Russian."""
    folder = tmp_path_factory.mktemp("encoder")
    ids = np.unique(text_features([s.text for s in sentences(0, 10)]).ids)
    table = np.random.default_rng(1).normal(size=(len(ids), 512)).astype(np.float32)
    weights = StudentWeights(ids, *pack(table), np.eye(512, dtype=np.float32)[0])
    save_student(folder / "s.safetensors", weights)
    base = Base.of(load_encoder())
    student = StudentFile.of(folder / "s.safetensors", ("ru",))
    write_description(folder, Description(base, (student,)))
    return load_encoder(folder)
