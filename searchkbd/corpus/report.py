"""The report of what was rejected: a TSV file that appears with the first reject."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import TextIO

from searchkbd.corpus.sentence import CorpusError, Reject

HEADER = "file\tline\treason\ttext\n"

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class RejectReport:
    r"""Writes rejects to *path* as they come; the file is complete when the context ends.

    While it grows it is called ``PATH.partial``. Without a reject no file is written, and the
    report of an earlier run is removed, since it would be taken for this one's. Backslash, tab
    and line ends in the text are written ``\\``, ``\t``, ``\n``, ``\r``.

    ``count`` is the number of rejects, ``by_reason`` that of each kind of reason.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.count = 0
        self.by_reason: Counter[str] = Counter()
        self._partial = self.path.with_name(self.path.name + ".partial")
        self._file: TextIO | None = None

    def __enter__(self) -> RejectReport:
        return self

    def add(self, reject: Reject) -> None:
        """Write *reject*; raises CorpusError when the report cannot be."""
        if self._file is None:
            self._file = self._opened()
            self._file.write(HEADER)
        cells = (reject.place.file, str(reject.place.line), reject.reason, reject.raw)
        self._file.write("\t".join(cell.translate(_ESCAPES) for cell in cells) + "\n")
        self.count += 1
        self.by_reason[reject.kind] += 1

    def _opened(self) -> TextIO:
        try:
            # Rejected text may hold anything, lone surrogates too.
            return open(
                self._partial, "w", encoding="utf-8", errors="backslashreplace", newline="\n"
            )
        except OSError as error:
            raise CorpusError(
                f"the report of rejects {self.path} cannot be written: {error.strerror}; "
                "say where it may be: --rejects FILE"
            ) from None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
            os.replace(self._partial, self.path)
        elif kind is None and self._is_report():
            self.path.unlink()

    def _is_report(self) -> bool:
        try:
            with open(self.path, encoding="utf-8", errors="replace") as file:
                return file.readline() == HEADER
        except OSError:
            return False
