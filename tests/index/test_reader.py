"""Opening an index, and everything that is not one."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.errors import IndexDamagedError, IndexNotFoundError
from searchkbd.index import codes
from searchkbd.index.reader import IndexReader, key_hash
from searchkbd.index.writer import Mode, build_index
from tests.index.helpers import execute


@pytest.fixture
def index(tmp_path, trigrams):
    return make(tmp_path / "i", trigrams)


@pytest.fixture(scope="module")
def shared_index(tmp_path_factory, trigrams):
    """The same; tests must not write to it."""
    return make(tmp_path_factory.mktemp("reader") / "i", trigrams)


def make(directory, encoder):
    items = [
        Sentence(f"s{n}", lang, f"{word} {n}", f"g{n}", "t", None, Place("t", n))
        for n in range(20)
        for lang, word in [("ru" if n % 2 else "kbd", "слово")]
    ]
    build_index(directory, items, encoder)
    return directory


def test_what_is_no_index_is_named(tmp_path):
    with pytest.raises(IndexNotFoundError, match="no such index.*searchkbd build"):
        IndexReader(tmp_path / "absent")
    (tmp_path / "file").write_text("x")
    with pytest.raises(IndexNotFoundError, match="a file"):
        IndexReader(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(IndexNotFoundError, match="not an index"):
        IndexReader(tmp_path / "empty")
    (tmp_path / "other").mkdir()
    sqlite3.connect(tmp_path / "other" / "index.db").executescript("CREATE TABLE t (x)")
    with pytest.raises(IndexNotFoundError, match="something else"):
        IndexReader(tmp_path / "other")
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk" / "index.db").write_bytes(b"junk" * 1000)
    with pytest.raises(IndexDamagedError, match="not a database"):
        IndexReader(tmp_path / "junk")


def test_a_newer_format_is_refused(index):
    with sqlite3.connect(index / "index.db") as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'format'")
    with pytest.raises(IndexDamagedError, match="format 99"):
        IndexReader(index)


def test_an_older_format_is_refused(index, tmp_path):
    edit = sqlite3.connect(index / "index.db")
    edit.executescript(
        "UPDATE meta SET value = '3' WHERE key = 'format'; DROP TABLE segments; DROP TABLE codes;"
        "DROP TABLE files; CREATE TABLE vector_files (name)"
    )
    edit.close()
    with pytest.raises(IndexDamagedError, match="format 3, .* reads 4; rebuild the index"):
        IndexReader(index)


@pytest.mark.parametrize(
    "read",
    [
        lambda reader: reader.sentences([4, 5]),
        lambda reader: reader.groups([5]),
        lambda reader: reader.groups_of([5]),
        lambda reader: reader.group_rows([4, 5]),
        lambda reader: reader.with_key("слово 4", "kbd"),
        lambda reader: list(reader.iterate("s.row = 5")),
    ],
)
@pytest.mark.parametrize(
    "column", ["text = 'другое'", "lang = lang || char(1)", "meta = '{}'", "date = ''"]
)
def test_what_was_changed_is_an_error_and_no_answer(index, read, column):
    with IndexReader(index) as reader:
        assert read(reader)
    execute(index, f"UPDATE sentences SET {column} WHERE row = 5")
    with (
        IndexReader(index) as reader,
        pytest.raises(IndexDamagedError, match="row 5 of sentences .*checksum"),
    ):
        read(reader)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE groups SET name = 'x' WHERE row = 5", "row 5 of groups"),
        ("UPDATE origins SET penalty = 9", "row 1 of origins"),
        ("UPDATE groups SET members = 2 WHERE row = 5", "group 5 has 2 sentences, not 1"),
        ("DELETE FROM origins", "row 5 of sentences has an origin that is not there"),
        ("DELETE FROM groups WHERE row = 5", "row 5 has no sentence"),
    ],
)
def test_what_belongs_to_a_sentence_is_checked(index, sql, said):
    execute(index, sql)
    with IndexReader(index) as reader, pytest.raises(IndexDamagedError, match=said):
        reader.groups_of([5])


def test_codes_of_segments_that_are_not_there_are_damage(index, monkeypatch, trigrams):
    monkeypatch.setattr(codes, "CODES_ROWS", 16)
    monkeypatch.setattr(codes, "IVF_ROWS", 10**6)
    items = [
        Sentence(f"n{n}", "en", f"number {n}", f"n{n}", "t", None, Place("t", n))
        for n in range(40)
    ]
    build_index(index, items, trigrams, mode=Mode.ADD)
    with IndexReader(index) as reader:
        assert [p.lang for p in reader.partitions if p.codes is not None] == ["en"]
    for segments in ("[77]", "[1]"):  # none, and one of another language
        execute(index, "UPDATE codes SET segments = ?", segments, sealed=True)
        with IndexReader(index) as reader, pytest.raises(IndexDamagedError, match="codes 1 are of"):
            _ = reader.partitions
    execute(index, "UPDATE codes SET settings = ''", sealed=True)
    with pytest.raises(IndexDamagedError, match="index.db: codes 1: "):
        IndexReader(index)


def test_what_was_mapped_may_go_from_the_disk(index):
    """As a later compaction takes it away."""
    with IndexReader(index) as reader:
        before = reader.vectors(range(1, 21))
    with IndexReader(index) as reader:
        _ = reader.partitions, reader.text_files
        for path in index.glob("*/*"):
            path.unlink()
        assert np.array_equal(reader.vectors(range(1, 21)), before)
        rows = np.concatenate([file.rows for file in reader.text_files])
        assert sorted(rows.tolist()) == list(range(1, 21))


def test_a_short_or_missing_vector_file_is_damage(index):
    file = next((index / "vectors").glob("kbd-*.faiss"))
    data = file.read_bytes()
    file.write_bytes(data[:-5])
    with IndexReader(index) as reader, pytest.raises(IndexDamagedError, match=file.name):
        _ = reader.partitions
    file.unlink()
    with IndexReader(index) as reader, pytest.raises(IndexDamagedError, match=file.name):
        _ = reader.partitions
    file.write_bytes(b"\0" * len(data))
    with IndexReader(index) as reader, pytest.raises(IndexDamagedError, match="checksum"):
        _ = reader.partitions


def test_vectors_of_unknown_rows_are_an_error(index):
    with IndexReader(index) as reader:
        with pytest.raises(IndexDamagedError, match="row 999"):
            reader.vectors([1, 999])
        assert reader.vectors([]).shape == (0, reader.dim)


def test_rows_come_back_whatever_their_number_and_order(index):
    with IndexReader(index) as reader:
        rows = list(range(20, 0, -1)) * 60
        assert set(reader.sentences(rows)) == set(range(1, 21))
        vectors = reader.vectors(rows)
        assert np.array_equal(vectors[:20], vectors[20:40])


@given(wanted=st.lists(st.integers(0, 25), max_size=40))
def test_languages_are_told_by_the_segments_as_by_the_database(shared_index, wanted):
    with IndexReader(shared_index) as reader:
        known = {s.row: s.lang for s in reader.sentences(range(1, 21)).values()}
        for langs in (["ru"], ["kbd"], ["ru", "kbd"], ["fr"], []):
            found = reader.of_languages(np.array(wanted, dtype=np.int64), langs)
            assert found.tolist() == [known.get(row) in langs for row in wanted]


@given(st.text(max_size=20))
def test_key_hash_is_a_signed_64_bit_number(key):
    assert -(2**63) <= key_hash(key) < 2**63


def test_key_hash_is_the_same_in_every_process():
    code = "from searchkbd.index.reader import key_hash; print(key_hash('щӏалэ'))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )  # fmt: skip
    assert int(result.stdout) == key_hash("щӏалэ")


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_a_read_only_index_is_read(index):
    """Also by a user who may not write: SQLite then cannot make its shared-memory file."""
    probe = (
        "import sys; from searchkbd.index.reader import IndexReader\n"
        "with IndexReader(sys.argv[1]) as r: print(sum(map(len, r.partitions[0].segments)))"
    )
    for path in [*index.rglob("*"), index]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    command = [sys.executable, "-c", probe, str(index)]
    if os.geteuid() == 0:
        # Root may write anywhere; drop that right for the probe.
        if not shutil.which("setpriv"):
            pytest.skip("running as root, and no setpriv to stop being it")
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *command]
    result = subprocess.run(command, capture_output=True, text=True)
    for path in [index, *index.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert (result.returncode, result.stdout) == (0, "10\n"), result.stderr


def test_a_key_is_looked_for_in_groups_that_have_another_language(tmp_path, trigrams):
    file = tmp_path / "rows.tsv"
    file.write_text(
        "id\tlang\ttext\tgroup\n1\tru\tДа.\ta\n2\ttr\tEvet.\ta\n3\tru\tДа.\tb\n4\ten\tYes.\tb\n",
        encoding="utf-8",
    )
    build_index(tmp_path / "index", read_corpus(file, ReadOptions()), trigrams)
    with IndexReader(tmp_path / "index") as reader:
        assert [s.id for s in reader.with_key("да.", "ru")] == ["1", "3"]
        assert [s.id for s in reader.with_key("да.", "ru", beside="en")] == ["3"]
        assert reader.with_key("да.", "ru", beside="fr") == []
        assert reader.with_key("да.", "en", beside="ru") == []
