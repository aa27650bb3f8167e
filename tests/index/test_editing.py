"""Deleting and changing sentences: nothing else changes, nothing is encoded that need not be."""

from __future__ import annotations

import numpy as np
import pytest

from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.errors import EncoderMismatchError, IndexBusyError, IndexNotFoundError
from searchkbd.index import editing, segments, writer
from searchkbd.index.editing import EditError, delete_rows, edit_sentence
from searchkbd.index.reader import IndexReader
from searchkbd.index.selection import Selection, SelectionError, selected
from searchkbd.index.sketches import same_base
from searchkbd.index.transaction import WriteTransaction
from searchkbd.index.verify import verify_index
from searchkbd.index.writer import build_index
from searchkbd.search import lexical
from searchkbd.text.forms import search_key
from searchkbd.text.segment import base_form

WORDS = ["дом", "река", "вода", "школа", "поезд", "снег", "ветер", "хлеб"]


class Counting:
    """An encoder that counts the texts it is given."""

    def __init__(self, encoder) -> None:
        self._encoder = encoder
        self.name, self.fingerprint, self.dim = encoder.name, encoder.fingerprint, encoder.dim
        self.texts: list[str] = []

    def encode(self, texts, langs=None):
        self.texts += texts
        return self._encoder.encode(texts, langs)


def sentences(count):
    """Groups of two; two origins."""
    for n in range(count):
        text = f"{WORDS[n % 8]} {WORDS[n // 8 % 8]} {WORDS[n // 64 % 8]} стоит"
        for lang, written in (("ru", text), ("en", f"number {n} of the house")):
            yield Sentence(
                f"{lang}{n}", lang, written, f"g{n}", ("a", "b:x")[n % 2], None,
                Place("test", n + 1),
            )  # fmt: skip


@pytest.fixture
def index(tmp_path, trigrams, monkeypatch):
    """400 sentences in several segments."""
    monkeypatch.setattr(segments, "SEGMENT_ROWS", 64)
    monkeypatch.setattr(writer, "ENCODE_BATCH", 50)
    directory = tmp_path / "i"
    build_index(directory, sentences(200), trigrams)
    return directory


def state(directory):
    """Everything of an index, by id."""
    with IndexReader(directory) as reader:
        found = {s.id: s for s in reader.iterate()}
        rows = [s.row for s in found.values()]
        vectors = dict(zip(found, reader.vectors(rows), strict=True)) if rows else {}
        return found, vectors


def file_names(directory):
    return sorted(path.name for path in directory.glob("*/*"))


def sound(directory):
    result = verify_index(directory)
    assert result.problems == [] and result.orphans == []


def test_what_is_deleted_is_gone_everywhere_and_nothing_else(index, trigrams):
    before, vectors = state(index)
    files = file_names(index)
    gone = {"ru3", "ru77", "en77", "ru150"}
    deletion = delete_rows(index, [*gone, "ru3", "no such id"])
    assert (deletion.sentences, deletion.languages) == (4, {"ru": 3, "en": 1})
    assert deletion.groups == 1  # g77
    assert file_names(index) == files  # they are marked, and nothing is written
    after, vectors_after = state(index)
    assert after.keys() == before.keys() - gone
    for name, sentence in after.items():
        assert sentence == before[name]
        np.testing.assert_array_equal(vectors_after[name], vectors[name])
    sound(index)
    with IndexReader(index) as reader:
        base = base_form(before["ru77"].key)
        assert before["ru77"].row not in same_base(reader.text_files, [base]).get(base, [])
        found = lexical.rank(reader, "number 77", 500)
        assert before["en77"].row not in {r.row for r in found}
        assert before["en78"].row in {r.row for r in found}
    # The same sentence can be added again.
    again = [s for s in sentences(200) if s.id in gone]
    assert build_index(index, again, trigrams, mode=writer.Mode.ADD).added == 4
    sound(index)


def test_all_of_an_index_can_be_deleted_and_it_can_be_filled_again(index, trigrams):
    before, _ = state(index)
    delete_rows(index, before)
    assert state(index) == ({}, {})
    sound(index)
    build_index(index, sentences(3), trigrams, mode=writer.Mode.ADD)
    assert len(state(index)[0]) == 6
    sound(index)


def test_nothing_to_delete_changes_nothing(index):
    files, database = file_names(index), (index / "index.db").read_bytes()
    assert delete_rows(index, ["no such id"]).sentences == 0
    assert (file_names(index), (index / "index.db").read_bytes()) == (files, database)


def test_one_sentence_is_encoded_when_one_changes(index, trigrams):
    before, vectors = state(index)
    encoder = Counting(trigrams)
    stored = edit_sentence(index, "ru5", encoder, text=" Дом у реки. ")
    assert encoder.texts == ["Дом у реки."]
    assert (stored.text, stored.key) == ("Дом у реки.", search_key("Дом у реки."))
    after, vectors_after = state(index)
    assert after["ru5"] == stored and stored.row == before["ru5"].row
    expected = trigrams.encode(["Дом у реки."])[0]
    np.testing.assert_allclose(vectors_after["ru5"], expected, atol=1e-3)
    with IndexReader(index) as reader:  # buried where it was, and in a segment of its own
        last = reader.segments[-1]
        assert (last.lang, last.rows, last.live) == ("ru", 1, 1)
        assert sum(entry.rows - entry.live for entry in reader.segments) == 1
    for name in before.keys() - {"ru5"}:
        assert after[name] == before[name]
        np.testing.assert_array_equal(vectors_after[name], vectors[name])
    sound(index)
    with IndexReader(index) as reader:
        assert stored.row in {r.row for r in lexical.rank(reader, "дом у реки", 3)}
        assert same_base(reader.text_files, ["дом у реки"]) == {"дом у реки": [stored.row]}


