"""Asking an index many questions by meaning alone: what it finds, where the answer is, how fast."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from searchkbd.encoders.base import Encoder, Vectors
from searchkbd.evaluation.queries import Key, Query, Question
from searchkbd.index.codes import Recall
from searchkbd.index.reader import IndexReader
from searchkbd.mining.vectors import encode_checked
from searchkbd.search import semantic
from searchkbd.search.semantic import Neighbour

BATCH = 64
"""Questions that are encoded and searched together."""

RANKS = 10
"""Ranks that accuracy and MRR look at."""

_SPARE = 5  # hits asked for besides, for those that are repeated or the query itself


@dataclass(frozen=True, slots=True)
class Found:
    """A sentence that was found; ``score`` orders hits, ``similarity`` is the cosine."""

    same: Key
    text: str
    similarity: float
    score: float

    @property
    def lang(self) -> str:
        """The language code."""
        return self.same[0]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an index says to a question.

    ``keys`` are the different sentences found in all languages together, best first, ``first`` the
    first of them. ``rank`` is where the first right answer is among them, 0 when it is not, and
    ``ranks`` the same among the hits of one language, for each that has a right answer.
    """

    keys: tuple[Key, ...]
    first: Found | None
    rank: int
    ranks: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Asked:
    """The outcomes, in the order of the questions, and the seconds that they took in all."""

    outcomes: tuple[Outcome, ...]
    encode_seconds: float
    search_seconds: float


def ask(
    reader: IndexReader,
    encoder: Encoder,
    questions: Sequence[Question],
    side: int,
    *,
    depth: int = RANKS,
    recall: Recall = Recall.BALANCED,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Asked:
    """Ask an index, whose right answers are ``answers[side]`` of each question.

    *depth* different sentences are found in each language, or all of it. Each language is searched
    alone; the best of all of them together are what a search in all would find. The sentence
    that is the query itself does not count. *progress* gets (questions done, in all). Raises
    EncoderError when the encoder gives what is no unit vector.
    """
    texts = _Texts(reader)
    outcomes: list[Outcome] = []

    def answered(vectors: Vectors, batch: Sequence[Question]) -> list[Outcome]:
        with reader.damage_reported():
            return _answered(texts, vectors, batch, side, depth, recall)

    # Opening weights and files is not the time that a query takes.
    answered(_encoded(encoder, questions[:1]), questions[:1])
    encoding = searching = 0.0
    for start in range(0, len(questions), BATCH):
        batch = questions[start : start + BATCH]
        began = time.perf_counter()
        vectors = _encoded(encoder, batch)
        encoded = time.perf_counter()
        outcomes += answered(vectors, batch)
        encoding += encoded - began
        searching += time.perf_counter() - encoded
        progress(len(outcomes), len(questions))
    return Asked(tuple(outcomes), encoding, searching)


class _Texts:
    """The sentences of an index, each read once however often it is found."""

    def __init__(self, reader: IndexReader) -> None:
        self.reader = reader
        self._known: dict[int, tuple[Key, str]] = {}

    def read(self, found: Sequence[Sequence[Neighbour]]) -> Mapping[int, tuple[Key, str]]:
        """Return row → key and text of at least all that was *found*."""
        rows = {n.row for each in found for n in each} - self._known.keys()
        for row, sentence in self.reader.sentences(rows).items():
            self._known[row] = (sentence.lang, sentence.key), sentence.text
        return self._known


def _encoded(encoder: Encoder, questions: Sequence[Question]) -> Vectors:
    queries = [question.query for question in questions]
    return encode_checked(encoder, [q.text for q in queries], [q.lang for q in queries])


def _answered(
    texts: _Texts,
    vectors: Vectors,
    questions: Sequence[Question],
    side: int,
    depth: int,
    recall: Recall,
) -> list[Outcome]:
    hits: list[dict[str, list[Found]]] = [{} for _ in questions]
    for lang in dict.fromkeys(lang for question in questions for lang in question.langs):
        asking = [at for at, question in enumerate(questions) if lang in question.langs]
        queries = [questions[at].query for at in asking]
        found = _nearest(texts, vectors[asking], queries, lang, depth, recall)
        for at, each in zip(asking, found, strict=True):
            hits[at][lang] = each
    return [_outcome(*of, side, depth) for of in zip(questions, hits, strict=True)]


def _nearest(
    texts: _Texts,
    vectors: Vectors,
    queries: Sequence[Query],
    lang: str,
    depth: int,
    recall: Recall,
) -> list[list[Found]]:
    """Return the *depth* nearest different sentences of *lang* for each query."""
    out: list[list[Found]] = [[] for _ in queries]
    pending, wanted = list(range(len(queries))), depth + _SPARE
    while pending:
        found = semantic.without_hubs(texts.reader, vectors[pending], wanted, [lang], recall)
        known = texts.read(found)
        short = []
        for at, neighbours in zip(pending, found, strict=True):
            out[at] = list(islice(_different(neighbours, known, queries[at].same), depth))
            if len(out[at]) < depth and len(neighbours) == wanted:
                short.append(at)
        # Sentences that stand in many groups take many places.
        pending, wanted = short, 4 * wanted
    return out


def _different(
    neighbours: Sequence[Neighbour], known: Mapping[int, tuple[Key, str]], query: Key
) -> Iterator[Found]:
    seen = {query}
    for neighbour in neighbours:
        key, text = known[neighbour.row]
        if key not in seen:
            seen.add(key)
            yield Found(key, text, min(neighbour.similarity, 1.0), neighbour.score)


def _outcome(
    question: Question, hits: Mapping[str, Sequence[Found]], side: int, depth: int
) -> Outcome:
    answers = question.answers[side]
    ranks = {lang: _rank(hits[lang], right) for lang, right in answers.items()}
    together = [hit for lang in question.langs for hit in hits[lang]]
    together = sorted(together, key=lambda hit: -hit.score)[:depth]
    rank = _rank(together, frozenset().union(*answers.values()))
    first = together[0] if together else None
    return Outcome(tuple(hit.same for hit in together), first, rank, ranks)


def _rank(hits: Sequence[Found], right: Collection[Key]) -> int:
    places = (place for place, hit in enumerate(hits, start=1) if hit.same in right)
    return next(places, 0)
