"""Scoring given pairs: similarity, margin and flags for each, and the cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchkbd.corpus.cut import COLUMNS
from searchkbd.corpus.decompress import shown
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import CorpusError, Reject
from searchkbd.encoders.base import Encoder
from searchkbd.mining import checks
from searchkbd.mining.cuts import Cuts, Scored, apply
from searchkbd.mining.margin import MARGIN_NEIGHBOURS, RATIO, margin
from searchkbd.mining.neighbours import neighbour_means
from searchkbd.mining.rows import check_output, number, write_rows
from searchkbd.mining.table import (
    FLAGGED,
    MARGIN,
    SIMILARITY,
    NoSimilarityError,
    PairTable,
    bit,
    flag_names,
)
from searchkbd.mining.texts import TextSet
from searchkbd.mining.units import Unit, pairs_of, read_units
from searchkbd.mining.vectors import Subset, VectorStore

_BLOCK = 8192

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class SetSummary:
    """The pairs of two languages: how many there are, how many were kept, the quartiles of their
    similarity, and the similarity from which the percentile kept them (None without one)."""

    langs: tuple[str, str]
    pairs: int
    kept: int
    quartiles: tuple[float, float, float]
    percentile: float | None


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """What scoring did; ``flags`` counts the pairs of each flag, kept or not; ``respaced``: cells
    in which a TSV could not hold a tab or a line break."""

    pairs: int
    kept: int
    flags: dict[str, int]
    sets: tuple[SetSummary, ...]
    respaced: int


def score_pairs(
    paths: Sequence[str | Path],
    out: str,
    encoder: Encoder | None,
    options: ReadOptions | None = None,
    cuts: Cuts | None = None,
    *,
    scoring: str = RATIO,
    neighbours: int = MARGIN_NEIGHBOURS,
    on_reject: Callable[[Reject], None],
    on_read: Callable[[int], None] | None = None,
    on_searched: Progress | None = None,
) -> ScoreSummary:
    """Write the pairs of the files *paths* to *out*, those that *cuts* keep, in their order.

    The files are one collection. Similarity is the cosine; the margin, by *scoring*, is over the
    *neighbours* nearest among the different texts that the pairs of the same two languages have
    on the other side. Without an *encoder* the similarity that each row gives is taken, and there
    is no margin.

    *on_reject* gets rows that cannot be used and sentences without a partner, *on_read* the lines
    read so far (texts are encoded as they are read), *on_searched* (texts done, in all). Memory:
    some 600 bytes a pair; rows and vectors go to temporary files. Raises CorpusError when nothing
    can be read or written, ValueError for a least margin without an encoder.
    """
    cuts = cuts or Cuts()
    check_output(out, map(str, paths))
    if encoder is None and cuts.min_margin is not None:
        raise ValueError("a least margin needs an encoder: given similarities have no margin")
    wrong: list[NDArray[np.bool_]] = []

    def identify(texts: list[str], langs: list[str]) -> None:
        wrong.append(np.array(checks.in_wrong_language(texts, langs)))

    dim = encoder.dim if encoder else 0
    with VectorStore(dim) as vectors:
        texts = TextSet(encoder, vectors, on_batch=identify)
        with PairTable(texts, given=encoder is None) as table:
            units = read_units(paths, options, on_reject=on_reject, progress=on_read)
            _fill(table, units, on_reject)
            texts.finish()
            if not len(table):
                raise CorpusError(_nothing(paths, given=encoder is None))
            flags = table.column("flags") | _late_flags(table, np.concatenate(wrong))
            similarity, margins = table.column("given"), None
            if encoder:
                similarity, margins = _scores(table, vectors, scoring, neighbours, on_searched)
            scored = Scored(
                table.column("set"), table.column("source"), flags, similarity, margins
            )
            keep, thresholds = apply(cuts, scored, [bit(flag) for flag in cuts.drop])
            names = (SIMILARITY, FLAGGED) if margins is None else (SIMILARITY, MARGIN, FLAGGED)
            header = table.header(names)
            respaced = write_rows(out, header, _rows(table, scored, keep))
            return ScoreSummary(
                len(table), int(keep.sum()),
                {flag: int(((flags & bit(flag)) > 0).sum()) for flag in checks.FLAGS},
                tuple(_set_summaries(table, scored, keep, thresholds)), respaced,
            )  # fmt: skip


def _fill(
    table: PairTable, units: Iterable[Unit], on_reject: Callable[[Reject], None]
) -> None:
    for unit in units:
        for a, b in pairs_of(unit, on_reject):
            try:
                table.add((a, b))
            except NoSimilarityError as error:
                on_reject(Reject(a.source, str(error), f"{a.text}\t{b.text}"))


def _late_flags(table: PairTable, wrong: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the flags that are told from more than the pair's own texts."""
    language = wrong[table.column("first")] | wrong[table.column("second")]
    length = np.zeros(len(table), dtype=bool)
    sets, logs, shorter = (table.column(name) for name in ("set", "log", "shorter"))
    for which in range(len(table.langs)):
        own = sets == which
        length[own] = checks.unusual_lengths(logs[own], shorter[own])
    return (language * bit(checks.LANGUAGE) | length * bit(checks.LENGTH)).astype(np.uint8)


