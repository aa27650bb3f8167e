"""The directory of prepared pairs: all of its files at once, or none."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from searchkbd.corpus.sentence import CorpusError
from searchkbd.encoders.tensors import sync_directory
from searchkbd.export.tables import one_line
from searchkbd.pairs.options import SPLITS

COLUMNS = ("lang_a", "lang_b", "text_a", "text_b", "group", "origin")
STATISTICS = "statistics.json"
CARD = "README.md"
FILES = (*(f"{split}.tsv" for split in SPLITS), STATISTICS, CARD)


def check_directory(out: Path, replace: bool) -> None:
    """Raise CorpusError unless *out* is new, empty or, with *replace*, what was written before."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise CorpusError(f"{out}: not a directory; give --out the name of a new one")
    if not Path(os.path.abspath(out)).parent.is_dir():
        raise CorpusError(f"{out}: in a directory that is not there; make it first")
    there = {path.name for path in out.iterdir()} if out.exists() else set()
    if not there:
        return
    strange = sorted(there - set(FILES))
    if strange:
        raise CorpusError(
            f"{out}: not written to, as it holds other things ({strange[0]}); "
            "give --out another directory"
        )
    if not replace:
        raise CorpusError(f"{out}: pairs are there already; add --replace, or choose another --out")


class OutputDirectory:
    """Files that appear in *out* when the context ends well, in the place of those before.

    ``respaced`` counts the cells in which a tab or a line break, which a TSV cannot hold, became
    a space.
    """

    def __init__(self, out: Path) -> None:
        self._out = Path(os.path.abspath(out))
        self._new = self._aside("new")
        self._open: dict[str, TextIO] = {}
        self.respaced = 0

    def __enter__(self) -> OutputDirectory:
        self._new.mkdir()
        return self

    def pairs(self, split: str, rows: Iterator[Mapping[str, str]]) -> None:
        """Write the pairs of a split, which may be none."""
        with self._file(f"{split}.tsv") as file:
            file.write("\t".join(COLUMNS) + "\n")
            for row in rows:
                cells = [row[name] for name in COLUMNS]
                plain = list(map(one_line, cells))
                self.respaced += sum(map(str.__ne__, plain, cells))
                file.write("\t".join(plain) + "\n")

    def json(self, name: str, shape: Any) -> None:
        """Write *shape*, indented."""
        self.text(name, json.dumps(shape, ensure_ascii=False, indent=2) + "\n")

    def text(self, name: str, text: str) -> None:
        """Write a text."""
        with self._file(name) as file:
            file.write(text)

    @contextlib.contextmanager
    def _file(self, name: str) -> Iterator[TextIO]:
        with open(self._new / name, "x", encoding="utf-8", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._put_in_place()
        finally:
            shutil.rmtree(self._new, ignore_errors=True)

    def _put_in_place(self) -> None:
        sync_directory(self._new)
        old = self._aside("old")
        if self._out.exists():
            os.rename(self._out, old)
        try:
            os.rename(self._new, self._out)
        except BaseException:
            if old.exists():
                os.rename(old, self._out)
            raise
        sync_directory(self._out.parent)
        shutil.rmtree(old, ignore_errors=True)

    def _aside(self, what: str) -> Path:
        return self._out.with_name(f".{self._out.name}.{secrets.token_hex(4)}.{what}")
