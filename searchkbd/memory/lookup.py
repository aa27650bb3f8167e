"""Looking segments up: matches by edits, by meaning, by parts, and the nearest below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from searchkbd.encoders.base import Encoder
from searchkbd.index import sketches
from searchkbd.index.codes import Recall
from searchkbd.index.reader import IndexReader, StoredSentence
from searchkbd.index.sketches import Similar
from searchkbd.memory.candidates import (
    Candidate,
    best_first,
    distinct,
    match,
    read_query,
    scored,
)
from searchkbd.memory.match import Lookup, Match, MatchKind
from searchkbd.memory.parts import PartFinder
from searchkbd.memory.query import LookupOptions, Query
from searchkbd.memory.units import UnitFinder
from searchkbd.search import lexical, semantic
from searchkbd.search.ranking import Ranked
from searchkbd.text.segment import base_form

if TYPE_CHECKING:
    from searchkbd.index.texts import TextFile

FLOOR = 30
"""Edit quality below which nothing is looked for, whatever the thresholds."""

LEAST_SIMILARITY = 0.3
"""Cosine to step down to when nothing reaches the thresholds."""

SHARING = 200
"""Sources with the same words and trigrams among which parts and the nearest are looked for."""

_FIRST_ROWS = 32
_MOST_ROWS = 2048
_SEMANTIC_DEPTH = 64

_T = TypeVar("_T")


def look_up(
    reader: IndexReader,
    encoder: Encoder | None,
    queries: Sequence[Query],
    source_lang: str,
    target_lang: str,
    *,
    options: LookupOptions,
) -> list[Lookup]:
    """Return for each query up to ``options.k`` units, best first (docs/memory.md).

    Matches by edits (quality ≥ ``min_quality``) come first; where they do not fill ``k``, those by
    meaning (similarity ≥ ``min_similarity``); where there are none by edits, parts; where there is
    nothing, the nearest below. Matches with the same target (by search key) are given once, the
    best. Queries are encoded in one call; *encoder* may be None without ``options.semantic``.
    """
    search = _Search(reader, encoder, source_lang, target_lang, options)
    return [
        Lookup(query.text, source_lang, target_lang, matches)
        for query, matches in zip(queries, search.run(queries), strict=True)
    ]


_NEAR, _FAR = 75, 65
"""Below the second quality, the first is looked down to before."""


class _Pool:
    """The candidates met so far for one query, each source scored once."""

    def __init__(self, query: Query, vector: np.ndarray | None) -> None:
        self.asked = read_query(query)
        self.vector = vector
        self.candidates: list[Candidate] = []
        self.nearest: list[Ranked] = []
        self.similarity: dict[int, float] = {}
        self.sharing: list[StoredSentence] | None = None
        self._seen: set[int] = set()

    def new(self, rows: Iterable[int]) -> list[int]:
        """Return those of *rows* that were not met before, and remember them."""
        new = [row for row in rows if row not in self._seen]
        self._seen.update(new)
        return new

    def by_edits(self, least: int) -> list[Candidate]:
        """Return the candidates of a quality of *least* or more, best first."""
        return distinct(best_first(c for c in self.candidates if c.quality >= least))

    def by_meaning(self, least: float) -> list[Candidate]:
        """Return the candidates of a similarity of *least* or more, nearest first."""
        near = [
            c for c in self.candidates if self.similarity.get(c.unit.source.row, -1.0) >= least
        ]
        return distinct(
            sorted(near, key=lambda c: (-self.similarity[c.unit.source.row], -c.quality))
        )


class _Search:
    """One batch of look-ups."""

    def __init__(
        self,
        reader: IndexReader,
        encoder: Encoder | None,
        source_lang: str,
        target_lang: str,
        options: LookupOptions,
    ) -> None:
        if options.semantic and encoder is None:
            raise ValueError("an encoder is needed to search by meaning")
        self._reader = reader
        self._encoder = encoder
        self._source_lang = source_lang
        self._options = options
        self._units = UnitFinder(
            reader, source_lang, target_lang, options.penalties, options.pivots
        )
        self._possible = {source_lang, target_lang} <= set(reader.sentences_per_language)

    @cached_property
    def _files(self) -> list[TextFile]:
        return [file for file in self._reader.text_files if file.lang == self._source_lang]

    def run(self, queries: Sequence[Query]) -> list[tuple[Match, ...]]:
        if not queries or not self._possible:
            return [() for _ in queries]
        options = self._options
        vectors: Iterable[np.ndarray | None] = [None] * len(queries)
        if options.semantic:
            texts = [query.text for query in queries]
            vectors = self._encoder.encode(texts, [self._source_lang] * len(texts))
        pools = [_Pool(*each) for each in zip(queries, vectors, strict=True)]
        for pool in pools:
            self._by_edits(pool, max(options.min_quality, FLOOR))
        if options.semantic and options.min_similarity < 1:
            self._by_meaning(
                [p for p in pools if len(p.by_edits(options.min_quality)) < options.k]
            )
        return [self._matches(pool) for pool in pools]

    def _by_edits(self, pool: _Pool, least: int) -> None:
        """Add the units whose source has an edit quality of *least* or more, the best ``k``."""
        base = pool.asked.segment.base
        # Down to a high quality is several times as fast; enough of those leave no place for less.
        for step in (_NEAR, least) if least < _FAR else (least,):
            self._add_alike(pool, sketches.similar(self._files, base, step / 100), step)
            if len(pool.by_edits(step)) >= self._options.k:
                break

    def _add_alike(self, pool: _Pool, alike: Sequence[Similar], least: int) -> None:
        """Add the units of *alike*, best first, until the rest cannot be among the best ``k``."""
        asked, k = pool.asked, self._options.k
        for batch in _growing(alike):
            longest = max(batch[0].length, len(asked.segment.base))
            bound = 100 * (longest - batch[0].edits) // longest
            # Among sources that are the segment, any may have its context.
            if not (bound == 100 and asked.has_context):
                best = pool.by_edits(least)
                if len(best) >= k and best[k - 1].quality >= bound:
                    break
            self._add(pool, (similar.row for similar in batch))

    def _by_meaning(self, pools: list[_Pool]) -> None:
        """Add the units whose source is near in meaning.

        Many a near neighbour has no translation in the target language: look deeper until
        enough have, or until neighbours are no longer near.
        """
        available = self._reader.sentences_per_language.get(self._source_lang, 0)
        depth = 0
        while pools and depth < available:
            depth = min(max(4 * depth, _SEMANTIC_DEPTH), available)
            found = semantic.nearest(
                self._reader,
                np.stack([p.vector for p in pools]),
                depth,
                [self._source_lang],
                Recall(self._options.recall),
            )
            deeper = []
            for pool, ranked in zip(pools, found, strict=True):
                pool.nearest = pool.nearest or ranked
                near = [r.row for r in ranked if r.score >= self._options.min_similarity]
                self._add(pool, near)
                self._measure(pool, pool.candidates)
                if len(near) == len(ranked) and len(self._whole(pool)) < self._options.k:
                    deeper.append(pool)
            pools = deeper

    def _add(self, pool: _Pool, rows: Iterable[int]) -> None:
        pool.candidates += scored(pool.asked, self._units.units(pool.new(rows)))

    def _measure(self, pool: _Pool, candidates: Iterable[Candidate]) -> None:
        """Work out the cosine of the segment and the sources of *candidates*."""
        if pool.vector is None:
            return
        rows = {c.unit.source.row for c in candidates} - pool.similarity.keys()
        ordered = sorted(rows)
        if ordered:
            cosines = np.minimum(self._reader.vectors(ordered) @ pool.vector, 1.0)
            pool.similarity.update(zip(ordered, cosines.tolist(), strict=True))

    def _whole(self, pool: _Pool) -> list[Candidate]:
        """Return what reaches one of the thresholds, by edits before by meaning."""
        options = self._options
        found = pool.by_edits(options.min_quality)
        if options.min_similarity < 1 and len(found) < options.k:
            found = distinct([*found, *pool.by_meaning(options.min_similarity)])
        return found[: options.k]

    def _matches(self, pool: _Pool) -> tuple[Match, ...]:
        options = self._options
        found, least, below = self._whole(pool), options.min_quality, False
        if options.parts and not (found and found[0].quality >= least):
            parts = self._parts.find(pool.asked, options.k, lambda: self._sharing(pool))
            # Where there are both, each has its share of the places.
            room = max(options.k - len(found), options.k // 2)
            parts = parts[:room]
            found = distinct([*found[: options.k - len(parts)], *parts])
        if not found and options.step_down:
            found, least = self._nearest_below(pool)
            below = True
        self._measure(pool, found)
        return tuple(
            match(
                pool.asked,
                candidate,
                rank=rank,
                kind=candidate.kind
                if candidate.quality >= least or candidate.unit.path or candidate.part
                else MatchKind.SEMANTIC,
                similarity=pool.similarity.get(candidate.unit.source.row),
                below=below,
            )
            for rank, candidate in enumerate(found, 1)
        )

    @cached_property
    def _parts(self) -> PartFinder:
        return PartFinder(self._files, self._units, self._options.min_quality)

    def _nearest_below(self, pool: _Pool) -> tuple[list[Candidate], int]:
        """Return the nearest of what does not reach the thresholds, and the quality they reach."""
        from rapidfuzz.distance import Levenshtein

        near: list[Candidate] = []
        if pool.nearest:
            self._add(pool, (ranked.row for ranked in pool.nearest))
            self._measure(pool, pool.candidates)
            near = pool.by_meaning(LEAST_SIMILARITY)
        base = pool.asked.segment.base
        alike = [
            Similar(source.row, Levenshtein.distance(base, other), len(other))
            for source in self._sharing(pool)
            for other in [base_form(source.key)]
        ]
        alike.sort(key=lambda s: s.edits / max(s.length, len(base)))
        self._add_alike(pool, alike, FLOOR)
        return distinct([*pool.by_edits(FLOOR), *near])[: self._options.k], FLOOR

    def _sharing(self, pool: _Pool) -> list[StoredSentence]:
        """Return the sources that share most words and trigrams with the query.

        They are found in bounded time, however many there are.
        """
        if pool.sharing is None:
            query = lexical.read_query(self._reader, pool.asked.query.text)
            rows = lexical.candidates(self._reader, query, SHARING, [self._source_lang])
            pool.sharing = list(self._reader.sentences(rows).values())
        return pool.sharing


def _growing(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Yield *items* in order, in batches that double."""
    start, size = 0, _FIRST_ROWS
    while start < len(items):
        yield items[start : start + size]
        start, size = start + size, min(2 * size, _MOST_ROWS)
