"""Keeping an index quick: few segments, few deleted sentences in them, codes of most.

Small segments of like size are merged when four of one language have come together, so a
sentence is written again once for each power of four that its segment grows by: the size-tiered
compaction of log-structured merge trees (O'Neil, Cheng, Gawlick, O'Neil 1996). A language that
lost a quarter of its sentences is written anew, and its codes are made again when the sentences
without any are a fifth of those with. So what is written stays within a fixed multiple of what was
added and deleted, in whatever order.
"""

from __future__ import annotations

import contextlib
import math
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.errors import IndexBusyError
from searchkbd.index import codes, schema, segments
from searchkbd.index.coding import code_language, wants_codes
from searchkbd.index.directory import size_of
from searchkbd.index.files import damaged
from searchkbd.index.reader import IndexReader
from searchkbd.index.segments import Segment, read_codes
from searchkbd.index.transaction import WriteTransaction

TIER = 4
"""Segments of like size that are merged, and how much larger those of the next size are."""

DEAD_SHARE = 0.25
"""Share of deleted sentences from which a language is written anew."""

UNCODED_SHARE = 0.2
"""Sentences without codes, as a share of those with, from which codes are made again."""

Progress = Callable[[int, int], None]
"""Called with sentences done and sentences in all: written anew, or given codes."""


@dataclass(frozen=True, slots=True)
class Compaction:
    """What was done; bytes are those of all files of the index."""

    segments_before: int
    segments_after: int
    sentences_written: int
    codes_made: int
    bytes_before: int
    bytes_after: int