def _scores(
    table: PairTable,
    vectors: VectorStore,
    scoring: str,
    neighbours: int,
    progress: Progress | None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the cosine and the margin of each pair, float32 ``[n]``."""
    sets, first, second = (table.column(name) for name in ("set", "first", "second"))
    cosines = np.empty(len(table), dtype=np.float32)
    for top in range(0, len(table), _BLOCK):
        rows = slice(top, top + _BLOCK)
        cosines[rows] = np.einsum("ij,ij->i", vectors[first[rows]], vectors[second[rows]])
    cosines = np.clip(cosines, -1, 1)
    margins = np.empty_like(cosines)
    owners = [np.flatnonzero(sets == which) for which in range(len(table.langs))]
    sides = [
        [np.unique(side[own], return_inverse=True) for side in (first, second)] for own in owners
    ]
    done, total = 0, sum(len(texts) for both in sides for texts, _ in both)
    for own, both in zip(owners, sides, strict=True):
        means = []
        for (texts, places), (others, _) in (both, both[::-1]):
            told = None if progress is None else lambda n, done=done: progress(done + n, total)
            of_texts = neighbour_means(
                Subset(vectors, texts), Subset(vectors, others), neighbours, told
            )
            means.append(of_texts[places.reshape(-1)])
            done += len(texts)
        margins[own] = margin(cosines[own], (means[0] + means[1]) / 2, scoring)
    return cosines, margins


def _rows(table: PairTable, scored: Scored, keep: NDArray[np.bool_]) -> Iterator[dict[str, Any]]:
    for at in np.flatnonzero(keep).tolist():
        row = table.rows[at]
        if scored.margin is None:
            row[SIMILARITY] = float(scored.similarity[at])
        else:
            row[SIMILARITY] = number(scored.similarity[at])
            row[MARGIN] = number(scored.margin[at])
        row[FLAGGED] = ",".join(flag_names(int(scored.flags[at])))
        yield row


def _set_summaries(
    table: PairTable, scored: Scored, keep: NDArray[np.bool_], thresholds: list[float | None]
) -> Iterator[SetSummary]:
    for which, langs in enumerate(table.langs):
        own = scored.sets == which
        quartiles = np.percentile(scored.similarity[own], (25, 50, 75)).tolist()
        least = thresholds[which] if thresholds else None
        yield SetSummary(langs, int(own.sum()), int((own & keep).sum()), tuple(quartiles), least)


def _nothing(paths: Sequence[str | Path], *, given: bool) -> str:
    names = ", ".join(shown(str(path)) for path in paths)
    if given:
        return f"{names}: no pairs with a {' or '.join(COLUMNS)}; score them without --given"
    return (
        f"{names}: no pairs; translations must stand in one row, or share their group, "
        "in two languages"
    )
