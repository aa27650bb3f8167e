"""Searching an open index: the one place where queries, rankings and sentences meet.

Fused mode joins up to four rankings by reciprocal rank (searchkbd.search.ranking):

* nearest neighbours of the query's vector, those that are near to everything held back
  (searchkbd.index.hubness), weight 1.0, from a cosine of 0.35 up: below it neighbours are chance;
* sentences that share its words, weight 0.7, from a coverage of 0.5 up;
* of these again, weight 1.0, the ones that have all its words and say little else (coverage of
  0.9 up): what was asked for literally is not to be outvoted;
* where a language filter leaves the query's own language out: translations, in the languages
  asked for, of near-paraphrases (cosine of 0.9 and more) in its own language, weight 0.7. A human
  translation of the same thing said otherwise is better evidence than a vector of another
  language; one of a merely similar sentence is not.

A hit is shown with its whole group, so the other sentences of the group would repeat it: they
come after the best sentence of every other group, and never instead of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from searchkbd.encoders.base import Encoder
from searchkbd.index.codes import Recall
from searchkbd.index.reader import IndexReader, StoredSentence
from searchkbd.search import lexical, semantic
from searchkbd.search.hit import Hit, SearchMode, SearchResult, Translation
from searchkbd.search.ranking import Ranked, fuse
from searchkbd.search.semantic import Neighbour

SEMANTIC_WEIGHT = 1.0
LEAST_SIMILARITY = 0.35
LEXICAL_WEIGHT = 0.7
BRIDGE_WEIGHT = 0.7
LEAST_COVERAGE = 0.5
LITERAL_WEIGHT = 1.0
LITERAL_COVERAGE = 0.9
PARAPHRASE = 0.9
DEPTH = 100
"""Length of the rankings that are fused, at the least."""


def search(
    reader: IndexReader,
    encoder: Encoder | None,
    queries: Sequence[str],
    query_langs: Sequence[str],
    *,
    k: int = 10,
    langs: Collection[str] | None = None,
    mode: SearchMode = SearchMode.FUSED,
    recall: Recall = Recall.BALANCED,
) -> list[SearchResult]:
    """Search for each query, in the language that *query_langs* gives for it.

    *langs* limits hits to these languages and never shortens the list while sentences remain.
    *recall* says how sure nearest neighbours are to be found (searchkbd.index.codes).
    *encoder* may be None in lexical mode. Queries are encoded in one call.
    """
    vectors: np.ndarray | None = None
    if mode is not SearchMode.LEXICAL:
        if encoder is None:
            raise ValueError(f"{mode.value} search needs an encoder")
        vectors = encoder.encode(list(queries), list(query_langs))
        depth = max(k, DEPTH) if mode is SearchMode.FUSED else k
        rankings = semantic.without_hubs(reader, vectors, depth, langs, recall)
    results = []
    for at, (query, lang) in enumerate(zip(queries, query_langs, strict=True)):
        similarity: dict[int, float] | None = None
        if vectors is None:
            ranked = lexical.rank(reader, query, k, langs)
        elif mode is SearchMode.SEMANTIC:
            ranked = [Ranked(n.row, n.score) for n in rankings[at]]
        else:
            ranked = _fused(reader, query, lang, vectors[at], rankings[at], k, langs, recall)
        if vectors is not None:
            similarity = {n.row: n.similarity for n in rankings[at]}
            _measure(reader, similarity, [r.row for r in ranked[:k]], vectors[at])
        results.append(SearchResult(query, lang, mode, _hits(reader, ranked[:k], similarity)))
    return results


def _measure(
    reader: IndexReader, similarity: dict[int, float], rows: list[int], vector: np.ndarray
) -> None:
    """Add the cosines of those *rows* that have none yet."""
    missing = [row for row in rows if row not in similarity]
    if missing:
        similarity.update(
            zip(missing, (reader.vectors(missing) @ vector).tolist(), strict=True)
        )


def _fused(
    reader: IndexReader,
    query: str,
    lang: str,
    vector: np.ndarray,
    nearest: list[Neighbour],
    k: int,
    langs: Collection[str] | None,
    recall: Recall,
) -> list[Ranked]:
    depth = max(k, DEPTH)
    worded = lexical.rank(reader, query, depth, langs)
    rankings = [
        (SEMANTIC_WEIGHT, [n.row for n in nearest if n.similarity >= LEAST_SIMILARITY]),
        (LEXICAL_WEIGHT, _rows(worded, LEAST_COVERAGE)),
        (LITERAL_WEIGHT, _rows(worded, LITERAL_COVERAGE)),
    ]
    if langs and lang not in langs:
        own = semantic.nearest(reader, vector[None], depth, [lang], recall)[0]
        rankings.append((BRIDGE_WEIGHT, _translations(reader, _rows(own, PARAPHRASE), langs)))
    fused = fuse(rankings)
    voted = {r.row for r in fused}
    rest = [r.row for r in (*worded, *nearest) if r.row not in voted]
    return _groups_first(reader, fused + _chance(rest, fused[-1].score if fused else 1.0), k)


def _rows(ranked: list[Ranked], least: float) -> list[int]:
    return [r.row for r in ranked if r.score >= least]


def _chance(rows: list[int], below: float) -> list[Ranked]:
    """Return hits that no ranking vouches for, to fill a list up: their scores say so."""
    ceiling = min(below, 0.01)
    distinct = dict.fromkeys(rows)
    return [Ranked(row, ceiling / (rank + 1)) for rank, row in enumerate(distinct, start=1)]


def _groups_first(reader: IndexReader, ranked: list[Ranked], k: int) -> list[Ranked]:
    """Return *ranked* with the best row of each group first and the others after them.

    Scores stay in order: those of the others are scaled below the last best row's. What cannot be
    among the first *k* is left out.
    """
    seen: set[int] = set()
    best: list[Ranked] = []
    others: list[Ranked] = []
    for start in range(0, len(ranked), 2 * k):
        part = ranked[start : start + 2 * k]
        group_of = reader.group_rows(r.row for r in part)
        for r in part:
            group = group_of[r.row]
            (others if group in seen else best).append(r)
            seen.add(group)
        if len(best) >= k:
            break
    return best + [Ranked(r.row, r.score * best[-1].score) for r in others]


def _translations(reader: IndexReader, rows: list[int], langs: Collection[str]) -> list[int]:
    """Return the rows in *langs* of the groups of *rows*, in their order."""
    groups = reader.groups_of(rows)
    found = [member.row for row in rows for member in groups[row][1] if member.lang in langs]
    return list(dict.fromkeys(found))


def _hits(
    reader: IndexReader, ranked: list[Ranked], similarity: dict[int, float] | None
) -> tuple[Hit, ...]:
    groups = reader.groups_of([r.row for r in ranked])
    return tuple(
        _hit(
            rank,
            r.score,
            # Rounding can lift the product of two unit vectors a hair over 1.
            None if similarity is None else min(similarity[r.row], 1.0),
            *groups[r.row],
        )
        for rank, r in enumerate(ranked, start=1)
    )


def _hit(
    rank: int,
    score: float,
    similarity: float | None,
    sentence: StoredSentence,
    group: list[StoredSentence],
) -> Hit:
    return Hit(
        rank=rank,
        id=sentence.id,
        lang=sentence.lang,
        text=sentence.text,
        score=min(score, 1.0),
        similarity=similarity,
        origin=sentence.origin,
        group=sentence.group,
        translations=tuple(
            Translation(member.id, member.lang, member.text, member.origin)
            for member in group
            if member.row != sentence.row
        ),
    )
