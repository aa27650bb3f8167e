"""JSON Lines."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
ROWISH = st.dictionaries(st.sampled_from(["text", "lang", "id", "kbd", "ru", "translation"]), JSON)
SAME_FOLDER = settings(
    max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def dumps(*rows: object) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def test_long_rows_and_pairs_and_translations_in_one_file(read):
    sentences, rejects = read(
        dumps(
            {"id": 7, "lang": "kbd", "text": "Щӏалэр\nжейщ", "group": 1, "page": 12, "x": None},
            {"lang_a": "ru", "lang_b": "en", "text_a": "Да", "text_b": "Yes", "source": "s"},
            {"kbd": "Хьэуэ", "ru": "Нет", "tr": "Hayır", "en": ""},
            {"id": "t", "translation": {"fr": "Oui", "en": "Yes"}},
        ),
        name="in.jsonl",
    )
    assert rejects == []
    groups = list(dict.fromkeys(s.group for s in sentences))
    assert groups[0] == "1"
    assert [(s.id, s.lang, s.text, groups.index(s.group)) for s in sentences] == [
        ("7", "kbd", "Щӏалэр\nжейщ", 0),
        ("in.jsonl:2:ru", "ru", "Да", 1),
        ("in.jsonl:2:en", "en", "Yes", 1),
        ("in.jsonl:3:kbd", "kbd", "Хьэуэ", 2),
        ("in.jsonl:3:ru", "ru", "Нет", 2),
        ("in.jsonl:3:tr", "tr", "Hayır", 2),
        ("t:fr", "fr", "Oui", 3),
        ("t:en", "en", "Yes", 3),
    ]
    assert (sentences[0].meta, sentences[1].origin) == ({"page": "12"}, "s")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": ', "bad JSON: Expecting value at character 10"),
        ("[1]", "wrong type: an object is expected, not an array"),
        ('"да"', "wrong type: an object is expected, not a string"),
        ("null", "wrong type: an object is expected, not null"),
        ('{"text": 5, "lang": "ru"}', "wrong type: 'text' is a number, not a string"),
        ('{"text": {}, "lang": "ru"}', "wrong type: 'text' is an object, not a string"),
        ('{"text": "да", "lang": true}', "wrong type: 'lang' is a truth value, not a string"),
        ('{"text": "да", "text": "нет", "lang": "ru"}', "duplicate key: one key of an object"),
        ('{"ru": "да", "translation": {"ru": "нет"}}', "duplicate key: 'ru'"),
        ('{"text": "да"}', "missing column: no language"),
        ('{"lang": "ru"}', "missing column: no text"),
        ('{"text": null, "lang": "ru"}', "no text"),
        ('{"text": "да", "lang": null}', "no language"),
        ('{"text": "да\\ud800", "lang": "ru"}', "control character: U+D800"),
        ('{"text": "да\\u0000", "lang": "ru"}', "control character: U+0000"),
        ('{"text": "да", "lang": "ru", "\\ud800": "1"}', "control character"),
        ('{"a":' * 100_000, "bad JSON: nested too deeply"),
        ('{"id": ' + "9" * 10_000 + ', "text": "да", "lang": "ru"}', ""),
    ],
)
def test_a_bad_line_is_told_and_stops_nothing(read, line, reason):
    good = dumps({"text": "Хорошо.", "lang": "ru"})
    sentences, rejects = read(good + line + "\n\n" + good, name="in.ndjson")
    assert [s.source.line for s in sentences] == [1, 4]
    (reject,) = rejects
    assert reject.reason.startswith(reason)
    assert (reject.place.line, reject.raw) == (2, line[:500])


@SAME_FOLDER
@given(st.lists(ROWISH | JSON, min_size=1, max_size=5))
def test_any_json_is_a_sentence_or_told(read, rows):
    content = "".join(json.dumps(row) + "\n" for row in rows)
    sentences, rejects = read(content, name="in.jsonl")
    places = {s.source.line for s in sentences} | {r.place.line for r in rejects}
    blank = {
        number
        for number, row in enumerate(rows, 1)
        # An object of nulls, blanks and empty strings is a blank row.
        if isinstance(row, dict) and number not in places
    }
    assert places | blank == set(range(1, len(rows) + 1))
    for number in blank:
        values = list(rows[number - 1].values())
        values += [x for v in values if isinstance(v, dict) for x in v.values()]
        assert all(v is None or isinstance(v, dict) or not str(v).strip() for v in values)


@SAME_FOLDER
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).map("щӏ{}ю".format),
        min_size=1,
    )
)
def test_any_text_comes_back(read, texts):
    rows = [{"id": str(n), "lang": "kbd", "text": text} for n, text in enumerate(texts)]
    for content in (dumps(*rows), "".join(json.dumps(row) + "\n" for row in rows)):
        sentences, rejects = read(content, name="in.jsonl", repair=False)
        assert rejects == []
        assert [s.id for s in sentences] == [row["id"] for row in rows]
    from searchkbd.text.forms import stored_form

    assert [s.text for s in sentences] == [stored_form(text) for text in texts]
