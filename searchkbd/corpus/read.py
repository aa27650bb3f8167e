"""Reading a corpus file of any supported format."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from searchkbd.corpus.auto import with_languages
from searchkbd.corpus.columns import ALIASES
from searchkbd.corpus.decompress import shown
from searchkbd.corpus.delimited import csv_delimiter, read_delimited
from searchkbd.corpus.groups import with_groups
from searchkbd.corpus.jsonl import read_jsonl
from searchkbd.corpus.lines import Line, text_lines
from searchkbd.corpus.options import AUTO, FORMATS, ReadOptions
from searchkbd.corpus.plain import read_plain
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import CorpusError, Reject, Sentence
from searchkbd.text.languages import UnknownLanguageError, normalize_language

_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
_BY_EXTENSION = {
    ".tsv": "tsv",
    ".tab": "tsv",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".txt": "text",
}


def read_corpus(
    path: str | Path, options: ReadOptions | None = None
) -> Iterator[Sentence | Reject]:
    """Yield the sentences of the file *path*, ``-`` for standard input, in their order.

    What cannot be used comes as a :class:`Reject` in its place; nothing is left out silently
    but blank lines, comments before a header and untranslated cells of tables of three and more
    languages. The file is read as a stream: memory does not grow with it.

    Raises :class:`CorpusError`, before or while it is iterated over, when the file as a whole
    cannot be used or *options* make no sense.
    """
    options = _checked(options or ReadOptions())
    return _read(str(path), options)


def _read(path: str, options: ReadOptions) -> Iterator[Sentence | Reject]:
    rows = RowReader(path, options)
    lines = text_lines(path, options)
    format_ = options.format or _format_by_name(path, options)
    if format_ is None:
        start, first = _until_first_row(lines)
        format_ = _format_by_content(path, first, options)
        lines = chain(start, lines)
    if format_ == "text":
        if options.lang is None:
            raise CorpusError(
                f"{path} is plain text, which does not say its language; "
                "say it: --lang CODE or --lang auto"
            )
        items = read_plain(lines, rows)
    elif format_ == "jsonl":
        items = read_jsonl(lines, options, rows)
    else:
        items = read_delimited(path, lines, options, rows, quoted=format_ == "csv")
    # In this order: a group is made of texts and their languages.
    yield from with_groups(with_languages(items) if options.lang == AUTO else items)


def _checked(options: ReadOptions) -> ReadOptions:
    """Return *options* if they make sense; raises CorpusError."""
    if options.format is not None and options.format not in FORMATS:
        raise CorpusError(f"unknown format {options.format!r}: one of {', '.join(FORMATS)}")
    delimiter = options.delimiter
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise CorpusError(f"a delimiter is one character and no quotation mark: {delimiter!r}")
    tags = [options.lang] if options.lang not in (None, AUTO) else []
    for tag in [*tags, *(options.langs or ())]:
        try:
            normalize_language(tag)
        except UnknownLanguageError as error:
            raise CorpusError(f"unknown language: {error}") from None
    return options


def _format_by_name(path: str, options: ReadOptions) -> str | None:
    stem, extension = os.path.splitext(path.lower())
    if extension in _COMPRESSED:
        extension = os.path.splitext(stem)[1]
    format_ = _BY_EXTENSION.get(extension)
    # Tables are often called .txt; what only a table needs says that it is one.
    return None if format_ == "text" and (options.langs or options.columns) else format_


def _until_first_row(lines: Iterator[Line]) -> tuple[list[Line], str]:
    """Return the lines up to the first one that is a row, and that one."""
    start: list[Line] = []
    for line in lines:
        start.append(line)
        if line[1].strip() and not line[1].startswith("#"):
            return start, line[1]
    return start, ""


def _format_by_content(path: str, first: str, options: ReadOptions) -> str:
    name = shown(path)
    if first.lstrip().startswith("{"):
        return "jsonl"
    if first.lstrip().startswith("["):
        raise CorpusError(f"{name} is a JSON array; write one object a line (JSON Lines)")
    if "\t" in first:
        return "tsv"
    if options.langs or options.columns or _is_csv_header(first):
        return "csv"
    if options.lang is not None:
        return "text"
    raise CorpusError(f"cannot tell the format of {name}: say --format {', '.join(FORMATS)}")


def _is_csv_header(line: str) -> bool:
    cells = [cell.strip().strip('"').casefold() for cell in line.split(csv_delimiter(line))]
    return len(cells) > 1 and sum(cell in ALIASES for cell in cells) >= 2
