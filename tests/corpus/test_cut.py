"""Leaving out rows by their similarity, in tables and JSON Lines."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from searchkbd.corpus.events import LeftOut
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError, Reject, Sentence

ROWS = [("Вода", 0.9), ("Дом", 0.4), ("Хлеб", 0.75), ("Снег", 0.75)]
TABLE = "lang\ttext\tsimilarity\n" + "".join(f"ru\t{text}\t{value}\n" for text, value in ROWS)


def cut(path, **options):
    events: list[LeftOut] = []
    items = list(read_corpus(path, ReadOptions(**options, on_event=events.append)))
    return items, events


@pytest.mark.parametrize(
    ("options", "kept", "below"),
    [
        ({"min_similarity": 0.75}, ["Вода", "Хлеб", "Снег"], 0.75),
        ({"percentile": 75}, ["Вода"], 0.7875),
        ({"percentile": 50}, ["Вода", "Хлеб", "Снег"], 0.75),
        ({"percentile": 0}, ["Вода", "Дом", "Хлеб", "Снег"], 0.4),
        ({"percentile": 50, "min_similarity": 0.8}, ["Вода"], 0.8),
    ],
)
@pytest.mark.parametrize("kind", ["tsv", "jsonl"])
def test_rows_below_are_left_out_and_counted(tmp_path, options, kept, below, kind):
    path = tmp_path / f"in.{kind}"
    objects = [{"lang": "ru", "text": text, "Similarity_Score": value} for text, value in ROWS]
    lines = "".join(json.dumps(one) + "\n" for one in objects)
    path.write_text(TABLE if kind == "tsv" else lines, "utf-8")
    items, (event,) = cut(path, **options)
    assert [item.text for item in items] == kept
    assert (event.file, event.rows) == (str(path), len(ROWS) - len(kept))
    assert event.below == pytest.approx(below)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30), st.floats(0, 100))
def test_what_is_kept_is_at_or_above_the_percentile(tmp_path, values, percentile):
    path = tmp_path / "in.tsv"
    rows = "".join(f"ru\tДом {n}\t{value!r}\n" for n, value in enumerate(values))
    path.write_text("lang\ttext\tsimilarity\n" + rows, "utf-8")
    items, (event,) = cut(path, percentile=percentile)
    threshold = np.percentile(values, percentile)
    assert len(items) == sum(value >= threshold for value in values)
    assert len(items) + event.rows == len(values)


def test_a_row_without_a_similarity_is_rejected(tmp_path):
    path = tmp_path / "in.tsv"
    path.write_text(TABLE + "ru\tЛес\t\nru\tГора\tnan\nru\tМост\n\t\t\n", "utf-8")
    for options in ({"min_similarity": 0.5}, {"percentile": 1}):
        items, _ = cut(path, **options)
        rejects = [(item.reason, item.place.line) for item in items if isinstance(item, Reject)]
        assert rejects == [
            ("no similarity", 6), ("no similarity", 7), ("wrong column count: 2 instead of 3", 8),
        ]  # fmt: skip


def test_an_object_without_the_key_is_rejected_but_the_first_one_tells_of_all(tmp_path):
    path = tmp_path / "in.jsonl"
    one, other = {"lang": "ru", "text": "Дом", "similarity": 1}, {"lang": "ru", "text": "Лес"}
    path.write_text(json.dumps(one) + "\n" + json.dumps(other) + "\n")
    items, _ = cut(path, min_similarity=0)
    assert [type(item) for item in items] == [Sentence, Reject]
    path.write_text(json.dumps(other) + "\n" + json.dumps(one) + "\n")
    with pytest.raises(CorpusError, match="has no column similarity or similarity_score"):
        cut(path, min_similarity=0)


@pytest.mark.parametrize(
    ("name", "content"),
    [("in.tsv", "lang\ttext\nru\tДом\n"), ("in.txt", "Дом\n"), ("in.po", 'msgid "a"\n')],
)
def test_a_file_without_similarities_cannot_be_cut(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content, "utf-8")
    for options in ({"min_similarity": 0.5}, {"percentile": 50}):
        with pytest.raises(CorpusError, match=f"{name} has no column similarity"):
            cut(path, lang="ru", **options)


def test_a_percentile_needs_a_file_that_can_be_read_twice(monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=None))
    with pytest.raises(CorpusError, match="standard input is read once"):
        cut("-", percentile=50)
    with pytest.raises(CorpusError, match="from 0 to 100"):
        cut("-", percentile=101)