def test_a_sentence_may_change_again_and_again(index, trigrams):
    row = state(index)[0]["ru5"].row
    for text in ("Дом у реки.", "Дом у леса.", "Дом у воды.", "Дом у реки."):
        assert edit_sentence(index, "ru5", trigrams, text=text).row == row
        found, vectors = state(index)
        assert (len(found), found["ru5"].text) == (400, text)
        np.testing.assert_allclose(vectors["ru5"], trigrams.encode([text])[0], atol=1e-3)
        sound(index)
    delete_rows(index, ["ru5"])
    assert state(index)[0].keys().isdisjoint({"ru5"})
    sound(index)


def test_an_origin_changes_without_encoding(index, trigrams):
    encoder = Counting(trigrams)
    stored = edit_sentence(index, "en8", encoder, origin="mt:new")
    assert (stored.origin, stored.text, encoder.texts) == ("mt:new", "number 8 of the house", [])
    sound(index)


def test_dates_of_tmx_and_tags_follow_an_edit(tmp_path, trigrams):
    meta = {"tmx": {"attributes": {"changedate": "20200101T000000Z"}}}
    unit = Sentence(
        "t", "ru", "Вода тёплая", "g", "o", meta, Place("x.tmx", 1),
        markup="<hi>Вода</hi> тёплая", unit={"tmx": {}}, date="2020-01-01T00:00:00Z",
    )  # fmt: skip
    build_index(tmp_path / "i", [unit], trigrams)
    stored = edit_sentence(tmp_path / "i", "t", trigrams, text="Вода холодная")
    assert stored.markup is None and stored.date > "2026"
    changed = stored.meta["tmx"]["attributes"]["changedate"]
    assert changed == stored.date.replace("-", "").replace(":", "")


@pytest.mark.parametrize("text", ["", "…", "a\0b", "д" * (editing.MAX_CHARS + 1)])
def test_texts_that_cannot_be(index, trigrams, text):
    before = state(index)[0]
    with pytest.raises(EditError):
        edit_sentence(index, "ru5", trigrams, text=text)
    assert state(index)[0] == before


def test_changes_that_cannot_be(index, trigrams, tmp_path):
    with pytest.raises(EditError, match="no sentence has the id 'nobody'"):
        edit_sentence(index, "nobody", trigrams, text="Дом")
    twin = Sentence("twin", "ru", "Дом", "g5", "a", None, Place("test", 1))
    build_index(index, [twin], trigrams, mode=writer.Mode.ADD)
    with pytest.raises(EditError, match="already"):
        edit_sentence(index, "ru5", trigrams, text="дом")
    other = Counting(trigrams)
    other.fingerprint = "other"
    with pytest.raises(EncoderMismatchError):
        edit_sentence(index, "ru5", other, text="Дом")
    with pytest.raises(IndexNotFoundError):
        delete_rows(tmp_path / "nowhere", ["x"])
    assert not (tmp_path / "nowhere").exists()
    with WriteTransaction(index, make=False), pytest.raises(IndexBusyError):
        delete_rows(index, ["ru5"])


def test_an_interrupted_deletion_changes_nothing(index, monkeypatch):
    before, _ = state(index)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(editing, "_delete", interrupted)
    with pytest.raises(KeyboardInterrupt):
        delete_rows(index, ["ru3", "en9"])
    assert state(index)[0] == before
    sound(index)


def test_an_open_reader_keeps_what_it_opened(index):
    with IndexReader(index) as reader:
        _ = reader.partitions, reader.text_files
        row = reader.connection.execute("SELECT row FROM sentences WHERE id = 'ru3'").fetchone()[0]
        delete_rows(index, ["ru3"])
        assert reader.sentences([row])[row].id == "ru3"
        assert reader.vectors([row]).shape == (1, 64)
    with IndexReader(index) as reader:
        assert "ru3" not in {s.id for s in reader.iterate()}


def test_selections(index):
    with IndexReader(index) as reader:

        def ids(**fields):
            return {s.id for s in selected(reader, Selection(**fields))}

        assert ids(ids=["ru1", "en1", "x"]) == {"ru1", "en1"}
        assert ids(groups=["g4"]) == {"ru4", "en4"}
        assert ids(origins=["b:*"], langs=["ru"]) == {f"ru{n}" for n in range(1, 200, 2)}
        assert ids(query="Number 77", langs=["en"]) == {"en77", "en177"}
        assert ids(query="Number 77", groups=["g77"]) == {"en77"}
        assert len(ids()) == 400
        with pytest.raises(SelectionError):
            ids(query="…")
