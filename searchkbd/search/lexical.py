"""Matching by words and parts of words.

Two steps. First, candidates: the rows that share the query's rarest words and letter trigrams,
read from the full-text posting lists up to a budget, so that very common words cannot make a
query slow. Then the best candidates are compared with the query word by word, which forgives
endings and prefixes (a Kabardian verb form is often seen once) and a missing palochka.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from searchkbd.index.reader import IndexReader
from searchkbd.search.ranking import Ranked
from searchkbd.text.forms import loosen, search_key, words

POSTINGS = 20_000
"""Posting-list entries read for one query."""

CANDIDATES = 200
"""Rows compared word by word."""

_FORGIVEN = 0.95  # the same word but for a palochka or an accent
_CONTAINED = 0.9  # a query word inside a longer word, or the other way round
_SIMILAR = 0.8  # times the share of trigrams in common
_LEAST_SIMILAR = 0.4  # share of trigrams below which two words are different words
_LENGTH_WEIGHT = 0.15  # how much of the score goes to hits that say nothing else


@dataclass(frozen=True, slots=True)
class _Feature:
    """A word or a trigram of the query: where its postings are and what finding it is worth."""

    table: str
    term: str
    documents: int
    weight: float


@dataclass(frozen=True, slots=True)
class Query:
    """A query taken apart; build it with :func:`read_query`."""

    words: tuple[str, ...]
    """Its words as search keys have them, each once."""
    loose: tuple[str, ...]
    """The same, as loose keys have them."""
    weights: tuple[float, ...]
    features: tuple[_Feature, ...]


def read_query(reader: IndexReader, text: str) -> Query:
    """Take *text* apart and weigh its words and trigrams by their rarity in the index."""
    forms = {word: loosen(word) for word in words(search_key(text))}
    forms = {word: loose for word, loose in forms.items() if loose}
    total = sum(reader.sentences_per_language.values())
    features: dict[tuple[str, str], _Feature] = {}
    weights = []
    for term in forms.values():
        documents = _documents(reader.connection, "fts_words", term)
        weight = _rarity(documents, total)
        weights.append(weight)
        features["fts_words", term] = _Feature("fts_words", term, documents, weight)
        grams = trigrams(term)
        for gram in grams:
            if ("fts_trigrams", gram) not in features:
                documents = _documents(reader.connection, "fts_trigrams", gram)
                features["fts_trigrams", gram] = _Feature(
                    "fts_trigrams", gram, documents, _rarity(documents, total) / len(grams)
                )
    known = sorted((f for f in features.values() if f.documents), key=lambda f: f.documents)
    return Query(tuple(forms), tuple(forms.values()), tuple(weights), tuple(known))


def candidates(
    reader: IndexReader, query: Query, limit: int, langs: Collection[str] | None = None
) -> list[int]:
    """Return up to *limit* rows that share the most, and the rarest, features with *query*."""
    lists: list[np.ndarray] = []
    gains: list[np.ndarray] = []
    budget = POSTINGS
    for feature in query.features:
        if feature.documents > budget and lists:
            break
        rows = _postings(reader.connection, feature, budget, langs)
        budget -= len(rows)
        lists.append(rows)
        gains.append(np.full(len(rows), feature.weight))
    if not lists:
        return []
    rows, inverse = np.unique(np.concatenate(lists), return_inverse=True)
    scores = np.bincount(inverse, weights=np.concatenate(gains))
    order = np.lexsort((rows, -scores))
    if not langs:
        return rows[order[:limit]].tolist()
    return _of_languages(reader, rows[order], limit, langs)


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
    found = reader.sentences(rows)
    ranked = [
        Ranked(row, score)
        for row in rows
        if (score := coverage(query, found[row].key)) > 0
    ]
    return sorted(ranked, key=lambda r: (-r.score, r.row))[:k]


def coverage(query: Query, key: str) -> float:
    """Return how much of *query* the words of a hit with this search key cover, 0 to 1."""
    exact = set(words(key))
    present = set(words(loosen(key)))
    if not present:
        return 0.0
    grams = {word: set(trigrams(word)) for word in present}
    gained = 0.0
    for word, loose, weight in zip(query.words, query.loose, query.weights, strict=True):
        if word in exact:
            gained += weight
        elif loose in present:
            gained += weight * _FORGIVEN
        else:
            gained += weight * _best_similarity(loose, grams)
    covered = gained / sum(query.weights)
    brevity = min(1.0, len(query.words) / len(present))
    return covered * (1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * brevity)


def trigrams(word: str) -> list[str]:
    """Return the letter trigrams of *word*, none for shorter words."""
    return [word[at : at + 3] for at in range(len(word) - 2)]


def _best_similarity(word: str, others: dict[str, set[str]]) -> float:
    own = set(trigrams(word))
    best = 0.0
    for other, grams in others.items():
        if not own or not grams:
            continue
        shorter, longer = sorted((word, other), key=len)
        if len(shorter) > 3 and shorter in longer:
            best = max(best, _CONTAINED * math.sqrt(len(shorter) / len(longer)))
            continue
        share = 2 * len(own & grams) / (len(own) + len(grams))
        if share >= _LEAST_SIMILAR:
            best = max(best, _SIMILAR * share)
    return best


def _rarity(documents: int, total: int) -> float:
    """Return the inverse document frequency of BM25 (Robertson and Zaragoza 2009), positive."""
    return math.log(1 + (max(total, documents) - documents + 0.5) / (documents + 0.5))


def _documents(connection: sqlite3.Connection, table: str, term: str) -> int:
    found = connection.execute(
        f"SELECT doc FROM {table}_terms WHERE term = ?", (term,)
    ).fetchone()
    return found[0] if found else 0


def _postings(
    connection: sqlite3.Connection, feature: _Feature, limit: int, langs: Collection[str] | None
) -> np.ndarray:
    sql = f"SELECT rowid FROM {feature.table} WHERE {feature.table} MATCH ?"
    parameters: list[object] = ['"' + feature.term.replace('"', '""') + '"']
    if feature.documents > limit and langs:
        # Cut off at the limit, the list must not be spent on other languages.
        marks = ",".join("?" * len(langs))
        sql += f" AND (SELECT lang FROM sentences WHERE row = rowid) IN ({marks})"
        parameters += langs
    try:
        rows = connection.execute(f"{sql} LIMIT ?", [*parameters, limit]).fetchall()
    except sqlite3.OperationalError as error:
        if "phrase" not in str(error):
            raise
        # The tokenizer reads this term as several: no posting list has it.
        return np.empty(0, dtype=np.int64)
    return np.fromiter((row for (row,) in rows), dtype=np.int64, count=len(rows))


def _of_languages(
    reader: IndexReader, rows: np.ndarray, limit: int, langs: Collection[str]
) -> list[int]:
    """Return the first *limit* of *rows* that are in *langs*."""
    kept: list[int] = []
    for start in range(0, len(rows), 500):
        batch = rows[start : start + 500].tolist()
        lang_of = reader.languages(batch)
        kept += [row for row in batch if lang_of[row] in langs]
        if len(kept) >= limit:
            break
    return kept[:limit]
