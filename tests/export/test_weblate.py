"""Weblate's memory: the keys and types of its schema, and what comes back."""

from __future__ import annotations

import json

import pytest

from searchkbd.export.options import ExportError

# As in the schema that Weblate checks an import by.
REQUIRED = {
    "source_language": str, "target_language": str, "source": str, "target": str, "origin": str,
    "category": int,
}  # fmt: skip
OPTIONAL = {"context": str, "status": int}


def check(entries) -> None:
    assert isinstance(entries, list) and entries
    for entry in entries:
        assert REQUIRED.keys() <= entry.keys() <= REQUIRED.keys() | OPTIONAL.keys()
        for key, value in entry.items():
            assert type(value) is (REQUIRED | OPTIONAL)[key], key


def test_entries_are_as_the_schema_says(workshop, table_index):
    out, summary = workshop.export(table_index, "out.json", source="ru", target="kbd")
    entries = json.loads(out.read_bytes())
    check(entries)
    assert (summary.units, summary.sentences) == (2, 4)
    assert entries == [
        {"source_language": "ru", "target_language": "kbd", "source": "Вода холодная.",
         "target": "Псыр щIыIэщ.", "origin": "home:kitchen", "category": 1},
        {"source_language": "ru", "target_language": "kbd", "source": "Хлеб тёплый.",
         "target": "Щакхъуэр хуабэщ.", "origin": "mt:model", "category": 1},
    ]  # fmt: skip


def test_a_memory_comes_back_as_it_was(workshop):
    entries = [
        {"source_language": "en", "target_language": "ru", "source": "Open", "target": "Открыть",
         "origin": "ui", "category": 10_000_007, "status": 1, "context": "button"},
        {"source_language": "en", "target_language": "ru", "source": "Closed\n\"now\"",
         "target": "Закрыто", "origin": "ui", "category": 2},
    ]  # fmt: skip
    index = workshop.build(workshop.write("in.json", json.dumps(entries)), format="weblate")
    out, _ = workshop.export(index, "out.json", source="en", target="ru")
    written = json.loads(out.read_bytes())
    check(written)
    assert [dict(sorted(entry.items())) for entry in written] == [
        dict(sorted(entry.items())) for entry in entries
    ]
    second, _ = workshop.export(
        workshop.build(out, format="weblate"), "out.json", source="en", target="ru"
    )
    assert second.read_bytes() == out.read_bytes()


def test_what_other_files_call_weblate_is_not_taken_for_it(workshop):
    table = "id\tlang\ttext\tgroup\tweblate\n1\ten\tOne.\tg\tx\n2\tru\tОдин.\tg\ty\n"
    index = workshop.build(workshop.write("t.tsv", table))
    check(json.loads(workshop.export(index, "o.json", source="en", target="ru")[0].read_bytes()))


def test_a_pair_of_languages_is_needed(workshop, table_index):
    with pytest.raises(ExportError, match="--from LANG --to LANG"):
        workshop.export(table_index, "out.json", source="ru")
