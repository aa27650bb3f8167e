"""Hubness: the formula, which anchors it is measured by, and what searches make of it."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchkbd.errors import IndexDamagedError
from searchkbd.index import hubness, hubs, schema, segments
from searchkbd.index.editing import edit_sentence
from searchkbd.index.reader import IndexReader
from searchkbd.index.verify import verify_index
from searchkbd.index.writer import Mode, build_index
from searchkbd.search import semantic
from tests.index.helpers import live_hubness, sentences, unit

DIM = 16
HALF = 1e-3
"""What half precision is off by."""


class NumberEncoder:
    """A vector for each number, drawn around one direction, so that some are hubs."""

    name, fingerprint, dim = "numbers", "numbers-1", DIM

    def encode(self, texts, langs=None) -> np.ndarray:
        seeds = [int("".join(c for c in text if c.isdigit()) or 0) for text in texts]
        noise = np.stack([np.random.default_rng(seed).normal(size=DIM) for seed in seeds])
        return unit(noise + np.eye(DIM)[0] * 2)


def stored(directory) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, int | None]:
    """Return the hubness and vector of each row, the anchors, and what they were drawn from."""
    values = live_hubness(directory)
    with IndexReader(directory) as reader:
        rows = [row for (row,) in reader.connection.execute("SELECT row FROM sentences")]
        found = reader.connection.execute("SELECT drawn_from, vectors FROM anchors").fetchone()
        anchors = None
        if found:
            anchors = np.frombuffer(found[1], "<f2").reshape(-1, DIM).astype(np.float32)
        return (
            np.array([values[row] for row in rows]), reader.vectors(rows), anchors,
            found and found[0],
        )  # fmt: skip


def naive(vectors: np.ndarray, anchors: np.ndarray) -> list[float]:
    out = []
    for scores in vectors.astype(float) @ anchors.T.astype(float):
        ten = sorted((s for s in scores if s < hubness.SAME), reverse=True)[: hubness.NEIGHBOURS]
        out.append(sum(ten) / len(ten) if ten else 0.0)
    return out


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 30), anchors=st.integers(1, 40))
def test_it_is_the_mean_cosine_of_the_nearest_anchors(seed, rows, anchors):
    rng = np.random.default_rng(seed)
    others = unit(rng.normal(size=(anchors, DIM)))
    vectors = np.concatenate([unit(rng.normal(size=(rows, DIM))), others[:3]])
    assert np.allclose(hubness.hubness(vectors, others), naive(vectors, others), atol=1e-5)


def test_a_small_index_measures_nothing(tmp_path):
    build_index(tmp_path / "i", sentences(0, hubness.MIN_ROWS - 1), NumberEncoder())
    values, _, anchors, _ = stored(tmp_path / "i")
    assert not values.any() and anchors is None
    build_index(tmp_path / "i", sentences(500, 501), NumberEncoder(), mode=Mode.ADD)
    values, vectors, anchors, drawn_from = stored(tmp_path / "i")
    assert drawn_from == len(anchors) == hubness.MIN_ROWS
    assert np.allclose(values, naive(vectors, anchors), atol=HALF)


def test_what_is_added_is_measured_by_the_stored_anchors(tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "SEGMENT_ROWS", 100)  # several of them
    build_index(tmp_path / "i", sentences(0, 300), NumberEncoder())
    _, _, before, _ = stored(tmp_path / "i")
    build_index(tmp_path / "i", sentences(300, 700, "kbd"), NumberEncoder(), mode=Mode.ADD)
    values, vectors, anchors, drawn_from = stored(tmp_path / "i")
    assert drawn_from == 300 and np.array_equal(anchors, before)
    assert np.allclose(values, naive(vectors, anchors), atol=HALF)
    build_index(tmp_path / "i", sentences(700, 1200), NumberEncoder(), mode=Mode.ADD)
    values, vectors, anchors, drawn_from = stored(tmp_path / "i")
    assert drawn_from == len(anchors) == 1200  # grown to four times 300
    assert np.allclose(values, naive(vectors, anchors), atol=HALF)


def test_what_was_changed_is_drawn_as_it_is_now(tmp_path):
    build_index(tmp_path / "i", sentences(0, 200), NumberEncoder())
    edit_sentence(tmp_path / "i", "ru7", NumberEncoder(), text="номер 5000")
    build_index(tmp_path / "i", sentences(200, 300), NumberEncoder(), mode=Mode.ADD)
    values, vectors, anchors, drawn_from = stored(tmp_path / "i")
    assert drawn_from == len(anchors) == 300
    assert np.allclose(values, naive(vectors, anchors), atol=HALF)
    old, new = NumberEncoder().encode(["номер 7", "номер 5000"])
    assert (anchors @ old).max() < 0.99 and (anchors @ new).max() > 0.998


def test_no_more_anchors_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(hubness, "MAX_ANCHORS", 50)
    build_index(tmp_path / "i", sentences(0, 300), NumberEncoder())
    _, vectors, before, _ = stored(tmp_path / "i")
    assert len(before) == 50
    # Each of them is a row of the index, as well as 16 bits can say.
    assert (before @ vectors.T).max(axis=1).min() > 0.998
    build_index(tmp_path / "i", sentences(300, 1199), NumberEncoder(), mode=Mode.ADD)
    _, _, after, _ = stored(tmp_path / "i")
    assert np.array_equal(before, after)


def test_repeated_sentences_are_hubs_too():
    # Sixty copies among the anchors do not count, and do not crowd out what does.
    rng = np.random.default_rng(1)
    others = unit(rng.normal(size=(200, DIM)) + np.eye(DIM)[0] * 2)
    hub = unit(np.eye(DIM)[:1] + 0.01)
    anchors = np.concatenate([np.repeat(hub, 60, axis=0), others])
    assert np.allclose(hubness.hubness(hub, anchors), hubness.hubness(hub, others))
    assert hubness.hubness(hub, anchors)[0] > 0.6


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE anchors SET vectors = zeroblob(length(vectors))",
        "DELETE FROM anchors",
    ],
)
def test_damage_is_found_by_verify(tmp_path, damage):
    build_index(tmp_path / "i", sentences(0, 300), NumberEncoder())
    assert verify_index(tmp_path / "i").ok
    with sqlite3.connect(schema.database_path(tmp_path / "i")) as connection:
        connection.execute(damage)
    connection.close()
    assert any("anchors" in problem for problem in verify_index(tmp_path / "i").problems)


def test_a_failed_addition_leaves_the_anchors(tmp_path, monkeypatch):
    build_index(tmp_path / "i", sentences(0, 300), NumberEncoder())
    before = stored(tmp_path / "i")

    def fail(*_) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(hubness, "hubness", fail)
    with pytest.raises(KeyboardInterrupt):
        build_index(tmp_path / "i", sentences(300, 1300), NumberEncoder(), mode=Mode.ADD)
    after = stored(tmp_path / "i")
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert verify_index(tmp_path / "i").ok


def test_damaged_anchors_are_an_error_that_says_so(tmp_path):
    build_index(tmp_path / "i", sentences(0, 300), NumberEncoder())
    with sqlite3.connect(schema.database_path(tmp_path / "i")) as connection:
        connection.execute("UPDATE anchors SET vectors = ?", (b"123",))
    connection.close()
    with pytest.raises(IndexDamagedError, match="anchors are not what was written"):
        build_index(tmp_path / "i", sentences(300, 301), NumberEncoder(), mode=Mode.ADD)


class CrowdEncoder(NumberEncoder):
    """A crowd around one direction, a hub in the middle of it (998), and one apart (999)."""

    def encode(self, texts, langs=None) -> np.ndarray:
        vectors = super().encode(texts)
        for vector, text in zip(vectors, texts, strict=True):
            if "998" in text:
                vector[:] = np.eye(DIM)[0]
            elif "999" in text:
                vector[:] = np.eye(DIM)[1]
        return vectors


def test_a_hub_no_longer_takes_the_first_place(tmp_path, monkeypatch):
    items = sentences(0, 400) + sentences(998, 1000)
    build_index(tmp_path / "i", items, CrowdEncoder())
    with IndexReader(tmp_path / "i") as reader:
        hub, right = (reader.with_key(f"номер {n}", "ru")[0].row for n in (998, 999))
        query = np.zeros((1, DIM), dtype=np.float32)
        query[0, :3] = unit(np.array([[0.72, 0.70, 0.9]]))
        by_cosine = [r.row for r in semantic.nearest(reader, query, 400)[0]]
        assert by_cosine.index(hub) < by_cosine.index(right)
        found = {n.row: n for n in semantic.without_hubs(reader, query, 400)[0]}
        assert list(found).index(right) < list(found).index(hub)
        assert found[right].similarity == pytest.approx(query[0, 1], abs=HALF)
        monkeypatch.setattr(hubs, "WEIGHT", 0.0)
        found = [n.row for n in semantic.without_hubs(reader, query, 400)[0]]
        assert found.index(hub) < found.index(right)


def test_the_sentence_itself_stays_first(tmp_path):
    build_index(tmp_path / "i", sentences(0, 600), NumberEncoder())
    with IndexReader(tmp_path / "i") as reader:
        rows = [row for (row,) in reader.connection.execute("SELECT row FROM sentences")]
        vectors = reader.vectors(rows)
        for row, found in zip(rows, semantic.without_hubs(reader, vectors, 5), strict=True):
            assert found[0].row == row
            assert [n.score for n in found] == sorted((n.score for n in found), reverse=True)
            assert all(0 <= n.score <= 1 for n in found)
