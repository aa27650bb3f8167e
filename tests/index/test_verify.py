"""Verification finds every kind of damage, and only damage."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.errors import IndexDamagedError
from searchkbd.index import codes, rows, texts
from searchkbd.index.editing import delete_rows
from searchkbd.index.files import IndexFile
from searchkbd.index.info import index_info
from searchkbd.index.reader import IndexReader
from searchkbd.index.rows import row_sums
from searchkbd.index.segments import Segment
from searchkbd.index.verify import verify_index
from searchkbd.index.writer import Mode, build_index
from tests.index.helpers import VectorEncoder, clustered, execute, sentences


@pytest.fixture
def index(tmp_path, trigrams):
    items = [
        Sentence(f"s{n}", lang, f"слово {n}", f"g{n // 2}", f"o{n % 3}", None, Place("t", n))
        for n in range(30)
        for lang in [["ru", "kbd"][n % 2]]
    ]
    build_index(tmp_path / "i", items, trigrams)
    return tmp_path / "i"


@pytest.fixture
def coded(tmp_path, monkeypatch):
    """An index with codes, and with deleted sentences in its segment."""
    monkeypatch.setattr(codes, "CODES_ROWS", 64)
    encoder = VectorEncoder(clustered(np.random.default_rng(60), 300, 64))
    build_index(tmp_path / "c", sentences(0, 300), encoder)
    delete_rows(tmp_path / "c", ["ru5", "ru9"])
    return tmp_path / "c"


def problems(directory):
    return verify_index(directory).problems


def test_a_sound_index(index, coded):
    result = verify_index(index)
    assert result.ok and not result.problems and not result.orphans
    assert (result.sentences, result.segments, result.files) == (30, 2, 6)
    result = verify_index(coded)
    assert result.ok and not result.problems and not result.orphans
    assert (result.sentences, result.segments, result.files) == (298, 1, 4)


@pytest.mark.parametrize("kind", ["vectors", "rows", "texts", "codes"])
@pytest.mark.parametrize("at", [0, 100, -1])
def test_a_flipped_bit_in_a_file_is_found(coded, kind, at):
    file = next((coded / kind).glob("ru-*"))
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)
    assert any(file.name in each and "checksum" in each for each in problems(coded))


@pytest.mark.parametrize("kind", ["vectors", "rows", "texts", "codes"])
@pytest.mark.parametrize("how", ["gone", "short", "empty"])
def test_a_file_that_is_not_whole_is_found(coded, kind, how):
    file = next((coded / kind).glob("ru-*"))
    data = file.read_bytes()
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(data[:-7] if how == "short" else b"")
    found = problems(coded)
    assert any(file.name in each for each in found)
    if kind != "codes":  # codes can be made again; nothing else tells who is there
        assert any("298 sentences in none" in each for each in found)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DELETE FROM sentences WHERE id = 's4'", "1 without a sentence"),
        ("UPDATE sentences SET lang = 'kbd' WHERE id = 's4'", "1 sentences in none"),
        ("UPDATE sentences SET text = 'другое' WHERE id = 's4'", "search key"),
        ("UPDATE sentences SET text = 'Слово 4' WHERE id = 's4'", "1 sentences are not what"),
        ("UPDATE sentences SET group_row = 999 WHERE id = 's4'", "points nowhere"),
        ("UPDATE sentences SET checksum = 1 WHERE id = 's4'", "1 sentences are not what"),
        ("UPDATE groups SET name = 'x' WHERE row = 2", "1 groups are not what"),
        ("UPDATE groups SET members = 3 WHERE row = 2", "another number of sentences"),
        ("UPDATE origins SET penalty = 3 WHERE row = 1", "1 origins are not what"),
        ("DELETE FROM fts_words_docsize WHERE id = 3", "full-text"),
        ("DELETE FROM fts_trigrams_docsize WHERE id = 3", "full-text"),
    ],
)
def test_rows_that_do_not_fit_are_found(index, sql, said):
    execute(index, sql)
    assert any(said in problem for problem in problems(index)), problems(index)


@pytest.mark.parametrize("name", ["fts_words", "fts_trigrams"])
def test_a_word_that_would_not_be_found_any_more_is_found(index, name):
    """SQLite sees nothing wrong with a posting list of another row."""
    execute(index, f"INSERT INTO {name} ({name}, rowid, key) VALUES ('delete', 3, 'слово 2')")
    execute(index, f"INSERT INTO {name} (rowid, key) VALUES (3, 'слово 7')")
    assert any(name in problem and "posting" in problem for problem in problems(index))


def reopened(directory):
    """The only segment of an index and its files, and how to name another file in their place."""
    with IndexReader(directory) as reader:
        (entry,) = reader.segments
        segment = Segment(directory, entry, reader.dim)
    return segment


def put(directory, file: IndexFile):
    execute(
        directory,
        "UPDATE files SET name = ?, bytes = ?, sha256 = ?, word_sum = ?"
        " WHERE kind = ? AND owner = ?",
        file.name, file.bytes, file.sha256, file.word_sum, file.kind, file.owner, sealed=True,
    )  # fmt: skip


def test_files_that_are_whole_but_of_other_sentences_are_found(coded):
    """As a bug would write them: every checksum of a file holds."""
    segment = reopened(coded)
    known = segment.row_file
    halves = segment.vector_file.halves
    row = segment.entry.row

    def write(row_numbers, sums, hubness):
        file = rows.write_rows(coded, "ru", row, row_numbers, sums, hubness)
        put(coded, file)
        return problems(coded)

    shifted = known.rows + 1
    found = write(shifted, row_sums(halves, shifted, known.hubness), known.hubness)
    assert any("rows and texts are of different sentences" in each for each in found)
    assert any("ru: 298 sentences, 298 in segments" in each for each in found)
    backwards = known.rows[::-1]
    found = write(backwards, row_sums(halves, backwards, known.hubness), known.hubness)
    assert any("rows are out of order" in each for each in found)
    found = write(known.rows, known.sums[::-1], known.hubness)
    assert any("vectors are not those that its rows are of" in each for each in found)
    hubs = known.hubness.copy()
    hubs[7] = 7
    found = write(known.rows, row_sums(halves, known.rows, hubs), hubs)
    assert any("a hubness that no cosine can have" in each for each in found)
    assert write(known.rows, known.sums, known.hubness) == []


def test_texts_of_other_sentences_are_found(coded):
    segment = reopened(coded)
    numbers = segment.row_file.rows + 1
    keys = [f"номер {n}" for n in range(300)]
    put(coded, texts.write_texts(coded, "ru", segment.entry.row, numbers, keys))
    assert any("rows and texts are of different sentences" in each for each in problems(coded))


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE segments SET dead = NULL, live = rows", "300 in segments .* 2 without a sentence"),
        ("UPDATE segments SET dead = zeroblob(38)", "another number of them"),
        ("UPDATE segments SET lang = 'kbd'", "kbd: 0 sentences, 298 in segments"),
        ("UPDATE segments SET lang = 'kbd'", "its segments are not there"),
        ("UPDATE codes SET segments = '[1, 9]'", "its segments are not there"),
        ("UPDATE codes SET segments = '[]'", "not the codes of 0 vectors"),
        ("DELETE FROM anchors", "no anchors"),
        ("UPDATE anchors SET vectors = zeroblob(length(vectors))", "anchors are not what"),
    ],
)
def test_a_catalogue_that_does_not_fit_its_files_is_found(coded, sql, said):
    execute(coded, sql, sealed=True)
    found = problems(coded)
    assert any(re.search(said, problem) for problem in found), found


def test_orphans_are_listed_but_are_no_damage(index):
    (index / "vectors" / "kbd-1-abc.faiss").write_bytes(b"left over")
    (index / "rows" / ".writing-x1").write_bytes(b"half of one")
    (index / "rows" / "notes.txt").write_bytes(b"not ours")
    result = verify_index(index)
    assert result.ok and result.orphans == [".writing-x1", "kbd-1-abc.faiss"]


def test_a_damaged_database_is_found(index):
    path = index / "index.db"
    data = bytearray(path.read_bytes())
    page = 4096
    for start in range(page * 2, len(data), page):
        data[start : start + 64] = b"\xff" * 64
    path.write_bytes(data)
    try:
        assert not verify_index(index).ok
    except IndexDamagedError as error:
        assert "index.db" in str(error)


def test_progress_reaches_the_end(index):
    seen = []
    verify_index(index, lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] > 0
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_info_counts(index):
    with IndexReader(index) as reader:
        info = index_info(reader)
    assert (info.format, info.sentences, info.groups, info.dim) == (4, 30, 15, 64)
    assert info.languages == {"kbd": 15, "ru": 15}
    assert info.origins == {"o0": 10, "o1": 10, "o2": 10}
    assert (info.segments, info.deleted) == (2, 0)
    sizes = {
        kind: sum(f.stat().st_size for f in (index / kind).iterdir())
        for kind in ("vectors", "rows", "texts", "codes")
    }
    assert info.vector_bytes == sizes["vectors"] + sizes["rows"]
    assert (info.text_bytes, info.code_bytes) == (sizes["texts"], 0)
    assert info.database_bytes >= (index / "index.db").stat().st_size
    for search in info.searches:
        assert (search.method, search.recall, search.candidates) == ("exact", 1.0, None)
        assert search.bytes_per_vector == search.stored_bytes_per_vector == 128
        assert search.exact_sentences == search.sentences == 15


def test_info_of_codes(coded):
    with IndexReader(coded) as reader:
        info = index_info(reader)
        ((entry, file),) = reader.codes
    (search,) = info.searches
    assert (info.sentences, info.deleted, info.code_bytes) == (298, 2, file.bytes)
    effort = entry.efforts[codes.Recall.BALANCED]
    assert dataclasses.asdict(search) == {
        "lang": "ru", "sentences": 298, "deleted": 2, "method": "pq",
        # Four bits for four dimensions, and four for hubness, in front of half precision.
        "bytes_per_vector": 9, "stored_bytes_per_vector": 137,
        "recall": effort.recall, "candidates": effort.candidates, "lists": None,
        "exact_sentences": 0,
    }  # fmt: skip
    # What is added has no codes at first, and is always found.
    encoder = VectorEncoder(clustered(np.random.default_rng(61), 360, 64))
    build_index(coded, sentences(300, 340), encoder, mode=Mode.ADD)
    execute(
        coded,
        "UPDATE codes SET settings = replace(settings, ?, ?)",
        f'"recall": {effort.recall}', '"recall": 0.5', sealed=True,
    )  # fmt: skip
    with IndexReader(coded) as reader:
        (search,) = index_info(reader).searches
    assert (search.exact_sentences, search.recall) == (40, round((0.5 * 298 + 40) / 338, 4))
