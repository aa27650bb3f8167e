"""Removing near duplicates from files: by search key, then by meaning and spelling together."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from searchkbd.corpus.cut import COLUMNS
from searchkbd.corpus.decompress import shown
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import CorpusError, Reject
from searchkbd.encoders.base import Encoder
from searchkbd.mining.checks import numbers
from searchkbd.mining.near import EDIT, SIMILARITY, Items, near_duplicates
from searchkbd.mining.rows import (
    PAIR_COLUMNS,
    SENTENCE_COLUMNS,
    Columns,
    check_output,
    number,
    pair_record,
    sentence_record,
    write_rows,
)
from searchkbd.mining.spool import Spool
from searchkbd.mining.table import NoSimilarityError, given_similarity
from searchkbd.mining.texts import TextSet, digest_of
from searchkbd.mining.units import Unit, language_order, read_units
from searchkbd.mining.vectors import VectorStore
from searchkbd.text.forms import search_key

FIRST = "first"
BEST = "best"
KEEP = (FIRST, BEST)

# Punctuation around a text, in its search key; but a question is not the same as a statement.
_OUTER = " .,;:!\"'()-"

REPORT_COLUMNS = (
    "file", "line", "text", "kept_file", "kept_line", "kept_text", "reason", "similarity", "edit",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DedupeSummary:
    """Units read and kept, and dropped for their key or for being near; ``form`` is ``pairs`` or
    ``sentences``; ``respaced``: cells in which a TSV could not hold a tab or a line break."""

    form: str
    units: int
    kept: int
    by_key: int
    near: int
    respaced: int


def dedupe_files(
    paths: Sequence[str | Path],
    out: str,
    encoder: Encoder | None,
    options: ReadOptions | None = None,
    *,
    similarity: float = SIMILARITY,
    edit: float = EDIT,
    keep: str = FIRST,
    report: str | None = None,
    on_reject: Callable[[Reject], None],
    on_read: Callable[[int], None] | None = None,
    on_compared: Callable[[int, int], None] | None = None,
) -> DedupeSummary:
    """Write the units of the files *paths* to *out*, in their order, without the duplicates.

    A unit is a row, or the sentences of a group that goes over many rows. Two units in the same
    languages are duplicates when all their search keys are equal or, with an *encoder*, when each
    sentence is near to the other's (see :func:`near_duplicates`) and has the same numbers; there,
    search keys are compared without the punctuation around them, but for question marks. *keep*:
    the ``first`` of them or the ``best``, the one with the highest similarity in its row. What was
    dropped goes to *report*, a TSV of :data:`REPORT_COLUMNS`.

    *out* has pairs, one a row, when all units are rows of two texts, else one sentence a row.
    Memory: some 500 bytes a unit; rows and vectors go to temporary files. Raises CorpusError when
    nothing can be read or written, or no row has a similarity to keep the best by.
    """
    inputs = list(map(str, paths))
    check_output(out, inputs)
    if report is not None:
        check_output(report, [*inputs, out], "--report")
    if keep not in KEEP:
        raise ValueError(f"keep is {' or '.join(KEEP)}, not {keep}")
    with VectorStore(encoder.dim if encoder else 0) as vectors, _Units(encoder, vectors) as units:
        for unit in read_units(paths, options, on_reject=on_reject, progress=on_read):
            units.add(unit)
        units.finish()
        if not len(units.rows):
            raise CorpusError(f"{', '.join(map(shown, inputs))}: no sentences")
        preferred = units.preferred(keep)
        dropped, rest = units.equal(preferred)
        if encoder:
            near = dict(units.near(rest, similarity, edit, on_compared))
            # What had the keys of a unit that is gone stands for what that one stands for.
            dropped |= {at: near[one.kept] for at, one in dropped.items() if one.kept in near}
            dropped |= near
        by_key = sum(one.edit is None for one in dropped.values())
        respaced = write_rows(out, *units.output(dropped))
        if report is not None:
            write_rows(report, REPORT_COLUMNS, units.report(dropped))
        return DedupeSummary(
            "pairs" if units.all_pairs else "sentences", len(units.rows),
            len(units.rows) - len(dropped), by_key, len(dropped) - by_key, respaced,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Dropped:
    """The unit that is kept in its place; cosine and edit similarity, None for equal keys."""

    kept: int
    similarity: float | None = None
    edit: float | None = None


class _Units:
    """The units as they were read, on disk, and what they are compared by."""

    def __init__(self, encoder: Encoder | None, vectors: VectorStore) -> None:
        self.rows = Spool()
        self.all_pairs = True
        self._vectors = vectors
        self._texts = TextSet(encoder, vectors)
        self._pair_columns = Columns(PAIR_COLUMNS)
        self._columns = Columns(SENTENCE_COLUMNS)
        self._digests: list[bytes] = []
        self._marks = array("q")
        self._similarities = array("d")
        # Languages → numbers of the units in them, and of their texts, as many as languages.
        self._members: dict[tuple[str, ...], array] = defaultdict(lambda: array("q"))
        self._sides: dict[tuple[str, ...], array] = defaultdict(lambda: array("q"))

    def __enter__(self) -> _Units:
        return self

    def __exit__(self, *error: object) -> None:
        self.rows.__exit__(*error)

    def add(self, unit: Unit) -> None:
        keyed = sorted(
            ((s.lang, search_key(s.text)) for s in unit),
            key=lambda side: (language_order(side[0]), side[1]),
        )
        langs, keys = zip(*keyed, strict=True)
        self._members[langs].append(len(self.rows))
        bare = [key.strip(_OUTER) or key for key in keys]
        self._sides[langs].extend(map(self._texts.add, langs, bare))
        self._digests.append(digest_of(*langs, "", *keys))
        counted = ["\t".join(numbers(key)) for key in keys]
        self._marks.append(int.from_bytes(digest_of(*counted)[:8], "big", signed=True))
        self._similarities.append(_similarity(unit))
        rows = [sentence_record(sentence) for sentence in unit]
        for row in rows:
            self._columns.add(row)
        place = unit[0].source
        record = {"file": place.file, "line": place.line, "keys": bare, "rows": rows}
        if len(unit) == 2 and unit[0].source == unit[1].source:
            record["pair"] = pair_record((unit[0], unit[1]))
            self._pair_columns.add(record["pair"])
        else:
            self.all_pairs = False
        self.rows.append(record)

    def finish(self) -> None:
        """Encode what is waiting."""
        self._texts.finish()

    def preferred(self, keep: str) -> np.ndarray:
        """Return the numbers of the units, those first that shall be kept; raises CorpusError."""
        if keep == FIRST:
            return np.arange(len(self.rows))
        values = np.array(self._similarities)
        if np.isnan(values).all():
            raise CorpusError(
                f"no row has a {' or '.join(COLUMNS)}, so none is the best; "
                "score the pairs first, or --keep first"
            )
        return np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")

    def equal(self, preferred: np.ndarray) -> tuple[dict[int, _Dropped], list[int]]:
        """Return the units that have the keys of one before them, and the others."""
        first: dict[bytes, int] = {}
        dropped: dict[int, _Dropped] = {}
        rest = []
        for at in preferred.tolist():
            kept = first.setdefault(self._digests[at], at)
            if kept == at:
                rest.append(at)
            else:
                dropped[at] = _Dropped(kept)
        return dropped, rest

    def near(
        self,
        rest: list[int],
        similarity: float,
        edit: float,
        progress: Callable[[int, int], None] | None,
    ) -> Iterator[tuple[int, _Dropped]]:
        """Yield the near duplicates among the units *rest*, the preferred ones first."""
        rank = np.full(len(self.rows), -1)
        rank[rest] = np.arange(len(rest))
        marks = np.array(self._marks)
        done = 0
        for langs, members in self._members.items():
            numbers_ = np.array(members)
            order = np.argsort(rank[numbers_], kind="stable")
            order = order[rank[numbers_[order]] >= 0]
            chosen = numbers_[order]
            sides = np.array(self._sides[langs]).reshape(-1, len(langs))[order]
            items = Items(
                self._vectors, sides, marks[chosen],
                lambda at, chosen=chosen: self.rows[int(chosen[at])]["keys"],
            )  # fmt: skip
            told = progress and (lambda n, done=done: progress(done + n, len(rest)))
            for near in near_duplicates(items, similarity=similarity, edit=edit, progress=told):
                kept = int(chosen[near.kept])
                yield int(chosen[near.dropped]), _Dropped(kept, near.similarity, near.edit)
            done += len(chosen)

    def output(self, dropped: dict[int, _Dropped]) -> tuple[list[str], Iterator[dict[str, Any]]]:
        """Return the header and the rows of what is kept."""
        kept = (self.rows[at] for at in range(len(self.rows)) if at not in dropped)
        if self.all_pairs:
            return self._pair_columns.names(), (unit["pair"] for unit in kept)
        return self._columns.names(), (row for unit in kept for row in unit["rows"])

    def report(self, dropped: dict[int, _Dropped]) -> Iterator[dict[str, Any]]:
        """Yield the rows of the report, in the order of the files."""
        for at in sorted(dropped):
            one = dropped[at]
            row, kept = self.rows[at], self.rows[one.kept]
            by_key = one.edit is None
            yield {
                "file": row["file"], "line": row["line"], "text": _shown(row),
                "kept_file": kept["file"], "kept_line": kept["line"], "kept_text": _shown(kept),
                "reason": "key" if by_key else "near",
                "similarity": None if by_key else number(one.similarity),
                "edit": None if by_key else number(one.edit),
            }  # fmt: skip


def _shown(unit: dict[str, Any]) -> str:
    return " | ".join(row["text"] for row in unit["rows"])


def _similarity(unit: Unit) -> float:
    try:
        return given_similarity(unit[0])
    except NoSimilarityError:
        return float("nan")
