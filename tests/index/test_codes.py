"""Codes: what they are made of, how near they come, and settings that make no sense."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchkbd.errors import IndexDamagedError
from searchkbd.index import codes, hubs
from searchkbd.index.codes import (
    TARGETS,
    Codes,
    CodesEntry,
    Effort,
    Recall,
    code_bytes,
    make_codes,
    read_entry,
    width,
)
from searchkbd.index.files import write_file
from tests.index.helpers import clustered, codes_of, empty_directory, segment

DIM = 32
SIZES = (300, 41, 500)
EFFORTS = {Recall.FAST: Effort(50, 0, 0.95), Recall.BALANCED: Effort(200, 8, 0.99)}


def make_segments(directory, vectors, sizes=SIZES):
    empty_directory(directory)
    bounds = np.cumsum([0, *sizes]).tolist()
    return [
        segment(directory, number, vectors[first:last], np.arange(first, last))
        for number, (first, last) in enumerate(zip(bounds, bounds[1:], strict=False), start=1)
    ]


@pytest.fixture(scope="module")
def vectors():
    return clustered(np.random.default_rng(4), sum(SIZES), DIM)


@pytest.fixture(scope="module", params=["pq", "ivfpq"])
def opened(request, tmp_path_factory, vectors):
    """Codes of three segments, without and with inverted lists."""
    directory = tmp_path_factory.mktemp("codes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codes, "IVF_ROWS", 400 if request.param == "ivfpq" else 10**6)
        made = codes_of(directory, make_segments(directory, vectors), DIM)
    assert made.entry.kind == request.param
    return made


def test_positions_are_segments_one_after_the_other(opened, vectors):
    """A vector is among the first of its own code, as a rule; its position is its number."""
    assert len(opened) == sum(SIZES)
    assert (opened.lists > 1) == (opened.entry.kind == "ivfpq")
    _, positions = opened.search(vectors, 50, opened.lists)
    assert (positions == np.arange(len(vectors))[:, None]).any(axis=1).mean() > 0.99


def test_scores_are_nearly_inner_products(opened, vectors):
    queries = clustered(np.random.default_rng(5), 20, DIM)
    scores, positions = opened.search(queries, len(opened), opened.lists)
    true = np.take_along_axis(queries @ vectors.T, positions, axis=1)
    assert np.abs(scores - true).mean() < 0.1
    assert all(np.corrcoef(a, b)[0, 1] > 0.6 for a, b in zip(scores, true, strict=True))
    assert (np.diff(scores, axis=1) <= 0).all()


def test_every_vector_is_found_when_all_are_asked_for(opened, vectors):
    _, positions = opened.search(vectors[:3], 10**6, 10**6)
    for found in positions:
        assert np.array_equal(np.sort(found), np.arange(len(opened)))


def test_fewer_lists_read_fewer_codes(opened, vectors):
    counts = [
        int((opened.search(vectors[:1], len(opened), lists)[1] >= 0).sum())
        for lists in (0, 1, opened.lists // 2, opened.lists, 1000)
    ]
    if opened.lists:
        assert counts[0] == counts[1] < counts[2] < counts[3] == counts[4] == len(opened)
    else:
        assert counts == [len(opened)] * 5


def test_the_same_segments_give_the_same_codes(tmp_path, vectors):
    segments = make_segments(tmp_path, vectors)
    (kind, one), (_, other) = (make_codes(segments, DIM) for _ in range(2))
    assert (kind, bytes(one)) == ("pq", bytes(other))


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**32 - 1),
    parts=st.sampled_from([1, 2, 4, 8]),
    rank=st.integers(1, 16),
    scale=st.sampled_from([1.0, 1e-3]),
)
def test_a_rotation_keeps_inner_products(seed, parts, rank, scale):
    """Also one that was learned of fewer directions than there are dimensions."""
    rng = np.random.default_rng(seed)
    sample = scale * rng.normal(size=(60, rank)) @ rng.normal(size=(rank, 16))
    rotation = codes._rotation(sample.astype(np.float32), parts)
    assert rotation.dtype == np.float32
    assert np.allclose(rotation @ rotation.T, np.eye(16), atol=1e-5)


def test_a_rotation_spreads_the_variance():
    """Eight parts of four dimensions, and the product of the variances is much the same in each."""
    rng = np.random.default_rng(6)
    sample = (rng.normal(size=(3000, 32)) * 0.8 ** np.arange(32)).astype(np.float32)

    def unevenness(vectors):
        logs = np.log(vectors.var(axis=0)).reshape(8, 4).sum(axis=1)
        return logs.max() - logs.min()

    assert unevenness(sample @ codes._rotation(sample, 8).T) < 0.2 * unevenness(sample)


def test_widths():
    dims = (512, 768, 64, 300, 12, 8, 7, 2, 1)
    assert [width(dim, codes.FINE_ROWS + 1) for dim in dims] == [
        8, 8, 8, 6, 6, 4, None, None, None,
    ]  # fmt: skip
    assert [width(dim, codes.FINE_ROWS) for dim in dims] == [
        4, 4, 4, 4, 4, 4, None, None, None,
    ]  # fmt: skip
    many = codes.FINE_ROWS + 1
    assert [code_bytes(dim, many) for dim in (512, 768, 300, 12)] == [33, 49, 26, 2]
    assert [code_bytes(dim, 1000) for dim in (512, 768, 300, 12)] == [65, 97, 38, 2]


@pytest.mark.parametrize("fine", [0, 10**6])
def test_a_code_has_as_many_bytes_as_is_said(tmp_path, monkeypatch, fine):
    monkeypatch.setattr(codes, "FINE_ROWS", fine)
    sizes = []
    for rows in (192, 384):  # blocks of 32 vectors
        vectors = clustered(np.random.default_rng(24), rows, 96)
        made = make_segments(tmp_path / str(rows), vectors, (rows,))
        sizes.append(len(make_codes(made, 96)[1]))
    # The difference, since a file has other things too, which are the same in both.
    assert sizes[1] - sizes[0] == 192 * code_bytes(96, 192)


def test_progress_is_told_of_every_vector(tmp_path, monkeypatch, vectors):
    monkeypatch.setattr(codes, "_CHUNK", 100)
    seen = []
    make_codes(make_segments(tmp_path, vectors), DIM, seen.append)
    assert seen == [100, 100, 100, 41, 100, 100, 100, 100, 100]


def test_what_is_learned_from_is_drawn_evenly(tmp_path, vectors):
    drawn = codes._drawn(make_segments(tmp_path, vectors), sum(SIZES), 100)
    expected = vectors[np.arange(100) * sum(SIZES) // 100]
    assert np.allclose(drawn[:, :DIM], expected, atol=1e-3)


def test_hubs_are_found_later(tmp_path, vectors):
    """By as much as a search takes off, as well as four bits can say."""
    empty_directory(tmp_path)
    hubness = np.where(np.arange(len(vectors)) % 2, 0.8, 0.0)
    one = segment(tmp_path, 1, vectors, np.arange(len(vectors)), hubness=hubness)
    made = codes_of(tmp_path, [one], DIM)
    queries = vectors[:50]
    plain, positions = made.search(queries, len(made), 0)
    every = np.take_along_axis(plain, np.argsort(positions, axis=1), axis=1)
    less, positions = made.search(queries, len(made), 0, less_hubs=True)
    less = np.take_along_axis(less, np.argsort(positions, axis=1), axis=1)
    assert np.allclose(every - less, hubs.WEIGHT * hubness, atol=0.03)
    negative = segment(tmp_path, 2, vectors, np.arange(len(vectors)), hubness=-hubness)
    assert (codes._with_hubness(negative, np.arange(9))[:, -1] == 0).all()  # nothing is added


@pytest.mark.parametrize("dim", [12, 20, 36])
def test_dimensions_that_eight_does_not_divide(tmp_path, dim):
    vectors = clustered(np.random.default_rng(7), 200, dim)
    made = codes_of(tmp_path, make_segments(tmp_path, vectors, (200,)), dim)
    _, positions = made.search(vectors, 40, 0)
    assert (positions == np.arange(200)[:, None]).any(axis=1).mean() > 0.9


def test_settings_are_stored_and_read():
    entry = read_entry(3, "kbd", "pq", "[4, 9]", codes.settings(EFFORTS))
    assert entry == CodesEntry(3, "kbd", "pq", (4, 9), EFFORTS)


GOOD = {"candidates": 50, "lists": 0, "recall": 0.9}


@pytest.mark.parametrize(
    ("segments", "efforts"),
    [
        ("", "{}"),
        ("{", "{}"),
        ("3", "{}"),
        ('["x"]', "{}"),
        ("[1]", ""),
        ("[1]", "[]"),
        ("[1]", "{}"),
        ("[1]", json.dumps({"balanced": GOOD})),
        ("[1]", json.dumps({"fast": GOOD, "balanced": GOOD, "slow": GOOD})),
        ("[1]", json.dumps({"fast": GOOD, "balanced": 3})),
        ("[1]", json.dumps({"fast": GOOD, "balanced": {**GOOD, "candidates": 0}})),
        ("[1]", json.dumps({"fast": GOOD, "balanced": {**GOOD, "candidates": float("inf")}})),
        ("[1]", json.dumps({"fast": GOOD, "balanced": {"candidates": 50, "lists": 0}})),
        ("[1]", json.dumps({"fast": GOOD, "balanced": {**GOOD, "recall": None}})),
    ],
)
def test_settings_that_make_no_sense(segments, efforts):
    with pytest.raises(ValueError, match="codes 3: "):
        read_entry(3, "kbd", "pq", segments, efforts)


@given(st.text(max_size=30), st.text(max_size=60))
def test_any_settings_are_settings_or_an_error(segments, efforts):
    try:
        entry = read_entry(1, "ru", "pq", segments, efforts)
    except ValueError:
        return
    assert set(TARGETS) <= set(entry.efforts)


def test_damage_is_found_before_faiss_reads_it(tmp_path, vectors):
    made = make_segments(tmp_path, vectors)
    kind, data = make_codes(made, DIM)
    file = write_file(tmp_path, "codes", "ru", 1, data)
    entry = CodesEntry(1, "ru", kind, (1, 2, 3), EFFORTS)
    total = sum(SIZES)
    assert len(Codes(tmp_path, file, entry, total, DIM)) == total
    for wrong in ((total + 1, DIM), (total, DIM - 1)):
        with pytest.raises(IndexDamagedError, match=f"{file.name}.*not the codes of"):
            Codes(tmp_path, file, entry, *wrong)
    path = file.path(tmp_path)
    whole = path.read_bytes()
    for at in (0, 4, 20, len(whole) // 2, len(whole) - 1):
        damaged = bytearray(whole)
        damaged[at] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(IndexDamagedError, match=f"{file.name}.*checksum"):
            Codes(tmp_path, file, entry, total, DIM)
    path.write_bytes(whole[:-1])
    with pytest.raises(IndexDamagedError, match=f"{len(whole) - 1} bytes on disk"):
        Codes(tmp_path, file, entry, total, DIM)
    path.unlink()
    with pytest.raises(IndexDamagedError, match=file.name):
        Codes(tmp_path, file, entry, total, DIM)


def test_a_whole_file_that_is_no_index_is_damage(tmp_path):
    empty_directory(tmp_path)
    file = write_file(tmp_path, "codes", "ru", 1, b"not an index of FAISS")
    with pytest.raises(IndexDamagedError, match="not a readable FAISS file"):
        Codes(tmp_path, file, CodesEntry(1, "ru", "pq", (), EFFORTS), 10, DIM)