@dataclass(frozen=True, slots=True)
class _Language:
    """The segments of a language: those that have codes, and the others."""

    lang: str
    coded: tuple[Segment, ...]
    others: tuple[Segment, ...]
    wants_codes: bool

    @property
    def segments(self) -> tuple[Segment, ...]:
        return self.coded + self.others

    def plan(
        self, merged: tuple[Segment, ...], make_codes: bool, drop_codes: bool = False
    ) -> _Plan:
        """Return what is to be done, with how many sentences there are."""
        live = sum(segment.entry.live for segment in self.segments)
        return _Plan(self.lang, merged, make_codes, drop_codes, live)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be done for one language: codes to drop, segments to merge, codes to make.

    ``sentences``: how many the language has.
    """

    lang: str
    merged: tuple[Segment, ...]
    make_codes: bool
    drop_codes: bool
    sentences: int

    @property
    def coded(self) -> int:
        """Sentences that get codes."""
        return self.sentences if self.make_codes else 0


def maintain(directory: str | Path, progress: Progress = lambda done, total: None) -> None:
    """Do what has become due: to be called after every write.

    It is a transaction of its own, so that the write stands before it begins. Where there is no
    room for it, or another process has begun to write, it is left to the next write. Raises
    IndexDamagedError.
    """
    with contextlib.suppress(IndexBusyError, OSError):
        _maintain(Path(directory), progress)


def _maintain(directory: Path, progress: Progress) -> None:
    with IndexReader(directory) as reader:
        if not any(_due(language) for language in _languages_of(reader)):
            return
    with WriteTransaction(directory, make=False) as transaction:
        plans = [plan for language in _languages(transaction) if (plan := _due(language))]
        _carry_out_all(transaction, plans, progress)
        transaction.commit()


def compact(
    directory: str | Path, progress: Progress = lambda done, total: None
) -> Compaction:
    """Merge all that can be merged, forget what was deleted, and give the space back.

    All or nothing. Raises what WriteTransaction does.
    """
    directory = Path(directory)
    IndexReader(directory).close()  # says what is wrong with it before anything is locked
    before = size_of(directory)
    with WriteTransaction(directory, make=False) as transaction:
        segments_before = len(transaction.segments())
        plans = [plan for language in _languages(transaction) if (plan := _all(language))]
        _carry_out_all(transaction, plans, progress)
        _forget_unused(transaction.connection)
        for name in schema.FULL_TEXT:
            transaction.connection.execute(f"INSERT INTO {name}({name}) VALUES ('optimize')")
        segments_after = len(transaction.segments())
        transaction.commit(shrink=True)
    written = sum(segment.entry.live for plan in plans for segment in plan.merged)
    made = sum(plan.make_codes for plan in plans)
    return Compaction(segments_before, segments_after, written, made, before, size_of(directory))


def _languages(transaction: WriteTransaction) -> list[_Language]:
    opened = [
        Segment(transaction.directory, entry, transaction.dim) for entry in transaction.segments()
    ]
    return _sorted_out(opened, read_codes(transaction.connection), transaction.dim)


def _languages_of(reader: IndexReader) -> list[_Language]:
    opened = [Segment(reader.directory, entry, reader.dim) for entry in reader.segments]
    return _sorted_out(opened, reader.codes, reader.dim)


def _sorted_out(opened: Sequence[Segment], entries: Sequence, dim: int) -> list[_Language]:
    coded = {row for entry, _ in entries for row in entry.segments}
    languages = []
    for lang in dict.fromkeys(segment.lang for segment in opened):
        own = [segment for segment in opened if segment.lang == lang]
        languages.append(
            _Language(
                lang,
                tuple(s for s in own if s.entry.row in coded),
                tuple(s for s in own if s.entry.row not in coded),
                wants_codes(sum(s.entry.live for s in own), dim),
            )
        )
    return languages


def _is_full(segment: Segment) -> bool:
    """Return whether a segment is so large that it is merged no more."""
    return len(segment) >= segments.SEGMENT_ROWS // 2


def _due(language: _Language) -> _Plan | None:
    """Return what has become due for a language."""
    every = language.segments
    dead = sum(len(s) - s.entry.live for s in every)
    if dead >= DEAD_SHARE * sum(map(len, every)):
        return language.plan(every, language.wants_codes)
    small = tuple(s for s in language.others if not _is_full(s))
    without = sum(s.entry.live for s in language.others)
    with_codes = sum(s.entry.live for s in language.coded)
    if language.wants_codes and without >= max(codes.CODES_ROWS, UNCODED_SHARE * with_codes):
        return language.plan(small if len(small) > 1 else (), True)
    tiers: dict[int, list[Segment]] = {}
    for segment in small:
        tiers.setdefault(int(math.log(len(segment), TIER)), []).append(segment)
    merged = tuple(s for tier in tiers.values() if len(tier) >= TIER for s in tier)
    return language.plan(merged, False) if merged else None


def _all(language: _Language) -> _Plan | None:
    """Return all that can be done for a language."""
    every = language.segments
    small = tuple(s for s in every if not _is_full(s))
    merged = tuple(
        s for s in every if s.entry.live < len(s) or (len(small) > 1 and s in small)
    )
    covered = bool(language.coded) and not language.others and not merged
    make_codes = language.wants_codes and not covered
    useless = bool(language.coded) and not language.wants_codes
    if not (merged or make_codes or useless):
        return None
    return language.plan(merged, make_codes, useless)


def _carry_out_all(
    transaction: WriteTransaction, plans: Sequence[_Plan], progress: Progress
) -> None:
    total = sum(segment.entry.live for plan in plans for segment in plan.merged)
    total += sum(plan.coded for plan in plans)
    done = 0

    def step(sentences: int) -> None:
        nonlocal done
        done += sentences
        progress(done, total)

    for plan in plans:
        _carry_out(transaction, plan, step)


def _carry_out(
    transaction: WriteTransaction, plan: _Plan, step: Callable[[int], None]
) -> None:
    rows = {segment.entry.row for segment in plan.merged}
    for entry, _ in read_codes(transaction.connection):
        # Also those of segments that are about to go.
        if entry.lang == plan.lang and (plan.drop_codes or rows & set(entry.segments)):
            transaction.drop_codes(plan.lang)
    if plan.merged:
        _merge(transaction, plan.merged, step)
    if plan.make_codes:
        code_language(transaction, plan.lang, step)


def _merge(
    transaction: WriteTransaction, sources: Sequence[Segment], step: Callable[[int], None]
) -> None:
    """Write the live sentences of *sources*, of one language, into as few as can be."""
    which, places, rows = _in_order(sources)
    for first in range(0, len(rows), segments.SEGMENT_ROWS):
        part = slice(first, first + segments.SEGMENT_ROWS)
        count = len(rows[part])
        halves = np.empty((count, transaction.dim), dtype=np.uint16)
        sums = np.empty(count, dtype=np.uint64)
        hubness = np.empty(count, dtype=np.float16)
        for number, segment in enumerate(sources):
            mine = which[part] == number
            at = places[part][mine]
            halves[mine] = segment.halves(at)
            sums[mine] = segment.row_file.sums[at]
            hubness[mine] = segment.row_file.hubness[at]
        keys = list(_keys_of(transaction, rows[part]))
        lang = sources[0].lang
        segment_row = transaction.write_segment(lang, rows[part], halves.view("<f2"), keys)
        transaction.write_row_file(lang, segment_row, rows[part], sums, hubness)
        step(count)
    for segment in sources:
        transaction.drop_segment(segment.entry.row)


def _in_order(
    sources: Sequence[Segment],
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """Return of all live sentences, by row: the number of the segment, the place in it, the row."""
    places = [
        np.arange(len(segment)) if segment.live is None else np.flatnonzero(segment.live)
        for segment in sources
    ]
    which = np.repeat(np.arange(len(sources), dtype=np.int32), list(map(len, places)))
    rows = np.concatenate([s.row_file.rows[at] for s, at in zip(sources, places, strict=True)])
    order = np.argsort(rows, kind="stable")
    return which[order], np.concatenate(places)[order], rows[order]


def _keys_of(transaction: WriteTransaction, rows: NDArray[np.int64]) -> Iterator[str]:
    """Yield the search keys of *rows*; raises IndexDamagedError for one without a sentence."""
    for first in range(0, len(rows), 500):
        batch = rows[first : first + 500].tolist()
        marks = ",".join("?" * len(batch))
        found = dict(
            transaction.connection.execute(
                f"SELECT row, key FROM sentences WHERE row IN ({marks})", batch
            )
        )
        for row in batch:
            if row not in found:
                path = schema.database_path(transaction.directory)
                raise damaged(path, f"row {row} has a vector and no sentence")
            yield found[row]


def _forget_unused(connection: sqlite3.Connection) -> None:
    for table, column in (("groups", "group_row"), ("origins", "origin_row")):
        connection.execute(
            f"DELETE FROM {table} WHERE row NOT IN (SELECT {column} FROM sentences)"
        )
