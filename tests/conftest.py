"""Fixtures shared by every test."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.index.writer import build_index
from searchkbd.resources import PHRASEBOOK
from searchkbd.text.forms import search_key

# pytest --hypothesis-profile thorough: a longer search, by hand.
settings.register_profile("default", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=5000)

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def own_cache():
    """No test reads or writes the cache of whoever runs it."""
    with (
        tempfile.TemporaryDirectory(prefix="searchkbd-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("SEARCHKBD_CACHE", folder)
        patch.delenv("SEARCHKBD_CACHE_MAX", raising=False)
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real corpora beside the checkout; tests that need it skip without it."""
    if not SHARED.is_dir():
        pytest.skip("../shared/data is not here: this test needs the real corpora")
    return SHARED


class TrigramEncoder:
    """A real encoder, small and fast: hashed letter trigrams of the search key, unit length.

    For tests of what lies around an encoder (store, search, crash safety); sentences that share
    letters are near each other, and any language is as good as another.
    """

    name = "trigrams"
    fingerprint = "trigrams-64-v1"
    dim = 64

    def encode(self, texts: Sequence[str], langs: Sequence[str] | None = None) -> np.ndarray:
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(out, texts, strict=True):
            padded = f"  {search_key(text)} "
            for at in range(len(padded) - 2):
                row[zlib.crc32(padded[at : at + 3].encode("utf-8", "replace")) % self.dim] += 1
        return out / np.linalg.norm(out, axis=1, keepdims=True).clip(1e-9)


@pytest.fixture(scope="session")
def trigrams() -> TrigramEncoder:
    return TrigramEncoder()


@pytest.fixture(scope="session")
def embedded():
    """The encoder that ships, loaded once."""
    from searchkbd.encoders import load_encoder

    return load_encoder()


@pytest.fixture(scope="session")
def phrasebook_index(tmp_path_factory, embedded) -> Path:
    """The demonstration index, built by the encoder that ships. Tests must not write to it."""
    directory = tmp_path_factory.mktemp("indexes") / "demo"
    build_index(directory, read_corpus(PHRASEBOOK, ReadOptions()), embedded)
    return directory


@pytest.fixture(scope="session")
def tiny_labse(tmp_path_factory) -> Path:
    """The directory of a tiny model of LaBSE's architecture. Tests must not write to it."""
    pytest.importorskip("sentence_transformers")
    from tiny_labse import make_tiny_labse

    return make_tiny_labse(tmp_path_factory.mktemp("labse"))


@pytest.fixture(scope="module")
def one_torch_thread():
    """Several threads wait for each other longer than a tiny model takes."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
