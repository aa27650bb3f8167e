"""Leaving out rows whose similarity is too low, as ``panagoa/tatoeba_kbd`` was cut.

The similarity of a row is a number in its column ``similarity`` or ``similarity_score``. Rows are
kept from a given similarity on, or from a given percentile of all the file's similarities on
(interpolated linearly, as ``numpy.percentile`` does), or from the higher of both.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from searchkbd.corpus.columns import Layout
from searchkbd.corpus.events import LeftOut
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import CorpusError, Reject, Sentence

if TYPE_CHECKING:
    from searchkbd.corpus.rows import RowReader

COLUMNS = ("similarity", "similarity_score")
"""Names of the column, in any case."""


def similarity_column(names: Iterable[str], file: str) -> str:
    """Return which of *names* is the column of similarities; CorpusError when none is."""
    for name in names:
        if name.strip().casefold() in COLUMNS:
            return name
    raise CorpusError(
        f"{file} has no column {' or '.join(COLUMNS)}, which --min-similarity and --percentile "
        "cut by; leave these options out"
    )


class Cut:
    """Where one file is cut, and how many of its rows were left out."""

    def __init__(self, file: str, options: ReadOptions, similarities: Sequence[float]) -> None:
        """*similarities*: of all rows, without NaN; needed for a percentile only."""
        self._file = file
        self._options = options
        self.below = -1.0 if options.min_similarity is None else options.min_similarity
        self.left_out = 0
        if options.percentile is not None and len(similarities):
            import numpy as np

            at = float(np.percentile(np.asarray(similarities, np.float64), options.percentile))
            self.below = max(self.below, at)

    def tell(self) -> None:
        """Say how many rows were left out."""
        self._options.on_event(LeftOut(self._file, self.left_out, self.below))


class SimilarityRows:
    """Stands in for a :class:`RowReader` to see the similarities of a table and nothing else."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._columns = _Columns(file)
        self.similarities = array("d")

    def reject(self, line: int, reason: str, raw: str) -> None:
        """Leave what is wrong to the reading that follows."""

    def read(
        self, layout: Layout, line: int, raw: str, cells: Sequence[str]
    ) -> Sequence[Sentence | Reject]:
        """Note the similarity of a row, if it has one."""
        value = self._columns.similarity(layout, cells)
        if value is not None:
            self.similarities.append(value)
        return ()


class CutRows:
    """Stands in for a :class:`RowReader` of a table, and reads only the rows that are kept."""

    def __init__(self, rows: RowReader, file: str, cut: Cut) -> None:
        self._rows = rows
        self._columns = _Columns(file)
        self._cut = cut
        self.reject = rows.reject

    def read(
        self, layout: Layout, line: int, raw: str, cells: Sequence[str]
    ) -> Sequence[Sentence | Reject]:
        """Return what the row gives; nothing for one that is left out."""
        if not any(map(str.strip, cells)):
            return ()
        if len(cells) == layout.width:
            value = self._columns.similarity(layout, cells)
            if value is None:
                return (self.reject(line, NO_SIMILARITY, raw),)
            if value < self._cut.below:
                self._cut.left_out += 1
                return ()
        return self._rows.read(layout, line, raw, cells)


NO_SIMILARITY = "no similarity"
"""Why a row is rejected where a cut was asked for."""


class _Columns:
    """Where the similarity stands; the rows of JSON Lines need not be alike."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._first = True
        self._layout: Layout | None = None
        self._at: int | None = None

    def similarity(self, layout: Layout, cells: Sequence[str]) -> float | None:
        """Return the number in the row *cells*, None when there is none.

        Raises CorpusError when the first row has no such column.
        """
        if layout is not self._layout:
            self._layout = layout
            columns = dict(layout.meta)
            name = next((name for name in columns if name.strip().casefold() in COLUMNS), None)
            if name is None and self._first:
                similarity_column(columns, self._file)
            self._first = False
            self._at = None if name is None else columns[name]
        if self._at is None or len(cells) <= self._at:
            return None
        try:
            value = float(cells[self._at])
        except ValueError:
            return None
        return value if value == value else None
