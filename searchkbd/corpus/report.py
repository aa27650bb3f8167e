"""The report of what was rejected: a TSV file that appears with the first reject."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import TextIO

from searchkbd.corpus.sentence import CorpusError, Reject

HEADER = "file\tline\treason\ttext\n"

# Control characters could do anything to the terminal on which the report is looked at.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_ESCAPES = _CONTROLS | str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class RejectReport:
    r"""Writes rejects to *path* as they come; the file is complete when the context ends.

    While it grows it is called ``PATH.partial``. Without a reject no file is written, and the
    report of an earlier run is removed, since it would be taken for this one's. Backslash, tab
    and line ends in the text are written ``\\``, ``\t``, ``\n``, ``\r``, other control characters
    ``\x`` and two hexadecimal digits.

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
        cells = (reject.place.file, str(reject.place.line), reject.reason, reject.raw)
        try:
            if self._file is None:
                self._file = self._opened()
                self._file.write(HEADER)
            self._file.write("\t".join(cell.translate(_ESCAPES) for cell in cells) + "\n")
        except OSError as error:
            raise CorpusError(
                f"the report of rejects {self.path} cannot be written: {error.strerror}; "
                "say where it may be: --rejects FILE"
            ) from None
        self.count += 1
        self.by_reason[reject.kind] += 1

    def _opened(self) -> TextIO:
        # Rejected text may hold anything, lone surrogates too. Written line by line: a full disk
        # has to stop a build before it is committed, not when the report is closed.
        return open(
            self._partial, "w", 1, encoding="utf-8", errors="backslashreplace", newline="\n"
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except OSError:  # told by add() already
                self._partial.unlink(missing_ok=True)
            else:
                os.replace(self._partial, self.path)
        elif kind is None:
            for path in (self.path, self._partial):  # the other is left by a run that was killed
                if _is_report(path):
                    path.unlink()


def _is_report(path: Path) -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readline() == HEADER
    except OSError:
        return False
