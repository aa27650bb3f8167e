"""Running the preparation on small tables, and reading what it wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from searchkbd.corpus.sentence import Place, Reject
from searchkbd.pairs.options import PrepareOptions
from searchkbd.pairs.reading import Pair
from searchkbd.pairs.run import Prepared, prepare

HEAD = ("lang_a", "lang_b", "text_a", "text_b", "group", "origin")

Row = tuple[str, ...]


@pytest.fixture(scope="session")
def write_table() -> Callable[..., Path]:
    """write_table(path, rows, head): a TSV."""

    def write(path: Path, rows, head=HEAD) -> Path:
        lines = ("\t".join(row) for row in [head, *rows])
        path.write_bytes("".join(f"{line}\n" for line in lines).encode())
        return path

    return write


def read_rows(path: Path) -> list[Row]:
    head, *rows = path.read_text("utf-8").removesuffix("\n").split("\n")
    assert tuple(head.split("\t")) == HEAD
    return [tuple(row.split("\t")) for row in rows]


@dataclass(frozen=True)
class Result:
    out: Path
    prepared: Prepared
    rejects: list[Reject]

    def rows(self, split: str = "train") -> list[Row]:
        return read_rows(self.out / f"{split}.tsv")

    def __getitem__(self, name: str):
        return self.prepared.statistics[name]


@pytest.fixture
def preparing(tmp_path, write_table) -> Callable[..., Result]:
    """preparing(rows, **options): what comes of a table; ``more`` are further arguments."""

    def preparing(rows, more=None, **options) -> Result:
        source = write_table(tmp_path / "in.tsv", rows)
        out, rejects = tmp_path / "out", []
        options = {"drop": frozenset(), **options}
        prepared = prepare(
            [str(source)], out, None, PrepareOptions(**options), on_reject=rejects.append,
            replace=True, **(more or {}),
        )  # fmt: skip
        return Result(out, prepared, rejects)

    return preparing


@pytest.fixture(scope="session")
def make_pair() -> Callable[..., Pair]:
    def pair(text_a: str, text_b: str, langs=("kbd", "ru"), *, machine=False, line=1) -> Pair:
        origin = "mt:nllb" if machine else "x"
        return Pair(langs, text_a, text_b, "", origin, machine, Place("x.tsv", line))

    return pair
