"""The log of a training: a CSV file to which rows are appended as they come.

A row says what was known after one step: of the training (loss, learning rate …), of an
evaluation (its figures), or of both; cells of what was not measured are empty. A killed process
leaves whole rows and at most one torn one, and a training that goes on from a checkpoint drops
what lies after it, so that no step is there twice.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from searchkbd.encoders.tensors import write_atomically
from searchkbd.errors import SearchkbdError

_TRAINING = ("loss", "learning_rate", "grad_norm")
COLUMNS = ("step", "epoch", "seconds", *_TRAINING)
"""The columns before those of the figures."""

_MAX_BYTES = 256 << 20
_BINARY = getattr(os, "O_BINARY", 0)  # of Windows


class LogError(SearchkbdError):
    """A log cannot be gone on with: it is damaged, or not the one of this training."""


@dataclass(frozen=True)
class LogRow:
    """What was known after *step*: ``seconds`` of training until then, by the clock."""

    step: int
    epoch: float
    seconds: float
    loss: float | None = None
    learning_rate: float | None = None
    grad_norm: float | None = None
    figures: dict[str, float] = field(default_factory=dict)
    """By column, as ``DevFigures.columns`` names them."""


class TrainingLog:
    """The log in the file *path*."""

    def __init__(self, path: Path, figures: Sequence[str]) -> None:
        """Name the columns of *figures*. Call :meth:`start` or :meth:`resume` next."""
        self.path = path
        self.columns = (*COLUMNS, *figures)

    def start(self) -> None:
        """Make the file anew, with no rows. Raises OSError when it cannot be written."""
        write_atomically(self.path, _line(self.columns))

    def resume(self, step: int) -> None:
        """Drop what was logged after *step*, and a row that was torn by a kill.

        A file that is not there is made anew: it was lost, the training was not. Raises LogError
        for a file with other columns or rows that are none.
        """
        if not self.path.exists():
            self.start()
            return
        header, rows = _read(self.path)
        if header != self.columns:
            raise LogError(
                f"{self.path}: not the log of this training, it has other columns; start anew "
                "with --restart, or choose another --out"
            )
        kept = [row for row in rows if row.step <= step]
        lines = [_line(header), *(self._cells(row) for row in kept)]
        write_atomically(self.path, b"".join(lines))

    def append(self, row: LogRow) -> None:
        """Write *row* at the end; it is on disk on return.

        Raises ValueError for a figure that has no column and OSError when the disk is full.
        """
        data = self._cells(row)
        # One write of a whole line: what a kill can tear is the last line only.
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | _BINARY)
        try:
            while data:
                data = data[os.write(descriptor, data) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @property
    def seconds(self) -> float:
        """Seconds of training until the last row; 0 when there is none."""
        return max((row.seconds for row in self.rows()), default=0.0)

    def rows(self) -> list[LogRow]:
        """Return the rows in order, those of one step made one. Raises LogError."""
        return read_log(self.path)

    def _cells(self, row: LogRow) -> bytes:
        unknown = row.figures.keys() - set(self.columns[len(COLUMNS) :])
        if unknown:
            raise ValueError(f"{self.path} has no column {', '.join(sorted(unknown))}")
        training = [_number(getattr(row, name)) for name in _TRAINING]
        figures = [_number(row.figures.get(name)) for name in self.columns[len(COLUMNS) :]]
        seconds = f"{row.seconds:.1f}"
        return _line([str(row.step), _number(row.epoch), seconds, *training, *figures])


def read_log(path: Path) -> list[LogRow]:
    """Return the rows of the log in *path*, those of one step made one. Raises LogError."""
    return merged(_read(path)[1])


def merged(rows: Iterable[LogRow]) -> list[LogRow]:
    """Return *rows* with those of one step made one; what a later one knows counts."""
    found: dict[int, LogRow] = {}
    for row in rows:
        before = found.get(row.step)
        if before is not None:
            known = {name: getattr(row, name) for name in _TRAINING}
            known = {name: value for name, value in known.items() if value is not None}
            row = replace(
                before, epoch=row.epoch, seconds=max(before.seconds, row.seconds),
                figures=before.figures | row.figures, **known,
            )  # fmt: skip
        found[row.step] = row
    return list(found.values())


def _read(path: Path) -> tuple[tuple[str, ...], list[LogRow]]:
    """Return the columns and the whole rows of a log."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise LogError(f"{path}: {path.stat().st_size:,} bytes are too many for a log")
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise LogError(f"{path}: damaged ({error})") from error
    whole = text[: text.rfind("\n") + 1]
    lines = list(csv.reader(io.StringIO(whole)))
    if not lines or tuple(lines[0][: len(COLUMNS)]) != COLUMNS:
        raise LogError(f"{path}: not a log of a training, its first line is not that of one")
    header = tuple(lines[0])
    rows = []
    for number, cells in enumerate(lines[1:], start=2):
        try:
            rows.append(_row(header, cells))
        except ValueError as error:
            raise LogError(f"{path}, line {number}: damaged ({error})") from error
    return header, rows


def _row(header: tuple[str, ...], cells: list[str]) -> LogRow:
    if len(cells) != len(header):
        raise ValueError(f"{len(cells)} cells, not {len(header)}")
    values = [float(cell) if cell else None for cell in cells[1:]]
    epoch, seconds, *training = values[: len(COLUMNS) - 1]
    if epoch is None or seconds is None:
        raise ValueError("no epoch or no seconds")
    named = zip(header[len(COLUMNS) :], values[len(COLUMNS) - 1 :], strict=True)
    figures = {name: value for name, value in named if value is not None}
    return LogRow(int(cells[0]), epoch, seconds, *training, figures)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _line(cells: Sequence[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue().encode("utf-8")
