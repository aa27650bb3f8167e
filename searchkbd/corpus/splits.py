"""Which Parquet files of a data set make up which split, by their names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath

from searchkbd.corpus.sentence import CorpusError

# data/rus-00000-of-00003.parquet is the first of three files of the split rus.
_SHARD = re.compile(r"(.+)-\d+-of-(\d+)")
# Of rus/0000.parquet and rus/part-0.parquet, only the directory says anything.
_NAMELESS = re.compile(r"(?:part|shard)?[-_.]?\d+.*")
_DATA = "data"
_SHOWN = 40


def files_of_split(files: Sequence[str], split: str | None, name: str) -> list[str]:
    """Return, in order, the files of *split*, or of the only split when None.

    ``data/rus-00000-of-00001.parquet``, ``rus/0000.parquet`` and ``rus.parquet`` are of the split
    ``rus``; ``rus/train-00000-of-00001.parquet`` is of ``rus/train``, for which ``rus`` stands too
    where it is the only one.

    Raises CorpusError, for the data set *name*, when there is no such split, more than one, or
    not all of its files.
    """
    splits: dict[str, list[str]] = defaultdict(list)
    for file in sorted(files):
        if file.endswith(".parquet"):
            splits[_split(file)].append(file)
    if not splits:
        raise CorpusError(f"{name} has no Parquet files; download it and give its files by name")
    chosen = sorted(splits)
    if split is not None:
        chosen = [one for one in chosen if one == split] or [
            one for one in chosen if split in one.split("/")
        ]
    if len(chosen) != 1:
        problem = f"has no split {split!r}" if not chosen else "has several splits"
        listed = chosen or sorted(splits)
        more = ", ..." if len(listed) > _SHOWN else ""
        raise CorpusError(
            f"{name} {problem}; choose one: --split NAME ({', '.join(listed[:_SHOWN])}{more})"
        )
    found = splits[chosen[0]]
    count = expected(found)
    if count is not None and count != len(found):
        raise CorpusError(
            f"{name}: {len(found)} of the {count} files of the split {chosen[0]} are there; "
            "read it once with the network"
        )
    return found


def expected(files: Sequence[str]) -> int | None:
    """Return how many files there are in all by the names of *files*; None if they say nothing."""
    found = _SHARD.fullmatch(PurePosixPath(files[0]).stem)
    return int(found[2]) if found else None


def _split(file: str) -> str:
    path = PurePosixPath(file)
    parents = [part for part in path.parent.parts if part != _DATA]
    shard = _SHARD.fullmatch(path.stem)
    stem = shard[1] if shard else path.stem
    if parents and not shard and _NAMELESS.fullmatch(stem):
        return "/".join(parents)
    return "/".join([*parents, stem])
