"""The JSON schemas of the structured answers."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_STRING = {"type": "string"}
_INTEGER = {"type": "integer"}


def _object(required: Schema, **optional: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
    }


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


_MACHINE = {"type": "boolean", "description": "True: translated by a machine."}
_SIMILARITY = {"type": "number", "description": "Cosine: how near in meaning, at most 1."}
_SCORE = {"type": "number", "description": "Lexical only: share of the query's words found."}
_NOTES = {**_array(_STRING), "description": "What to know of this answer."}
_MORE = {"type": "integer", "description": "How many translations were left out."}
_TRANSLATIONS = _array(_object({"lang": _STRING, "text": _STRING}, machine=_MACHINE))

SEARCH = _object(
    {
        "lang": {"type": "string", "description": "The language the query was read as."},
        "hits": _array(
            _object(
                {
                    "id": _STRING, "lang": _STRING, "text": _STRING, "origin": _STRING,
                    "translations": _TRANSLATIONS,
                },
                similarity=_SIMILARITY, score=_SCORE, machine=_MACHINE, more_translations=_MORE,
            )
        ),
    },
    notes=_NOTES,
)  # fmt: skip

LOOKUP = _object(
    {
        "from": _STRING,
        "to": _STRING,
        "matches": _array(
            _object(
                {
                    "quality": {"type": "integer", "description": "0 to 101, by edits."},
                    "kind": {
                        "enum": ["context", "exact", "fuzzy", "pivot", "semantic", "part"]
                    },
                    "source": _STRING, "target": _STRING, "source_id": _STRING,
                    "target_id": _STRING, "origin": _STRING,
                },
                similarity=_SIMILARITY, machine=_MACHINE,
                suggestion={"type": "string", "description": "The target with your numbers."},
                path=_array(_object({"lang": _STRING, "text": _STRING})),
                below={"type": "boolean", "description": "True: reaches no threshold."},
            )
        ),
    },
    notes=_NOTES,
)  # fmt: skip

CONCORDANCE = _object(
    {
        "occurrences": {"type": "integer", "description": "All of them, exactly."},
        "sentences": _INTEGER,
        "lines": _array(
            _object(
                {
                    "id": _STRING, "lang": _STRING, "left": _STRING, "match": _STRING,
                    "right": _STRING, "origin": _STRING, "translations": _TRANSLATIONS,
                },
                machine=_MACHINE, more_translations=_MORE,
            )
        ),
    },
    notes=_NOTES,
)  # fmt: skip

SENTENCE = _object(
    {
        "id": _STRING, "lang": _STRING, "text": _STRING, "origin": _STRING,
        "translations": _TRANSLATIONS,
    },
    machine=_MACHINE, more_translations=_MORE, group=_STRING, date=_STRING, context=_STRING,
    markup=_STRING, meta={"type": "string", "description": "JSON: what its file said besides."},
)  # fmt: skip
