"""Tables and JSON Lines: a row a sentence, or a row a pair, as ``build`` reads them back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from searchkbd.corpus.columns import ALIASES
from searchkbd.export.options import ExportError, ExportOptions, ExportSummary
from searchkbd.export.units import Unit
from searchkbd.index.reader import IndexReader, StoredSentence

LONG = ("id", "lang", "text", "group", "origin")
PAIRS = ("lang_a", "lang_b", "text_a", "text_b", "id_a", "id_b", "group", "origin")

MAX_COLUMNS = 200
"""Columns that a table may have besides ours; every row has them all."""

_SEPARATOR = re.compile(r"\r\n|[\t\r\n]")
_NEEDS_QUOTING = re.compile(r'[",\r\n]')

Row = dict[str, str]
Units = Iterable[Unit]


def tsv(
    units: Units, options: ExportOptions, summary: ExportSummary, columns: tuple[str, ...] = ()
) -> Iterator[str]:
    """Yield a table with tabs between its columns, the header first.

    TSV quotes nothing: a tab or line end in a text becomes a space, and the text is counted.
    """

    def line(cells: list[str]) -> str:
        flat = [one_line(cell) for cell in cells]
        summary.altered += sum(map(str.__ne__, flat, cells))
        return "\t".join(flat) + "\n"

    return _table(units, options, columns, line)


def csv(
    units: Units, options: ExportOptions, summary: ExportSummary, columns: tuple[str, ...] = ()
) -> Iterator[str]:
    """Yield a table with commas between its columns, quoted as in RFC 4180, the header first."""

    def line(cells: list[str]) -> str:
        return ",".join(
            '"' + cell.replace('"', '""') + '"' if _NEEDS_QUOTING.search(cell) else cell
            for cell in cells
        ) + "\n"

    return _table(units, options, columns, line)


def jsonl(units: Units, options: ExportOptions, summary: ExportSummary) -> Iterator[str]:
    """Yield a JSON object for each sentence, or each pair, on a line of its own."""
    for row, more in _rows(units, options):
        yield json.dumps(row | more, ensure_ascii=False) + "\n"


def one_line(text: str) -> str:
    """Return *text* with a space in the place of each tab and line end."""
    return _SEPARATOR.sub(" ", text)


def other_columns(reader: IndexReader) -> tuple[str, ...]:
    """Return the names of the columns that the index's sentences had besides ours, in order.

    Names that differ only in letter case are one column. Raises ExportError for more than
    :data:`MAX_COLUMNS`.
    """
    found: dict[str, str] = {}
    for (name,) in reader.connection.execute(
        "SELECT DISTINCT j.key FROM sentences AS s, json_each(s.meta) AS j"
        " WHERE s.meta IS NOT NULL AND j.type = 'text' ORDER BY j.key"
    ):
        found.setdefault(_fold(_free(name)), _free(name))
        if len(found) > MAX_COLUMNS:
            raise ExportError(
                f"the sentences of {reader.directory} have more than {MAX_COLUMNS} different "
                "columns, too many for a table; write JSON Lines: --format jsonl"
            )
    return tuple(found.values())


def _table(
    units: Units,
    options: ExportOptions,
    columns: tuple[str, ...],
    line: Callable[[list[str]], str],
) -> Iterator[str]:
    ours = PAIRS if options.pairs else LONG
    others = () if options.pairs else columns
    yield line([*ours, *others])
    for row, more in _rows(units, options):
        folded = {_fold(name): text for name, text in more.items()} if others else {}
        yield line([*row.values(), *(folded.get(_fold(name), "") for name in others)])


def _rows(units: Units, options: ExportOptions) -> Iterator[tuple[Row, dict[str, str]]]:
    """Yield rows of our columns, and what other columns the sentence had."""
    for unit in units:
        if options.pairs:
            for a, b in unit.pairs(options.source, options.target):
                yield _pair(a, b), {}
        else:
            for sentence in unit.sentences:
                yield {name: getattr(sentence, name) for name in LONG}, _texts(sentence.meta)


def _pair(a: StoredSentence, b: StoredSentence) -> Row:
    # A row has one origin: that of the translation, as in what the memory shows.
    values = (a.lang, b.lang, a.text, b.text, a.id, b.id, b.group, b.origin)
    return dict(zip(PAIRS, values, strict=True))


def _texts(meta: dict[str, Any]) -> dict[str, str]:
    """Return what came from other columns of a table; exchange formats keep objects there."""
    return {_free(name): value for name, value in meta.items() if isinstance(value, str)}


def _free(name: str) -> str:
    """Return the name of another column, changed if it would be read as one of ours."""
    return f"other {name}" if _fold(name) in ALIASES else name


def _fold(name: str) -> str:
    return " ".join(name.split()).casefold()
