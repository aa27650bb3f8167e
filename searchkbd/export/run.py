"""An export from end to end: which format, what is written, and where it goes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

from searchkbd.export.options import FORMATS, ExportError, ExportOptions, ExportSummary, Filters
from searchkbd.export.output import COMPRESSED, STDOUT, opened
from searchkbd.export.tables import csv, jsonl, other_columns, tsv
from searchkbd.export.tatoeba import FILES, largest_number, tatoeba
from searchkbd.export.tmx import tmx
from searchkbd.export.units import Unit, units
from searchkbd.export.weblate import weblate
from searchkbd.export.xliff import xliff
from searchkbd.index.reader import IndexReader

Progress = Callable[[int, int], None]

_WRITERS = {
    "tmx": tmx, "xliff": xliff, "weblate": weblate, "tsv": tsv, "csv": csv, "jsonl": jsonl,
}  # fmt: skip
TABLES = ("tsv", "csv", "jsonl")

_BY_EXTENSION = {
    ".tmx": "tmx", ".xlf": "xliff", ".xliff": "xliff", ".json": "weblate", ".tsv": "tsv",
    ".tab": "tsv", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl",
}  # fmt: skip
_BILINGUAL = {"xliff": "XLIFF", "weblate": "a memory of Weblate"}


def format_by_name(out: str) -> str:
    """Return the format that the name *out* tells; raises ExportError when it tells none."""
    if out != STDOUT and (out.endswith(os.sep) or os.path.isdir(out)):
        return "tatoeba"
    stem, extension = os.path.splitext(out.lower())
    if extension in COMPRESSED:
        extension = os.path.splitext(stem)[1]
    if extension not in _BY_EXTENSION:
        what = "standard output" if out == STDOUT else out
        raise ExportError(f"cannot tell the format of {what}: say --format {', '.join(FORMATS)}")
    return _BY_EXTENSION[extension]


def export(
    reader: IndexReader,
    out: str,
    format_: str,
    options: ExportOptions,
    progress: Progress | None = None,
) -> ExportSummary:
    """Write the units that ``options.filters`` let through to *out* (``-``: standard output).

    *progress* gets the sentences read and those in the index. What is there under that name is
    replaced when all is written, and not before. Raises ExportError when *format_* and *options*
    do not fit, or when there is nothing to write; IndexDamagedError and OSError.
    """
    _check(reader, out, format_, options)
    summary = ExportSummary()
    with reader.damage_reported():
        found = _counted(units(reader, options.filters, progress), summary)
        first = next(found, None)
        if first is None:
            raise ExportError(_nothing(reader, options.filters))
        found = chain([first], found)
        if format_ == "tatoeba":
            _write_directory(out, tatoeba(found, summary, largest_number(reader)))
        else:
            _write_file(out, _writer(reader, format_, options)(found, options, summary))
    return summary


def _writer(
    reader: IndexReader, format_: str, options: ExportOptions
) -> Callable[[Iterable[Unit], ExportOptions, ExportSummary], Iterator[str]]:
    if format_ in ("tsv", "csv") and not options.pairs:
        return partial(_WRITERS[format_], columns=other_columns(reader))
    return _WRITERS[format_]


def _write_file(out: str, pieces: Iterable[str]) -> None:
    with opened(out) as stream:
        for piece in pieces:
            stream.write(piece.encode())


def _write_directory(out: str, pieces: Iterable[tuple[str, ...]]) -> None:
    directory = Path(out)
    directory.mkdir(exist_ok=True)
    with contextlib.ExitStack() as files:
        streams = [files.enter_context(opened(str(directory / name))) for name in FILES]
        for piece in pieces:
            for stream, text in zip(streams, piece, strict=True):
                stream.write(text.encode())


def _counted(found: Iterable[Unit], summary: ExportSummary) -> Iterator[Unit]:
    for unit in found:
        summary.units += 1
        summary.sentences += len(unit.sentences)
        summary.languages.update(sentence.lang for sentence in unit.sentences)
        yield unit


def _check(reader: IndexReader, out: str, format_: str, options: ExportOptions) -> None:
    if options.pairs and format_ not in TABLES:
        raise ExportError(f"--pairs is for tables ({', '.join(TABLES)}), not for {format_}")
    both = options.source is not None and options.target is not None
    if not both and (format_ in _BILINGUAL or options.pairs):
        what = _BILINGUAL.get(format_, "a table of pairs")
        raise ExportError(f"{what} holds one pair of languages; say which: --from LANG --to LANG")
    if out == STDOUT and format_ == "tatoeba":
        raise ExportError("an export as Tatoeba's is two files; name a directory, not -")
    if out != STDOUT and _is_inside(Path(out), reader.directory):
        raise ExportError(f"{out} is inside the index directory; write it somewhere else")


def _is_inside(path: Path, directory: Path) -> bool:
    place, of = (Path(os.path.realpath(one)) for one in (path, directory))
    return of == place or of in place.parents


def _nothing(reader: IndexReader, filters: Filters) -> str:
    present = reader.sentences_per_language
    for lang in (filters.source, filters.target):
        if lang and lang not in present:
            return (
                f"{reader.directory} has no sentences in {lang} (it has: {', '.join(present)}); "
                "nothing was written"
            )
    return f"no unit of {reader.directory} is as asked for; nothing was written"
