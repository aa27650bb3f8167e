"""Parallel text for training and measuring, from the tab-separated files of ``../shared/data``."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("lang_a", "lang_b", "text_a", "text_b", "origin")


@dataclass(frozen=True)
class Pair:
    """A Kabardian text, one translation, and how much the pair counts in training."""

    kabardian: str
    translation: str
    lang: str
    weight: float = 1.0


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a file with a header; raise ValueError for one with other columns."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        if not set(COLUMNS) <= set(rows.fieldnames or ()):
            raise ValueError(f"{path}: expected the columns {', '.join(COLUMNS)}")
        yield from rows


def read_parallel(path: Path) -> tuple[list[str], list[str]]:
    """Return the two sides of a file, row by row."""
    rows = list(read_rows(path))
    return [row["text_a"] for row in rows], [row["text_b"] for row in rows]


def read_pairs(folder: Path, weights: dict[str, float]) -> list[Pair]:
    """Return the pairs of every ``KIND_kbd_LANG_ORIGIN.tsv`` in *folder*, in order of file name.

    *weights* gives a weight for each KIND to read. Raises FileNotFoundError when there is none.
    """
    paths = sorted(
        path for kind in weights for path in folder.glob(f"{kind}_kbd_*.tsv") if path.is_file()
    )
    if not paths:
        raise FileNotFoundError(f"no files *_kbd_*.tsv in {folder}")
    pairs = []
    for path in paths:
        weight = weights[path.name.split("_", 1)[0]]
        for row in read_rows(path):
            if row["text_a"] and row["text_b"]:
                pairs.append(Pair(row["text_a"], row["text_b"], row["lang_b"], weight))
    return pairs


def read_distractors(corpus: Path, lang: str, count: int, exclude: Iterable[str]) -> list[str]:
    """Return the first *count* different texts of *lang* in a corpus file, none in *exclude*.

    Case and outer white space do not make texts different.
    """
    seen = {text.casefold().strip() for text in exclude}
    found: list[str] = []
    with corpus.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            key = row["text"].casefold().strip()
            if row["lang"] == lang and key not in seen:
                seen.add(key)
                found.append(row["text"])
                if len(found) == count:
                    break
    return found
