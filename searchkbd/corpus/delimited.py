"""Tables as text: TSV, where a quotation mark is only a character, and CSV, where it quotes."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator

from searchkbd.corpus.columns import (
    ALIASES,
    Layout,
    LayoutError,
    is_header,
    knows_columns_by_number,
    layout_of,
    layout_without_header,
)
from searchkbd.corpus.decompress import shown
from searchkbd.corpus.lines import Line
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import CorpusError, Reject, Sentence

Record = tuple[int, str, list[str], str | None]
"""Number of the first line, the lines as written, the cells, and why it is unusable (or None)."""

_MAX_LINES = 100
"""A quotation mark that is not closed so many lines on is taken for a mistake in its own line."""


def read_delimited(
    path: str, lines: Iterable[Line], options: ReadOptions, rows: RowReader, quoted: bool
) -> Iterator[Sentence | Reject]:
    """Yield the sentences of a table; *quoted* tells CSV from TSV.

    Raises :class:`CorpusError` when the header does not say where the texts are.
    """
    if quoted:
        records = csv_records(lines, options)
    else:
        records = tsv_records(lines, options.delimiter or "\t")
    layout: Layout | None = None
    for number, raw, cells, problem in records:
        if problem:
            if layout is None and options.header is not False and not options.langs:
                raise CorpusError(
                    f"{shown(path)}:{number}: {problem}; the first line must name the columns"
                )
            yield rows.reject(number, problem, raw)
            continue
        if layout is None:
            if not any(map(str.strip, cells)) or _is_comment(raw, cells, options, quoted):
                continue
            try:
                layout, has_header = _layout(cells, options)
            except LayoutError as error:
                raise CorpusError(f"{shown(path)}:{number}: {error}") from None
            if has_header:
                continue
        yield from rows.read(layout, number, raw, cells)


def _is_comment(raw: str, cells: list[str], options: ReadOptions, quoted: bool) -> bool:
    """Comments stand before the header only; a row of sentences may begin with # too."""
    return raw.startswith("#") and options.header is not False and (quoted or len(cells) == 1)


def _layout(first: list[str], options: ReadOptions) -> tuple[Layout, bool]:
    if is_header(first, options):
        return layout_of(first, options), True
    if options.header is False or knows_columns_by_number(options):
        return layout_without_header(len(first), options), False
    return layout_of(first, options), True  # which says what is missing


def tsv_records(lines: Iterable[Line], delimiter: str) -> Iterator[Record]:
    """Yield a record for each line that is not empty; quotation marks are characters."""
    for number, line, problem in lines:
        # No stripping: a row of empty cells is blank, and whoever reads it sees that.
        if line or problem:
            yield number, line, line.split(delimiter), problem


def csv_records(lines: Iterable[Line], options: ReadOptions) -> Iterator[Record]:
    """Yield a record for each row, which may be of several lines where cells are quoted."""
    # The limit is the interpreter's. It is only ever raised here, because lines are bounded.
    csv.field_size_limit(max(csv.field_size_limit(), options.max_line_chars))
    waiting: deque[Line] = deque()
    source = iter(lines)
    delimiter = options.delimiter or ""
    while waiting or _refill(waiting, source):
        number, line, problem = waiting.popleft()
        if problem or not line:
            if problem:
                yield number, line, [], problem
            continue
        if not delimiter and line.startswith("#") and options.header is not False:
            yield number, line, [line], None  # a comment before the header
            continue
        delimiter = delimiter or csv_delimiter(line)
        if '"' not in line:
            yield number, line, line.split(delimiter), None
            continue
        record = [line]
        cells, problem, unclosed = _parse(record, delimiter)
        while unclosed and len(record) < _MAX_LINES:
            at = len(record) - 1
            if at == len(waiting) and not _refill(waiting, source):
                break
            _, following, bad = waiting[at]
            if bad or sum(map(len, record)) > options.max_line_chars:
                break
            record.append(following)
            if '"' in following:
                cells, problem, unclosed = _parse(record, delimiter)
        if unclosed:
            problem = "bad quoting: the quotation mark is not closed"
        if problem:
            # Only the first line is given up; the others are read again on their own.
            yield number, line, [], problem
        else:
            for _ in record[1:]:
                waiting.popleft()
            yield number, "\n".join(record), cells, None


def _refill(waiting: deque[Line], source: Iterator[Line]) -> bool:
    following = next(source, None)
    if following is None:
        return False
    waiting.append(following)
    return True


def _parse(record: list[str], delimiter: str) -> tuple[list[str], str | None, bool]:
    """Return the cells of *record*, what is wrong, and whether a quotation mark is open."""
    unclosed = False

    def feed() -> Iterator[str]:
        nonlocal unclosed
        yield from (line + "\n" for line in record)
        unclosed = True  # the parser asks for more

    try:
        return next(csv.reader(feed(), delimiter=delimiter, strict=True)), None, False
    except (csv.Error, StopIteration) as error:
        return [], f"bad quoting: {error}", unclosed


def csv_delimiter(line: str) -> str:
    """Return which of ``,`` ``;`` and tab separates the cells of *line*, a header if possible."""
    names = {name for aliases in ALIASES.values() for name in aliases}

    def evidence(delimiter: str) -> tuple[int, int]:
        cells = [cell.strip().strip('"').casefold() for cell in line.split(delimiter)]
        return sum(cell in names for cell in cells), len(cells)

    return max(",;\t", key=evidence)
