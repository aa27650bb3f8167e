"""One sentence with all that is known of it."""

from __future__ import annotations

import json

import pytest

from searchkbd.api import open_index
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.index.writer import build_index

ROWS = [
    {"id": "a/1", "lang": "ru", "text": "Снег идёт.", "group": "g", "origin": "мы", "note": "n"},
    {"id": "a/2", "lang": "en", "text": "It is snowing.", "group": "g", "origin": "мы"},
    {"id": "a/3", "lang": "en", "text": "It is raining.", "group": "h", "origin": "they"},
]


@pytest.fixture
def directory(tmp_path, trigrams):
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    build_index(tmp_path / "index", read_corpus(file, ReadOptions()), trigrams)
    return tmp_path / "index"


def test_a_sentence_comes_with_its_group_and_what_its_file_said(directory, trigrams):
    with open_index(directory, trigrams) as index:
        found = index.sentence("a/1")
    shape = found.to_dict()
    assert shape.pop("date")
    assert shape == {
        "id": "a/1", "lang": "ru", "text": "Снег идёт.", "origin": "мы", "group": "g",
        "context": None, "markup": None, "meta": {"note": "n"},
        "translations": [{"id": "a/2", "lang": "en", "text": "It is snowing.", "origin": "мы"}],
    }  # fmt: skip
    assert json.loads(json.dumps(shape)) == shape


def test_a_sentence_without_translations_has_none(directory, trigrams):
    with open_index(directory, trigrams) as index:
        assert index.sentence("a/3").translations == ()


@pytest.mark.parametrize("id_", ["", "a", "a/1 ", "A/1", "' OR 1=1 --", "a/1\0"])
def test_an_id_that_is_not_there_is_none(directory, trigrams, id_):
    with open_index(directory, trigrams) as index:
        assert index.sentence(id_) is None
