"""Plain text: one sentence a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from searchkbd.corpus.columns import Layout, Part
from searchkbd.corpus.lines import Line
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import Reject, Sentence

_LAYOUT = Layout(width=1, parts=(Part(text=0),))


def read_plain(lines: Iterable[Line], rows: RowReader) -> Iterator[Sentence | Reject]:
    """Yield a sentence for each line that is not blank."""
    for number, line, problem in lines:
        if problem:
            yield rows.reject(number, problem, line)
        else:
            yield from rows.read(_LAYOUT, number, line, (line,))
