"""Formats told by names, and exports that are refused."""

from __future__ import annotations

import pytest

from searchkbd.export.options import ExportError
from searchkbd.export.run import format_by_name


@pytest.mark.parametrize(
    ("name", "format_"),
    [
        ("a.tmx", "tmx"), ("A.TMX", "tmx"), ("a.xlf", "xliff"), ("a.xliff.gz", "xliff"),
        ("a.json", "weblate"), ("a.tsv", "tsv"), ("a.b.csv.zst", "csv"), ("a.jsonl.xz", "jsonl"),
        ("new/", "tatoeba"),
    ],
)  # fmt: skip
def test_the_format_is_told_by_the_name(name, format_):
    assert format_by_name(name) == format_


def test_a_directory_is_for_tatoeba(tmp_path):
    assert format_by_name(str(tmp_path)) == "tatoeba"


@pytest.mark.parametrize("name", ["-", "a", "a.txt", "a.gz", "tmx"])
def test_a_name_that_tells_nothing(name):
    with pytest.raises(ExportError, match="--format tmx, xliff"):
        format_by_name(name)


def test_nothing_to_export_is_said_and_writes_nothing(workshop, table_index):
    for filters, said in (
        ({"query": "верблюд"}, "no unit"),
        ({"source": "fr"}, "no sentences in fr (it has: ru, "),
    ):
        with pytest.raises(ExportError, match="nothing was written") as error:
            workshop.export(table_index, "out.tmx", **filters)
        assert said in str(error.value)
    assert not list(workshop.folder.rglob("out.tmx"))


def test_what_does_not_fit_together(workshop, table_index):
    pair = {"source": "ru", "target": "en", "pairs": True}
    for name, options, said in (
        ("out.tmx", pair, "--pairs is for tables"),
        ("out.tsv", {"pairs": True}, "--from LANG --to LANG"),
    ):
        with pytest.raises(ExportError, match=said):
            workshop.export(table_index, name, **options)
