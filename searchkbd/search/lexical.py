"""Matching by words and parts of words.

Two steps. First, candidates: the rows that share the query's rarest words, parts of them and
letter trigrams, read from the full-text posting lists up to a budget; of words too common for it,
rows that have as many of them as possible. So no query is slow, whatever its words
(searchkbd.search.postings). Then the best candidates are compared with the query word by word
(searchkbd.search.coverage), which forgives endings and prefixes (a Kabardian verb form is often
seen once) and a missing palochka.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from searchkbd.index.hashing import key_hash
from searchkbd.index.reader import IndexReader
from searchkbd.search.coverage import Coverage, trigrams
from searchkbd.search.postings import NO_ROWS, WORDS, Feature, PostingLists
from searchkbd.search.ranking import Ranked
from searchkbd.text.forms import loosen, search_key, words

POSTINGS = 24_000
"""Posting-list entries read for one query."""

CANDIDATES = 150
"""Rows compared word by word."""

_LONG = 24  # words; a longer query is found by whole words alone, and by half as many entries
_PARTED = 8  # words, the rarest, that are looked for inside other words
_PART_ROWS = 1000  # rows read for each of these
_PART_WORTH = 0.8  # of the rarity of such a part
_ENDING = 2  # letters that a part lacks of its word, being its ending
_LEAST_PART = 4  # letters of a part
_GRAMS = 24  # trigrams looked up, of the rarest words
_COMMON = 0.02  # share of the sentences: of a word that more have, parts and trigrams say nothing
_DROPPED = 4  # common words that are given up, one by one, to find rows that have the others
_SPARE = 5  # times as many rows as wanted, of which the shortest are taken
_MOST_OTHERS = 8  # times as many again, where most are of languages that are not wanted


@dataclass(frozen=True, slots=True)
class Query:
    """A query taken apart; build it with :func:`read_query`."""

    key: str
    """Its search key."""
    words: tuple[str, ...]
    """The words of the key, each once."""
    loose: tuple[str, ...]
    """The same, as loose keys have them."""
    weights: tuple[float, ...]
    features: tuple[Feature, ...]
    """What some row shares with it, the rarest first."""


def read_query(reader: IndexReader, text: str) -> Query:
    """Take *text* apart and weigh its words and trigrams by their rarity in the index."""
    key = search_key(text)
    forms = {word: loosen(word) for word in words(key)}
    forms = {word: loose for word, loose in forms.items() if loose}
    lists = PostingLists(reader)
    long = len(forms) > _LONG
    found = {loose: lists.word(loose, guess=long) for loose in forms.values()}
    common = max(POSTINGS, _COMMON * lists.sentences)
    rare = sorted((w for w, f in found.items() if f.documents < common),
                  key=lambda word: found[word].documents)  # fmt: skip
    parts = [
        lists.part(trigrams(word[:-_ENDING]), _PART_WORTH, _PART_ROWS)
        for word in rare[: 0 if long else _PARTED]
        if len(word) >= _LEAST_PART + _ENDING
    ]
    grams: dict[str, Feature] = {}
    for word in rare:
        own = trigrams(word)
        for gram in own[: _GRAMS - len(grams)]:
            if gram not in grams:
                grams[gram] = lists.trigram(gram, 1 / len(own))
    features = [f for f in (*found.values(), *parts, *grams.values()) if f.documents]
    return Query(
        key,
        tuple(forms),
        tuple(forms.values()),
        tuple(found[loose].weight for loose in forms.values()),
        tuple(sorted(features, key=lambda feature: feature.documents)),
    )


def candidates(
    reader: IndexReader, query: Query, limit: int, langs: Collection[str] | None = None
) -> list[int]:
    """Return up to *limit* rows that share the most, and the rarest, features with *query*.

    Those with its very key come first.
    """
    lists = PostingLists(reader)
    found = [NO_ROWS]
    gains = [np.empty(0)]
    common = []
    budget = POSTINGS // 2 if len(query.words) > _LONG else POSTINGS
    for feature in query.features:
        if feature.rows is None and feature.documents > budget:
            if feature.table == WORDS:
                common.append(feature)
            continue
        rows = lists.rows(feature, budget)
        budget -= len(rows)
        found.append(rows)
        gains.append(np.full(len(rows), feature.weight))
    rows, inverse = np.unique(np.concatenate(found), return_inverse=True)
    scores = np.bincount(inverse, weights=np.concatenate(gains))
    if langs:
        wanted = reader.of_languages(rows, langs)
        rows, scores = rows[wanted], scores[wanted]
    best = rows[_highest(scores, limit)].tolist()
    spare = _SPARE * _others(reader, langs)
    for size in range(len(common), max(0, len(common) - _DROPPED), -1):
        if len(best) >= limit:
            break
        both = lists.together(common[:size], int(spare * limit))
        best += _shortest(reader, _of_languages(reader, both, len(both), langs), limit)
    same = reader.connection.execute(
        "SELECT row FROM sentences WHERE key_hash = ?", (key_hash(query.key),)
    ).fetchall()
    literal = _of_languages(reader, np.array(same, dtype=np.int64).reshape(-1), limit, langs)
    return list(dict.fromkeys((*literal, *best)))[:limit]


def rank(
    reader: IndexReader, text: str, k: int, langs: Collection[str] | None = None
) -> list[Ranked]:
    """Return up to *k* rows that share words or parts of words with *text*, best first.

    The score is the share of the query's words found, weighted by rarity, from 0 to 1; a
    sentence that says nothing else scores highest.
    """
    query = read_query(reader, text)
    if not query.words:
        return []
    rows = candidates(reader, query, max(CANDIDATES, k), langs)
    keys = reader.keys(rows)
    scores = Coverage(query.words, query.loose, query.weights).of([keys[row] for row in rows])
    ranked = [Ranked(row, score) for row, score in zip(rows, scores, strict=True) if score > 0]
    return sorted(ranked, key=lambda r: (-r.score, r.row))[:k]


def _others(reader: IndexReader, langs: Collection[str] | None) -> float:
    """Return how many rows to read for one that is in *langs*."""
    per_language = reader.sentences_per_language
    wanted = sum(per_language.get(lang, 0) for lang in langs) if langs else 0
    return min(_MOST_OTHERS, sum(per_language.values()) / wanted) if wanted else 1.0


def _highest(scores: NDArray[np.float64], limit: int) -> NDArray[np.intp]:
    """Return where the *limit* highest *scores* are, highest first, equal ones as they come."""
    here = np.arange(len(scores))
    if len(scores) > limit:
        least = np.partition(scores, -limit)[-limit]
        here = here[scores >= least]
    return here[np.argsort(-scores[here], kind="stable")][:limit]


def _of_languages(
    reader: IndexReader, rows: NDArray[np.int64], limit: int, langs: Collection[str] | None
) -> list[int]:
    """Return the first *limit* of *rows* that are in *langs*."""
    if not langs:
        return rows[:limit].tolist()
    return rows[reader.of_languages(rows, langs)][:limit].tolist()


def _shortest(reader: IndexReader, rows: list[int], limit: int) -> list[int]:
    """Return those *limit* of *rows* whose sentences are shortest."""
    if len(rows) <= limit:
        return rows
    found = reader.connection.execute(
        "SELECT row FROM sentences WHERE row IN (SELECT value FROM json_each(?))"
        " ORDER BY length(key), row LIMIT ?",
        (json.dumps(rows), limit),
    )
    return [row for (row,) in found]
