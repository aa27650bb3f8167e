"""Reading a corpus file of any supported format."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from searchkbd.corpus.auto import with_languages
from searchkbd.corpus.columns import ALIASES
from searchkbd.corpus.cut import Cut, CutRows, SimilarityRows, similarity_column
from searchkbd.corpus.decompress import STDIN, shown
from searchkbd.corpus.delimited import csv_delimiter, read_delimited
from searchkbd.corpus.groups import with_groups
from searchkbd.corpus.jsonl import read_jsonl
from searchkbd.corpus.lines import Line, text_lines
from searchkbd.corpus.options import AUTO, EXCHANGE_FORMATS, FORMATS, ReadOptions
from searchkbd.corpus.plain import read_plain
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import CorpusError, Reject, Sentence
from searchkbd.text.languages import UnknownLanguageError, normalize_language

_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
BY_EXTENSION = {
    ".tsv": "tsv",
    ".tab": "tsv",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".txt": "text",
    ".tmx": "tmx",
    ".xlf": "xliff",
    ".xliff": "xliff",
    ".po": "po",
    ".pot": "po",
    ".parquet": "parquet",
}


HUB = "hf:"
"""What stands before the name of a data set of Hugging Face."""

# sentences.csv, sentences_detailed.csv, sentences_CC0.csv, kbd_sentences.tsv ...; in an archive
# without the second extension.
_TATOEBA_NAME = re.compile(r"(?:[a-z]{3}_)?sentences(?:_detailed|_cc0)?(?:\.[ct]sv)?")
_WITH_COLUMNS = ("parquet", "hub")

# Each module MODULE has a function read_MODULE(path, options, rows); imported when it is needed.
_MODULES = {name: f"searchkbd.corpus.{name}" for name in EXCHANGE_FORMATS}


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
    format_ = options.format or named_format(path, options)
    if format_ in _MODULES:
        if options.cuts and format_ not in _WITH_COLUMNS:
            similarity_column((), shown(path))
        module = importlib.import_module(_MODULES[format_])
        items = getattr(module, f"read_{format_}")(path, options, rows)
    elif options.cuts:
        items = _read_cut(path, format_, options, rows)
    else:
        items = _read_lines(path, format_, options, rows)
    # In this order: a group is made of texts and their languages.
    yield from with_groups(with_languages(items) if options.lang == AUTO else items)


def _read_cut(
    path: str, format_: str | None, options: ReadOptions, rows: RowReader
) -> Iterator[Sentence | Reject]:
    """Read the rows of enough similarity; for a percentile, the file is read twice."""
    similarities: Sequence[float] = ()
    if options.percentile is not None:
        if path == STDIN:
            raise CorpusError("--percentile reads a file twice, and standard input is read once")
        seen = SimilarityRows(shown(path))
        for _ in _read_lines(path, format_, options, seen):
            pass
        similarities = seen.similarities
    cut = Cut(shown(path), options, similarities)
    yield from _read_lines(path, format_, options, CutRows(rows, shown(path), cut))
    cut.tell()


def _read_lines(
    path: str, format_: str | None, options: ReadOptions, rows: RowReader | SimilarityRows | CutRows
) -> Iterator[Sentence | Reject]:
    lines = text_lines(path, options)
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
        yield from read_plain(lines, rows)
    elif format_ == "jsonl":
        yield from read_jsonl(lines, options, rows)
    else:
        yield from read_delimited(path, lines, options, rows, quoted=format_ == "csv")


def _checked(options: ReadOptions) -> ReadOptions:
    """Return *options* if they make sense; raises CorpusError."""
    if options.format is not None and options.format not in FORMATS:
        raise CorpusError(f"unknown format {options.format!r}: one of {', '.join(FORMATS)}")
    delimiter = options.delimiter
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise CorpusError(f"a delimiter is one character and no quotation mark: {delimiter!r}")
    if options.percentile is not None and not 0 <= options.percentile <= 100:
        raise CorpusError(f"a percentile is from 0 to 100: {options.percentile}")
    tags = [options.lang] if options.lang not in (None, AUTO) else []
    for tag in [*tags, *(options.langs or ()), *options.take]:
        try:
            normalize_language(tag)
        except UnknownLanguageError as error:
            raise CorpusError(f"unknown language: {error}") from None
    return options


def named_format(path: str, options: ReadOptions) -> str | None:
    """Return the format of a file by its name, or what it is called by; None when that is open.

    Only where a name can mean two formats is the file looked into.
    """
    if path.startswith(HUB):
        return "hub"
    if options.links or os.path.isdir(path):
        return "tatoeba"
    name = uncompressed_name(path).lower()
    format_ = BY_EXTENSION.get(os.path.splitext(name)[1])
    # Tables are often called .txt; what only a table needs says that it is one.
    if format_ == "text" and (options.langs or options.columns):
        return None
    if _TATOEBA_NAME.fullmatch(os.path.basename(name)) and not options.columns:
        from searchkbd.corpus.tatoeba import is_tatoeba

        return "tatoeba" if is_tatoeba(path) else format_
    if name.endswith(".json"):
        from searchkbd.corpus.weblate import is_weblate

        return "weblate" if is_weblate(path) else None
    return format_


def uncompressed_name(path: str) -> str:
    """Return *path* without the extensions of compression and of an archive."""
    stem, extension = os.path.splitext(path)
    if extension.lower() not in _COMPRESSED:
        return path
    return stem[:-4] if stem.lower().endswith(".tar") else stem


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
        raise CorpusError(
            f"{name} is a JSON array; write one object a line (JSON Lines), or say "
            "--format weblate if it is a translation memory of Weblate"
        )
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
