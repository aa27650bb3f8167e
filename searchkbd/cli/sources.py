"""The rows of all files of a build in turn, how far along they are, and what was left out."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from searchkbd.cli.output import note, plural
from searchkbd.cli.progress import counted_progress

if TYPE_CHECKING:
    from searchkbd.corpus.events import LeftOut, Remark, Stage
    from searchkbd.corpus.options import ReadOptions
    from searchkbd.corpus.sentence import Reject, Sentence
    from searchkbd.index.writer import BuildSummary

_COMPRESSED = frozenset({".gz", ".bz2", ".xz", ".zst"})
_LONG_LINE = 4096
"""Bytes of a line, in the mean, from which lines say little of how far along a file is."""


class Sources:
    """Files to build from; a context, in which progress is shown on a terminal.

    *names* are what the user called each of *files*.
    """

    def __init__(
        self, files: Sequence[str], names: Sequence[str], options: ReadOptions
    ) -> None:
        self.left_out: list[LeftOut] = []
        self._files = files
        self._names = dict(zip(files, names, strict=True))
        self._options = dataclasses.replace(options, on_event=self._hear)
        self._bars = ExitStack()
        self._label = ""
        self._base = 0.0  # what was done when the bar was opened
        self._done = 0  # lines of the files that are done, or sentences
        self._line = 0
        self._total: float | None = None

    def __enter__(self) -> Sources:
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.close()

    def items(self) -> Iterator[Sentence | Reject]:
        """Yield every row; a file that cannot be read at all is found before any is encoded."""
        from searchkbd.corpus.files import corpora

        named = corpora(self._files, self._options)
        if sys.stderr.isatty():
            self._total = _count_lines(named)
        for rows in [self._opened(file, options) for file, options in named]:
            self._done += self._line
            self._line = 0
            for item in rows:
                if self._total is None:
                    self._done += 1
                else:
                    self._line = _line_of(item)
                yield item

    def show(self, summary: BuildSummary) -> None:
        """Show the progress of a build."""
        unit = "sentences" if self._total is None else "lines"
        self._update("Building", unit, self._done + self._line, self._total)

    def show_tidying(self, done: int, total: int) -> None:
        """Show the progress of what is done after a build."""
        self._update("Making codes", "sentences", done, total)

    def note_left_out(self) -> None:
        """Say which rows were cut away."""
        several = len(self.left_out) > 1
        for one in self.left_out:
            of = f" of {one.file}" if several else ""
            note(f"  {plural(one.rows, 'row')}{of} below similarity {one.below:.4g} left out")

    def _opened(self, file: str, options: ReadOptions) -> Iterator[Sentence | Reject]:
        from searchkbd.corpus.read import named_format, read_corpus

        if [Path(other).name for other in self._files].count(Path(file).name) > 1:
            # Ids made from lines must differ between a/x.txt and b/x.txt.
            options = dataclasses.replace(options, name=self._names[file])
        rows = iter(read_corpus(file, options))
        if file == "-":
            return rows
        first = list(islice(rows, 1))
        if (
            options.langs and options.header is None and first and _line_of(first[0]) == 1
            and (options.format or named_format(file, options)) in (None, "tsv", "csv")
        ):  # fmt: skip
            note(
                f"note: the first line of {file} was read as a pair of sentences; "
                "if it names the columns, say --header"
            )
        return chain(first, rows)

    def _hear(self, event: Stage | LeftOut | Remark) -> None:
        from searchkbd.corpus.events import LeftOut, Stage

        if isinstance(event, Stage):
            self._update(event.label, event.unit, event.done, event.total)
        elif isinstance(event, LeftOut):
            self.left_out.append(event)
        else:
            note(f"note: {event.text}")

    def _update(self, label: str, unit: str, done: float, total: float | None) -> None:
        """Show what is done; one bar at a time, and a new one counts from where it begins."""
        if label != self._label:
            self._bars.close()
            unit, scale = ("MB", 1e-6) if unit == "bytes" else (unit, 1.0)
            self._bar = self._bars.enter_context(counted_progress(label, unit, scale))
            self._label, self._base = label, done
        self._bar(done - self._base, None if total is None else total - self._base)


def _line_of(item: Sentence | Reject) -> int:
    return (item.place if hasattr(item, "reason") else item.source).line


def _count_lines(corpora: Sequence[tuple[str, ReadOptions]]) -> float | None:
    """Return the lines of plain files; None when one is a pipe, compressed, or not of lines."""
    total = 0
    for file, options in corpora:
        if not Path(file).is_file() or Path(file).suffix in _COMPRESSED:
            return None
        if not _has_lines(file, options):
            return None
        lines = size = 0
        with open(file, "rb") as stream:
            while piece := stream.read(1 << 20):
                lines += piece.count(b"\n")
                size += len(piece)
        if size > _LONG_LINE * (lines + 1):
            return None
        total += lines
    return total


def _has_lines(file: str, options: ReadOptions) -> bool:
    """Return whether the rows of a corpus tell in which line of its first file they are."""
    from searchkbd.corpus.options import LINE_FORMATS
    from searchkbd.corpus.read import named_format

    format_ = options.format or named_format(file, options)
    return format_ in (None, "moses", "po", "tmx", "xliff", "weblate", *LINE_FORMATS)
