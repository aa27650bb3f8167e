"""Making codes of a language's segments, and setting how they are searched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchkbd.errors import SearchkbdError
from searchkbd.index import codes
from searchkbd.index.codes import TARGETS, Codes, CodesEntry, Recall, make_codes
from searchkbd.index.hubness import read_anchors
from searchkbd.index.partition import Partition
from searchkbd.index.reader import IndexReader
from searchkbd.index.segments import Segment, read_codes
from searchkbd.index.transaction import WriteTransaction
from searchkbd.index.tuning import SAMPLE, tuned, untuned
from searchkbd.index.vectors import widen

_TARGET = "recall_target"  # in ``meta``; not there: codes.TARGETS


class NothingToTuneError(SearchkbdError):
    """An index that is searched by exact scans alone has nothing to be set."""


def wants_codes(sentences: int, dim: int) -> bool:
    """Return whether a language with so many sentences is searched by codes."""
    return sentences >= codes.CODES_ROWS and codes.width(dim, sentences) is not None


def code_language(
    transaction: WriteTransaction, lang: str, step: Callable[[int], None] = lambda rows: None
) -> None:
    """Make codes of all segments of *lang*, in the place of those it has, and measure them.

    *step* is called with the number of sentences that have got codes since.
    """
    segments = _segments(transaction, lang)
    dim = transaction.dim
    kind, data = make_codes(segments, dim, step)
    entry = CodesEntry(0, lang, kind, tuple(s.entry.row for s in segments), untuned())
    transaction.write_codes(entry, data)
    _tune(transaction, lang, _sample(transaction, segments, SAMPLE), _targets(transaction))


def tune_index(
    directory: str | Path,
    target: float | None = None,
    sample: int = 1000,
    progress: Callable[[int, int], None] | None = None,
) -> list[CodesEntry]:
    """Measure the codes of every language on *sample* of the index's sentences and set them.

    *target* is the recall@10 that ``balanced`` searches are to reach, from now on: codes that are
    made later are set for it too. None: what was asked for last. Returns what was set.
    *progress* is called with languages done and languages in all. Raises NothingToTuneError where
    there are no codes, and what WriteTransaction does.
    """
    IndexReader(directory).close()  # says what is wrong with it before anything is locked
    with WriteTransaction(Path(directory), make=False) as transaction:
        languages = [entry.lang for entry, _ in read_codes(transaction.connection)]
        if not languages:
            raise NothingToTuneError(
                f"{directory}: every language is small enough to be searched exactly; "
                "there is nothing to tune"
            )
        if target is not None:
            transaction.connection.execute(
                "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (_TARGET, str(target))
            )
        targets = _targets(transaction)
        every = [Segment(transaction.directory, e, transaction.dim) for e in transaction.segments()]
        drawn = _drawn(every, sample)
        for number, lang in enumerate(languages, start=1):
            _tune(transaction, lang, drawn, targets)
            if progress:
                progress(number, len(languages))
        entries = [entry for entry, _ in read_codes(transaction.connection)]
        transaction.commit()
        return entries


def _targets(transaction: WriteTransaction) -> dict[Recall, float]:
    return targets_of(dict(transaction.connection.execute("SELECT key, value FROM meta")))


def targets_of(meta: Mapping[str, str]) -> dict[Recall, float]:
    """Return the recall that each level is to reach in an index with this ``meta``."""
    balanced = float(meta.get(_TARGET, TARGETS[Recall.BALANCED]))
    return {Recall.FAST: min(TARGETS[Recall.FAST], balanced), Recall.BALANCED: balanced}


def _tune(
    transaction: WriteTransaction,
    lang: str,
    sample: NDArray[np.float32],
    targets: Mapping[Recall, float],
) -> None:
    entry, file = next(
        (e, f) for e, f in read_codes(transaction.connection) if e.lang == lang
    )
    by_row = {segment.entry.row: segment for segment in _segments(transaction, lang)}
    coded = [by_row[row] for row in entry.segments]
    opened = Codes(transaction.directory, file, entry, sum(map(len, coded)), transaction.dim)
    partition = Partition(lang, transaction.dim, coded, (), opened)
    transaction.set_efforts(entry.row, tuned(partition, sample, targets))


def _segments(transaction: WriteTransaction, lang: str) -> list[Segment]:
    return [
        Segment(transaction.directory, entry, transaction.dim)
        for entry in transaction.segments()
        if entry.lang == lang
    ]


def _sample(
    transaction: WriteTransaction, segments: list[Segment], count: int
) -> NDArray[np.float32]:
    """Return vectors of the whole index if some are at hand, else of *segments*."""
    anchors = read_anchors(transaction.connection, transaction.directory)
    if anchors is None:
        return _drawn(segments, count)
    # Evenly: they lie segment after segment, so the first ones are all of one language.
    count = min(count, len(anchors.vectors))
    return anchors.vectors[np.arange(count) * len(anchors.vectors) // count]


def _drawn(segments: list[Segment], count: int) -> NDArray[np.float32]:
    """Return *count* vectors, evenly from all live sentences of *segments*."""
    live = [
        np.arange(len(segment)) if segment.live is None else np.flatnonzero(segment.live)
        for segment in segments
    ]
    total = sum(map(len, live))
    wanted = np.unique(np.arange(min(count, total)) * total // max(1, min(count, total)))
    parts = []
    start = 0
    for segment, places in zip(segments, live, strict=True):
        mine = wanted[(wanted >= start) & (wanted < start + len(places))] - start
        parts.append(widen(segment.halves(places[mine])))
        start += len(places)
    return np.concatenate(parts)
