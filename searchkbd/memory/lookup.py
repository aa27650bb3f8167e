"""Looking a segment up: exact and fuzzy matches by edits, semantic ones by meaning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from rapidfuzz.distance import Levenshtein

from searchkbd.encoders.base import Encoder
from searchkbd.index.reader import IndexReader, StoredSentence
from searchkbd.memory.match import Lookup, Match, MatchKind
from searchkbd.search import lexical, semantic
from searchkbd.text.forms import search_key

MIN_QUALITY = 60
MIN_SIMILARITY = 0.6
"""Cosine below which the nearest sentence is not offered as a semantic match."""

FUZZY_CANDIDATES = 300
"""Rows whose edit similarity is computed, chosen by shared words and trigrams."""

_SEMANTIC_DEPTH = 64
_ORDER = {MatchKind.EXACT: 0, MatchKind.FUZZY: 1, MatchKind.SEMANTIC: 2}


def edit_quality(segment_key: str, source_key: str) -> int:
    """Return 0–100: 100 × (1 − Levenshtein distance / length of the longer), rounded down.

    100 means the same key. Both arguments are search keys.
    """
    longest = max(len(segment_key), len(source_key))
    if not longest:
        return 100
    return 100 * (longest - Levenshtein.distance(segment_key, source_key)) // longest


def look_up(
    reader: IndexReader,
    encoder: Encoder,
    segments: Sequence[str],
    source_lang: str,
    target_lang: str,
    *,
    k: int = 5,
    min_quality: int = MIN_QUALITY,
    min_similarity: float = MIN_SIMILARITY,
) -> list[Lookup]:
    """Return for each segment up to *k* units that have a sentence in both languages.

    Exact and fuzzy matches (quality ≥ *min_quality*) come first, by quality; then semantic ones
    (less quality, but similarity ≥ *min_similarity*), by similarity. Matches with the same
    target text are given once, the best. Segments are encoded in one call.
    """
    vectors = encoder.encode(list(segments), [source_lang] * len(segments))
    return [
        Lookup(
            segment,
            source_lang,
            target_lang,
            _matches(
                reader, segment, vectors[at], source_lang, target_lang,
                k, min_quality, min_similarity,
            ),
        )
        for at, segment in enumerate(segments)
    ]  # fmt: skip


def _matches(
    reader: IndexReader,
    segment: str,
    vector: np.ndarray,
    source_lang: str,
    target_lang: str,
    k: int,
    min_quality: int,
    min_similarity: float,
) -> tuple[Match, ...]:
    key = search_key(segment)
    exact = [s.row for s in reader.with_key(key, source_lang)]
    query = lexical.read_query(reader, segment)
    fuzzy = lexical.candidates(reader, query, FUZZY_CANDIDATES, [source_lang])
    units = _Units(reader, key, vector, target_lang, min_quality, min_similarity)
    units.add(dict.fromkeys([*exact, *fuzzy]))
    # Many a near neighbour has no translation in the target language: look deeper until enough
    # have, or until neighbours are no longer near.
    available = reader.sentences_per_language.get(source_lang, 0)
    depth = 0
    while depth < available and units.semantic < k:
        depth = min(max(4 * depth, _SEMANTIC_DEPTH), available)
        ranked = semantic.nearest(reader, vector[None], depth, [source_lang])[0]
        units.add(r.row for r in ranked if r.score >= min_similarity)
        if ranked[-1].score < min_similarity:
            break
    return units.best(k)


class _Units:
    """The units met so far for one segment, each scored once."""

    def __init__(
        self,
        reader: IndexReader,
        key: str,
        vector: np.ndarray,
        target_lang: str,
        min_quality: int,
        min_similarity: float,
    ) -> None:
        self._reader = reader
        self._key = key
        self._vector = vector
        self._target_lang = target_lang
        self._min_quality = min_quality
        self._min_similarity = min_similarity
        self._seen: set[int] = set()
        self._matches: list[Match] = []

    @property
    def semantic(self) -> int:
        """How many units matched by meaning only."""
        return sum(match.kind is MatchKind.SEMANTIC for match in self._matches)

    def add(self, rows: Iterable[int]) -> None:
        """Score the units that have these rows as their source."""
        new = [row for row in rows if row not in self._seen]
        if not new:
            return
        self._seen.update(new)
        sources = self._reader.sentences(new)
        groups = self._reader.groups({s.group_row for s in sources.values()})
        pairs = [
            (sources[row], target)
            for row in new
            for target in groups[sources[row].group_row]
            if target.lang == self._target_lang and target.row != row
        ]
        if not pairs:
            return
        vectors = self._reader.vectors([source.row for source, _ in pairs])
        similarities = np.minimum(vectors @ self._vector, 1.0).tolist()
        for (source, target), similarity in zip(pairs, similarities, strict=True):
            match = self._match(source, target, similarity)
            if match.kind is not MatchKind.SEMANTIC or similarity >= self._min_similarity:
                self._matches.append(match)

    def best(self, k: int) -> tuple[Match, ...]:
        """Return the *k* best, each target text once."""
        kept: dict[str, Match] = {}
        for match in sorted(self._matches, key=_preference):
            kept.setdefault(search_key(match.target), match)
            if len(kept) == k:
                break
        return tuple(replace(match, rank=rank) for rank, match in enumerate(kept.values(), 1))

    def _match(
        self, source: StoredSentence, target: StoredSentence, similarity: float
    ) -> Match:
        quality = edit_quality(self._key, source.key)
        if source.key == self._key:
            kind = MatchKind.EXACT
        elif quality >= self._min_quality:
            kind = MatchKind.FUZZY
        else:
            kind = MatchKind.SEMANTIC
        return Match(
            rank=0,
            quality=quality,
            similarity=similarity,
            kind=kind,
            source=source.text,
            target=target.text,
            source_id=source.id,
            target_id=target.id,
            origin=target.origin,
        )


def _preference(match: Match) -> tuple[int, float, float]:
    if match.kind is MatchKind.SEMANTIC:
        return (_ORDER[match.kind], -match.similarity, -match.quality)
    return (_ORDER[match.kind], -match.quality, -match.similarity)
