"""TSV and CSV: translations go into their column, what they were made of into two more.

Cells that are not filled stay as they are written. Tables in other encodings than UTF-8 are
written in UTF-8, since these may lack Kabardian's letters.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial

from searchkbd.corpus.decompress import shown
from searchkbd.corpus.delimited import csv_delimiter, csv_records, tsv_records
from searchkbd.corpus.lines import Line, text_encoding
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import CorpusError
from searchkbd.pretranslation.blocks import BlockDecoder, byte_blocks
from searchkbd.pretranslation.columns import Columns, find_columns, has_header
from searchkbd.pretranslation.filling import Filling
from searchkbd.pretranslation.options import FileOptions, code_or_none
from searchkbd.pretranslation.units import Part, SegmentReader, Unit, divided

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)")
_UNDECODABLE = re.compile("[\udc00-\udcff]")
_BREAKS = re.compile(r"[\t\r\n]+")


class TableDocument:
    """A table of which each row has a text to translate; *quoted* tells CSV from TSV."""

    codec = "utf-8"

    def __init__(self, path: str, options: FileOptions, quoted: bool) -> None:
        self._name = shown(path)
        self._options = options
        self._quoted = quoted
        self._delimiter = options.reading.delimiter or ("" if quoted else "\t")
        self._segments = SegmentReader(RowReader(path, options.reading), options.overwrite)
        self._lines = _Lines(path, options)
        self.mark = self._lines.mark
        self._columns: Columns | None = None

    def parts(self) -> Iterator[Part]:
        reading = self._options.reading
        if self._quoted:
            records = csv_records(self._lines, reading)
        else:
            records = tsv_records(self._lines, self._delimiter)
        for number, raw, cells, problem in records:
            yield self._lines.before(number)
            written = self._lines.take(1 + raw.count("\n") if self._quoted else 1)
            line = written.rstrip("\r\n")
            yield from self._record(number, line, cells, problem)
            yield written[len(line) :]
        yield self._lines.before(None)

    def _record(
        self, number: int, line: str, cells: list[str], problem: str | None
    ) -> Iterator[Part]:
        if self._columns is None and not problem:
            if not any(map(str.strip, cells)) or self._is_comment(line, cells):
                yield line
                return
            self._delimiter = self._delimiter or csv_delimiter(line.split("\n")[0])
            self._columns = find_columns(self._name, cells, self._options)
            if has_header(self._options):
                names = map(self._cell, self._columns.added)
                yield self._delimiter.join([line, *names])
                return
        if problem is None and len(cells) != self._columns.width:
            problem = f"wrong column count: {len(cells)} instead of {self._columns.width}"
        if problem:
            if self._columns is None and has_header(self._options):
                raise CorpusError(
                    f"{self._name}:{number}: {problem}; the first line must name the columns"
                )
            reject = self._segments.reject(number, problem, _UNDECODABLE.sub("\ufffd", line))
            yield Unit(line, [], lambda found: line, [reject])
            return
        yield self._row(number, line, cells)

    def _is_comment(self, line: str, cells: Sequence[str]) -> bool:
        """Comments stand before the header only."""
        return line.startswith("#") and has_header(self._options) and (
            self._quoted or len(cells) == 1
        )

    def _row(self, number: int, line: str, cells: list[str]) -> Unit:
        columns = self._columns
        written = [*self._split(line), *[""] * len(columns.added)]
        raw = self._delimiter.join(written)
        there = [*cells, *[""] * len(columns.added)]
        found = None
        if self._is_ours(cells):
            found = self._segments.segment(
                number, cells[columns.source], columns.lang, there[columns.target]
            )
        places, rejects = divided([found])
        return Unit(raw, places, partial(self._rendered, written), rejects)

    def _is_ours(self, cells: Sequence[str]) -> bool:
        """Return whether the row says nothing else of its languages."""
        pairs = (
            (self._columns.source_lang, self._columns.lang),
            (self._columns.target_lang, self._options.target),
        )
        return all(
            at is None or not cells[at].strip() or code_or_none(cells[at]) == lang
            for at, lang in pairs
        )

    def _rendered(self, written: Sequence[str], found: Sequence[Filling | None]) -> str:
        filling, columns = found[0], self._columns
        row = list(written)
        if filling is not None:
            row[columns.target] = self._cell(filling.text)
            row[columns.match] = self._cell(filling.kind.value)
            row[columns.quality] = str(filling.match.quality)
        return self._delimiter.join(row)

    def _split(self, line: str) -> list[str]:
        """Return the cells of a row as they are written."""
        if not self._quoted or '"' not in line:
            return line.split(self._delimiter)
        cell = re.compile(rf'"(?:[^"]|"")*"|[^{re.escape(self._delimiter)}]*')
        cells, at = [], 0
        while True:
            end = cell.match(line, at).end()
            cells.append(line[at:end])
            if end >= len(line):
                return cells
            at = end + 1

    def _cell(self, text: str) -> str:
        """Return *text* as a cell; a TSV has spaces in place of tabs and line breaks."""
        if not self._quoted:
            return _BREAKS.sub(" ", text)
        if re.search(rf'["\r\n{re.escape(self._delimiter)}]', text):
            return '"' + text.replace('"', '""') + '"'
        return text


class _Lines:
    """The lines of a file: as readers of tables want them, and as they are written."""

    def __init__(self, path: str, options: FileOptions) -> None:
        self._name = shown(path)
        self._limit = options.reading.max_line_chars
        self._blocks = byte_blocks(path)
        head = next(self._blocks, b"")
        self._encoding, skip = text_encoding(head, self._name, options.reading.encoding)
        if len(head) == skip:
            raise CorpusError(f"{self._name} is empty")
        self._head = head[skip:]
        self.mark = codecs.BOM_UTF8 if head.startswith(codecs.BOM_UTF8) else b""
        self._held: deque[str] = deque()
        self._first = 1  # number of the first line held

    def __iter__(self) -> Iterator[Line]:
        for number, raw in enumerate(self._raw(), 1):
            self._held.append(raw)
            line = raw.rstrip("\r\n")
            problem = None
            if _UNDECODABLE.search(line):
                problem = f"not {self._encoding.upper()}"
            elif "\0" in line:
                problem = "NUL byte"
            yield number, line, problem

    def before(self, number: int | None) -> str:
        """Take the lines before *number*, all for None, as they are written."""
        return self.take(len(self._held) if number is None else number - self._first)

    def take(self, count: int) -> str:
        """Take the next *count* lines as they are written."""
        self._first += count
        return "".join(self._held.popleft() for _ in range(count))

    def _raw(self) -> Iterator[str]:
        decoder = BlockDecoder(self._name, self._encoding)
        rest, block = "", self._head
        while block is not None:
            rest += decoder.decode(block)
            end = 0
            for line in _LINE.finditer(rest):
                yield line[0]
                end = line.end()
            rest = rest[end:]
            if len(rest) > self._limit:
                raise CorpusError(
                    f"{self._name} has a line of more than {self._limit} characters; "
                    "is this a table?"
                )
            block = next(self._blocks, None)
        rest += decoder.decode(b"", final=True)
        if rest:
            yield rest
