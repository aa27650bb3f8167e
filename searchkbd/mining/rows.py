"""Rows out: TSV or JSON Lines, whole or not at all, and what a row says of its sentences."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from searchkbd.corpus.decompress import STDIN
from searchkbd.corpus.groups import PREFIX
from searchkbd.corpus.sentence import CorpusError, Sentence
from searchkbd.mining.units import Pair

STDOUT = STDIN
SUFFIXES = (".tsv", ".jsonl")
PAIR_COLUMNS = (
    "lang_a", "lang_b", "text_a", "text_b", "id_a", "id_b", "group", "origin",
)  # fmt: skip
SENTENCE_COLUMNS = ("id", "lang", "text", "group", "origin")

MAX_COLUMNS = 500
"""A file with more names of columns than this is no table."""

_BREAKS = re.compile(r"[\t\r\n]+")


def pair_record(pair: Pair, reserved: Sequence[str] = ()) -> dict[str, Any]:
    """Return the row of a pair: :data:`PAIR_COLUMNS` where they say something, then metadata.

    Where the two differ in origin, that of the second, the translation, is the row's. Metadata that
    they have in common stand once, others with ``_a`` and ``_b`` behind their name. Columns
    called as one of *reserved*, which will be written anew, are left out.
    """
    a, b = pair
    own = a.own_id and b.own_id
    row = {
        "lang_a": a.lang, "lang_b": b.lang, "text_a": a.text, "text_b": b.text,
        "id_a": a.id if own else "", "id_b": b.id if own else "",
        "group": "" if a.group.startswith(PREFIX) else a.group,
        "origin": b.origin,
    }  # fmt: skip
    left, right = _particulars(a), _particulars(b)
    if a.origin != b.origin:
        left["origin"], right["origin"] = a.origin, b.origin
    if left == right:
        meta = left
    else:
        meta = {f"{name}_a": value for name, value in left.items()}
        meta |= {f"{name}_b": value for name, value in right.items()}
    return _joined(row, [a.unit or {}, meta], PAIR_COLUMNS, reserved)


def sentence_record(sentence: Sentence) -> dict[str, Any]:
    """Return the row of a sentence: :data:`SENTENCE_COLUMNS`, then metadata."""
    row = {
        "id": sentence.id if sentence.own_id else "",
        "lang": sentence.lang,
        "text": sentence.text,
        "group": "" if sentence.group.startswith(PREFIX) else sentence.group,
        "origin": sentence.origin,
    }
    return _joined(row, [sentence.unit or {}, _particulars(sentence)], SENTENCE_COLUMNS, ())


class Columns:
    """The names of the columns met so far: the fixed ones that hold something, then others."""

    def __init__(self, fixed: Sequence[str]) -> None:
        self._fixed = fixed
        self._met: dict[str, None] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Note the columns of *record*; raises CorpusError when there are too many."""
        self._met.update(dict.fromkeys(record))
        if len(self._met) > MAX_COLUMNS:
            raise CorpusError(
                f"more than {MAX_COLUMNS} different columns: is this a table? "
                "Leave out what is no metadata of the sentences"
            )

    def names(self) -> list[str]:
        """Return the names in the order of the header."""
        fixed = [name for name in self._fixed if name in self._met]
        return fixed + [name for name in self._met if name not in self._fixed]


def check_output(path: str, inputs: Iterable[str] = (), hint: str = "-o") -> None:
    """Raise CorpusError, before any work, when rows cannot be written to *path*."""
    if path == STDOUT:
        return
    if Path(path).suffix.lower() not in SUFFIXES:
        raise CorpusError(f"{path}: give {hint} a name that ends in {' or '.join(SUFFIXES)}")
    if Path(path).is_dir() or not Path(path).absolute().parent.is_dir():
        raise CorpusError(f"{path}: is a directory, or in one that is not there")
    if Path(path).resolve() in {Path(one).resolve() for one in inputs}:
        raise CorpusError(f"{path} is an input file; write to another one")


def write_rows(path: str, header: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> int:
    """Write *rows* to *path*, JSON Lines or TSV by its suffix, TSV to standard output for ``-``.

    A file is there whole or not at all. TSV has the columns *header*; cells that are neither text
    nor numbers are written as JSON. Tabs and line breaks, which a TSV cannot hold, become
    spaces; the number of cells in which they did is returned.
    """
    if path == STDOUT:
        return _write(sys.stdout, header, rows, lines=False)
    partial = Path(path).with_name(f"{Path(path).name}.partial")
    try:
        with open(partial, "w", encoding="utf-8", newline="\n") as file:
            changed = _write(file, header, rows, lines=path.lower().endswith(".jsonl"))
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    return changed


def number(value: float) -> float:
    """Return a score as it is written: six places."""
    return round(float(value), 6)


def _write(
    file: TextIO, header: Sequence[str], rows: Iterable[Mapping[str, Any]], *, lines: bool
) -> int:
    if lines:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        return 0
    changed = 0
    file.write("\t".join(header) + "\n")
    for row in rows:
        cells = []
        for cell in map(_cell, map(row.get, header)):
            plain = _BREAKS.sub(" ", cell)
            changed += plain != cell
            cells.append(plain)
        file.write("\t".join(cells) + "\n")
    return changed


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _particulars(sentence: Sentence) -> dict[str, Any]:
    """Return what else is known of a sentence alone."""
    said = {"context": sentence.context, "date": sentence.date}
    return {**{name: value for name, value in said.items() if value}, **(sentence.meta or {})}


def _joined(
    row: dict[str, Any],
    metadata: Iterable[Mapping[str, Any]],
    fixed: Sequence[str],
    reserved: Sequence[str],
) -> dict[str, Any]:
    joined = {name: value for name, value in row.items() if value}
    for meta in metadata:
        for name, value in meta.items():
            if name not in reserved:
                joined[f"meta:{name}" if name in fixed or name in joined else name] = value
    return joined

