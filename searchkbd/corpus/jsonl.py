"""JSON Lines: an object a line, with the keys that a table has as columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from searchkbd.corpus.columns import Layout, LayoutError, layout_of
from searchkbd.corpus.lines import Line
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import Reject, Sentence

_MAX_LAYOUTS = 1000


class _NotARow(ValueError):
    """Why a line of JSON is no row."""


def read_jsonl(
    lines: Iterable[Line], options: ReadOptions, rows: RowReader
) -> Iterator[Sentence | Reject]:
    """Yield the sentences of each object.

    Objects may have the keys of the long or the pair format, or language codes as keys
    (``{"kbd": "...", "ru": "..."}``, also inside a key ``translation``).
    """
    layouts: dict[tuple[str, ...], Layout] = {}
    for number, line, problem in lines:
        if problem:
            yield rows.reject(number, problem, line)
            continue
        if not line.strip():
            continue
        try:
            row = _parse(line)
            keys = tuple(row)
            layout = layouts.get(keys)
            if layout is None:
                if len(layouts) == _MAX_LAYOUTS:
                    layouts.clear()
                layout = layouts[keys] = layout_of(keys, options)
            cells = _cells(row, layout)
        except (_NotARow, LayoutError) as error:
            yield rows.reject(number, str(error), line)
        else:
            yield from rows.read(layout, number, line, cells)


def _parse(line: str) -> dict[str, object]:
    try:
        row = json.loads(line, object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as error:
        raise _NotARow(f"bad JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise _NotARow("bad JSON: nested too deeply") from None
    except _NotARow:
        raise
    except ValueError:  # Python refuses to convert it
        raise _NotARow("bad JSON: a number has too many digits") from None
    if not isinstance(row, dict):
        raise _NotARow(f"wrong type: an object is expected, not {_name(row)}")
    inner = row.get("translation")
    if isinstance(inner, dict):
        del row["translation"]
        for key, value in inner.items():
            if key in row:
                raise _NotARow(f"duplicate key: {key!r} is inside and outside of translation")
            row[key] = value
    return row


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise _NotARow("duplicate key: one key of an object stands twice")
    return row


def _cells(row: dict[str, object], layout: Layout) -> list[str]:
    cells = list(map(_scalar, row.values()))
    for part in layout.parts:
        for at in (part.text, part.lang):
            value = None if at is None else list(row.values())[at]
            if value is not None and not isinstance(value, str):
                raise _NotARow(f"wrong type: {list(row)[at]!r} is {_name(value)}, not a string")
    return cells


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _name(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a truth value"}
    return "null" if value is None else names.get(type(value), "a number")
