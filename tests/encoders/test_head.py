"""The teacher's head: its file, what a wrong one says, and that the tuned one is better."""

from __future__ import annotations

import numpy as np
import pytest

from searchkbd.encoders.base import EncoderError
from searchkbd.encoders.head import DEFAULT_PATH, NAMES, Head, HeadFile, save_head
from searchkbd.encoders.tensors import map_tensors, write_tensors
from searchkbd.encoders.use import UniversalSentenceEncoder
from searchkbd.training.data import read_parallel
from searchkbd.training.evaluate import accuracy

TEXTS = ["Где ближайшая аптека?", "Bu akşam misafirlerimiz gelecek.", "", "da " * 900] + [
    f"The train leaves at {n} from platform {n % 7}, and it is late as always." for n in range(900)
]


@pytest.fixture(scope="module")
def tuned() -> UniversalSentenceEncoder:
    return UniversalSentenceEncoder()


def test_what_is_saved_is_loaded(tmp_path):
    head = HeadFile().load()
    digest = save_head(tmp_path / "h.safetensors", head)
    again = HeadFile(tmp_path / "h.safetensors")
    assert again.identity == digest == HeadFile().identity
    for name in NAMES:
        assert np.array_equal(getattr(again.load(), name), getattr(head, name))


def test_the_card_belongs_to_the_shipped_file():
    card = DEFAULT_PATH.with_name("head.card.md").read_text(encoding="utf-8")
    assert HeadFile().identity in card


@pytest.mark.parametrize("damage", ["missing", "short", "format", "shape"])
def test_a_file_that_is_no_head_says_so(tmp_path, damage):
    path = tmp_path / "h.safetensors"
    file = map_tensors(DEFAULT_PATH)
    arrays, metadata = dict(file.arrays), dict(file.metadata)
    if damage == "format":
        metadata["format"] = "searchkbd-head-0"
    if damage == "shape":
        arrays["d3"] = arrays["d3"][:-1]
    if damage != "missing":
        write_tensors(path, arrays, metadata)
    if damage == "short":
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(EncoderError, match=r"h\.safetensors"):
        HeadFile(path).load()


def test_pooled_features_and_head_make_the_vectors(tuned):
    pooled, roots = tuned.pool(TEXTS)
    assert pooled.shape == (len(TEXTS), 1280) and roots.shape == (len(TEXTS),)
    assert np.allclose(tuned.head(pooled, roots), tuned.encode(TEXTS), atol=1e-5)


def test_many_texts_give_what_each_gives_alone(tuned):
    # 900 long texts are many micro-batches, read by several threads.
    together = tuned.encode(TEXTS)
    for row in (0, 1, 2, 3, 4, 450, len(TEXTS) - 1):
        assert np.allclose(together[row], tuned.encode([TEXTS[row]])[0], atol=1e-5)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_another_head_is_another_encoder(tuned, tmp_path):
    published = UniversalSentenceEncoder(head=None)
    assert published.fingerprint != tuned.fingerprint
    save_head(tmp_path / "h.safetensors", published.head)
    same = UniversalSentenceEncoder(head=tmp_path / "h.safetensors")
    assert same.fingerprint not in (published.fingerprint, tuned.fingerprint)
    # 16 bits a number change next to nothing.
    assert (same.encode(TEXTS[:9]) * published.encode(TEXTS[:9])).sum(axis=1).min() > 0.9999


def test_the_tuned_head_brings_translations_nearer(tuned, shared_data):
    published = UniversalSentenceEncoder(head=None)
    for name, least in (("tatoeba_tr_en", 0.02), ("ntrex_en_fr", 0.0)):
        left, right = read_parallel(shared_data / "dev" / f"{name}.tsv")
        figures = [
            accuracy(one.encode(left), one.encode(right), right).at_1 for one in (published, tuned)
        ]
        assert figures[1] > figures[0] + least


def test_zero_features_are_a_zero_vector(tuned):
    head = tuned.head
    bare = Head(**{**head.arrays(), "out_b": np.zeros_like(head.out_b)})
    vectors = bare(np.zeros((2, 1280), np.float32), np.ones(2, np.float32))
    assert np.array_equal(vectors, np.zeros((2, 512), np.float32))
