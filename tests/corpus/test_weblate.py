"""The translation memory of Weblate."""

from __future__ import annotations

import gzip
import json
import sys
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError, Reject, Sentence
from searchkbd.text.forms import stored_form


def unit(source: str, target: str, **more: object) -> dict[str, object]:
    return {
        "source_language": "ru", "target_language": "kbd", "source": source, "target": target,
        "origin": "app/ui", "category": 1, **more,
    }  # fmt: skip


UNITS = [unit("Дом", "Унэ", context="menu", status=1), unit("Вода", "Псы"), unit("Снег", "Уэс")]


def texts(items) -> list[str]:
    return [item.text for item in items]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", ["memory.json", "memory.json.gz"])
def test_units_are_pairs_with_all_that_is_said_of_them(read, indent, name):
    data = json.dumps(UNITS, ensure_ascii=False, indent=indent).encode()
    sentences, rejects = read(gzip.compress(data) if name.endswith("gz") else data, name=name)
    assert not rejects and texts(sentences) == ["Дом", "Унэ", "Вода", "Псы", "Снег", "Уэс"]
    assert len({s.group for s in sentences}) == 3  # though all may stand on one line
    source, target = sentences[:2]
    assert (source.lang, target.lang, source.group) == ("ru", "kbd", target.group)
    assert source.origin == "app/ui" and source.context == "menu"
    assert source.unit == target.unit == {"weblate": {"category": 1, "status": 1}}
    assert sentences[2].context is None


def test_places_are_lines(read):
    content = json.dumps(UNITS, indent=2)
    sentences, _ = read(content, name="memory.json")
    lines = content.split("\n")
    assert [lines[s.source.line - 1] for s in sentences] == ["  {"] * 6
    assert len({s.source.line for s in sentences}) == 3


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ('{"source": "Лес" "target": "x"}', "bad JSON: Expecting ',' delimiter"),
        ('{"source": "Лес', "bad JSON: Invalid control character"),
        ('{"source": }', "bad JSON: Expecting value"),
        ("[" * 100_000 + "{}", "bad JSON: nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "bad JSON: a number has too many digits"),
        ("7", "wrong type: an object is expected"),
        ('{"source": "Лес"}', "missing key: 'source_language'"),
        (json.dumps(unit("Лес", 7)), "wrong type: 'target' is not a string"),
        (json.dumps(unit("Лес", "x", origin=[])), "wrong type: 'origin' is not a string"),
        (json.dumps(unit("Лес", "x", target_language=" ")), "no language: 'target_language'"),
        ('{"a": "' + "x" * 2000 + '"', "too long: more than 1000 characters"),
    ],
)
@pytest.mark.parametrize("last", [False, True])
def test_a_bad_object_is_rejected_and_the_others_are_read(read, bad, said, last):
    good = [json.dumps(one, ensure_ascii=False) for one in UNITS]
    parts = [good[0], bad] if last else [good[0], bad, good[1], good[2]]
    content = "[\n" + ",\n".join(parts) + "\n]\n"
    limit = 1000 if said.startswith("too long") else 10**6
    sentences, rejects = read(content, name="m.json", format="weblate", max_line_chars=limit)
    expected = ["Дом", "Унэ"] if last else ["Дом", "Унэ", "Вода", "Псы", "Снег", "Уэс"]
    assert texts(sentences) == expected
    assert said in rejects[0].reason and rejects[0].place.line == 3
    assert len(rejects) == 1


def test_one_text_that_is_none_leaves_its_other_half(read):
    content = json.dumps([unit("Дом", "…"), unit("Вода\0", "Псы"), unit("\ud800", "Уэс")])
    sentences, rejects = read(content, name="m.json")
    assert texts(sentences) == ["Дом", "Псы", "Уэс"]
    assert [reject.kind for reject in rejects] == ["no text", "control character"] + [
        "control character"
    ]


@pytest.mark.parametrize(
    ("cut", "said"), [(60, "ends too early"), (-1, "ends too early"), (-3, "bad JSON")]
)
def test_a_file_that_ends_too_early(read, cut, said):
    content = json.dumps(UNITS[:2], ensure_ascii=False)[:cut]
    sentences, rejects = read(content, name="m.json", format="weblate")
    assert said in " ".join(reject.reason for reject in rejects)
    assert texts(sentences)[:2] == (["Дом", "Унэ"] if cut < 0 else [])


def test_damaged_compression_gives_the_beginning_and_says_so(read):
    data = gzip.compress(json.dumps(UNITS * 3000, ensure_ascii=False).encode(), 0)
    sentences, rejects = read(data[: len(data) // 2], name="m.json.gz")
    assert len(sentences) > 5000
    assert rejects[-1].kind == "unreadable from here on" and "early" in rejects[-1].reason


def test_what_follows_the_array_is_told(read):
    sentences, (reject,) = read(json.dumps(UNITS) + json.dumps(UNITS), name="m.json")
    assert len(sentences) == 6 and "the array has ended" in reject.reason


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_encodings_with_a_mark(read, encoding):
    content = json.dumps(UNITS, ensure_ascii=False).encode(encoding)
    assert texts(read(content, name="m.json")[0])[:2] == ["Дом", "Унэ"]


def test_what_is_no_memory(read):
    with pytest.raises(CorpusError, match="is a JSON array; write one object a line"):
        read('[{"kbd": "Унэ", "ru": "Дом"}]', name="m.json")
    with pytest.raises(CorpusError, match="not a JSON array of translation units"):
        read('{"kbd": "Унэ", "ru": "Дом"}', name="m.json", format="weblate")
    sentences, _ = read('{"kbd": "Унэ", "ru": "Дом"}\n', name="m.json")
    assert texts(sentences) == ["Унэ", "Дом"]
    assert read("[]", name="m.json", format="weblate") == ([], [])


def test_standard_input(monkeypatch):
    import io

    data = json.dumps(UNITS).encode()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    assert len(list(read_corpus("-", ReadOptions(format="weblate")))) == 6


def test_a_large_file_takes_little_memory(tmp_path):
    import tracemalloc

    path = tmp_path / "m.json"
    with open(path, "w") as file:
        file.write("[" + ",".join([json.dumps(unit("Дом " * 2000, "Унэ"))] * 200) + "]")
    assert path.stat().st_size > 5_000_000
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_corpus(path, ReadOptions(repair=False)))
        assert tracemalloc.get_traced_memory()[1] < 3_500_000
    finally:
        tracemalloc.stop()
    assert count == 400


TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=30).map("щӏ{{}},{}".format)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXT, TEXT), max_size=8), st.booleans(), st.sampled_from([None, 1]))
def test_what_is_written_comes_back(tmp_path, rows, ascii_only, indent):
    path = tmp_path / "m.json"
    units = [unit(*row) for row in rows]
    path.write_text(json.dumps(units, ensure_ascii=ascii_only, indent=indent), "utf-8")
    items = list(read_corpus(path, ReadOptions(repair=False, format="weblate")))
    assert texts(items) == [stored_form(text) for row in rows for text in row]


PIECES = ["{", "}", "[", "]", ",", ":", '"', "\\", "\n", '"source"', '"a": "b"', "null", "1e9",
          json.dumps(UNITS[0])]  # fmt: skip


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_any_text_gives_sentences_and_rejects(tmp_path, content):
    path = tmp_path / "m.json"
    path.write_text("[" + content, "utf-8")
    items = list(read_corpus(path, ReadOptions(format="weblate")))
    assert all(isinstance(item, Sentence | Reject) for item in items)
