"""The queries that two indexes are asked, and what is known to be right."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from searchkbd.corpus.decompress import shown
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError, Reject, Sentence
from searchkbd.evaluation.retrieval import MAX_RELEVANT
from searchkbd.index.reader import IndexReader
from searchkbd.mining.units import language_order
from searchkbd.text.forms import search_key

Key = tuple[str, str]
"""What a sentence is the same by in any index: its language and its search key."""

Answers = dict[str, frozenset[Key]]
"""Language → the right answers in it."""


@dataclass(frozen=True, slots=True)
class Query:
    """A text to search for, and the sentences of its groups in the file, its own among them."""

    text: str
    same: Key
    groups: tuple[frozenset[Key], ...]

    @property
    def lang(self) -> str:
        """The language code, ``und`` where it is none that is known."""
        return self.same[0]

    def translations(self) -> set[Key]:
        """Return what the file says are translations."""
        return {key for group in self.groups for key in group if key[0] != self.lang}


@dataclass(frozen=True, slots=True)
class QueryFile:
    """The different queries of a file, in its order; *repeated* ones are merged."""

    queries: tuple[Query, ...]
    repeated: int

    def drawn(self, limit: int, seed: int) -> tuple[Query, ...]:
        """Return *limit* queries drawn by chance, in the order of the file; all if no more."""
        if len(self.queries) <= limit:
            return self.queries
        places = random.Random(seed).sample(range(len(self.queries)), limit)
        return tuple(self.queries[place] for place in sorted(places))


@dataclass(frozen=True, slots=True)
class Question:
    """A query, the languages that it is searched in, and the right answers in either index.

    Both have answers in the same languages, or in none.
    """

    query: Query
    langs: tuple[str, ...]
    answers: tuple[Answers, Answers]


@dataclass(frozen=True, slots=True)
class Questions:
    """What two indexes are asked: *with_answers* of *asked*; of *left_out* something is known to
    be right, but it is not in both indexes."""

    asked: tuple[Question, ...]
    with_answers: int
    left_out: int


def read_queries(
    path: str | Path,
    options: ReadOptions,
    *,
    on_reject: Callable[[Reject], None],
    progress: Callable[[int], None] = lambda line: None,
) -> QueryFile:
    """Return the sentences of a file of any format that ``read_corpus`` reads, as queries.

    Sentences of one group in different languages are translations of each other. Raises
    CorpusError when the file cannot be read or has no sentence.
    """
    groups: dict[str, list[Sentence]] = {}
    count = 0
    for item in read_corpus(path, options):
        if isinstance(item, Reject):
            on_reject(item)
            continue
        groups.setdefault(item.group, []).append(item)
        count += 1
        progress(item.source.line)
    if not count:
        raise CorpusError(f"{shown(str(path))}: no queries, the file has no sentence to search for")
    texts: dict[Key, str] = {}
    member_of: dict[Key, list[frozenset[Key]]] = {}
    for sentences in groups.values():
        keys = [(sentence.lang, search_key(sentence.text)) for sentence in sentences]
        group = frozenset(keys)
        for key, sentence in zip(keys, sentences, strict=True):
            texts.setdefault(key, sentence.text)
        for key in group:
            member_of.setdefault(key, []).append(group)
    queries = tuple(Query(text, key, tuple(member_of[key])) for key, text in texts.items())
    if sum(len(group) for query in queries for group in query.groups) > MAX_RELEVANT:
        raise CorpusError(
            f"{shown(str(path))}: its groups are too large to be translations of each other; "
            "give each sentence and its translations a group of their own"
        )
    return QueryFile(queries, count - len(queries))


def questions(
    queries: Sequence[Query],
    readers: tuple[IndexReader, IndexReader],
    langs: Sequence[str] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Questions:
    """Return what to ask both indexes.

    The right answers are the translations that the file of queries gives; where it gives none,
    those that an index has of the same sentence. A query is searched in the languages that it has
    answers in, as a hit in another one might be as good; without answers in all that both indexes
    have. Of all these, only *langs* where they are given. *progress* gets (queries looked up in
    either index, in all). Raises CorpusError when the indexes have no such language in common.
    """
    shared = _shared_languages(readers, langs)
    known = []
    for reader in readers:
        known.append([])
        for answers in _known_answers(reader, queries):
            known[-1].append(answers)
            progress(sum(map(len, known)), 2 * len(queries))
    asked = []
    with_answers = left_out = 0
    for query, a, b in zip(queries, *known, strict=True):
        both = [lang for lang in shared if lang in a and lang in b]
        if both:
            with_answers += 1
        else:
            some = {key[0] for key in query.translations()} | a.keys() | b.keys()
            left_out += bool(some.intersection(langs) if langs else some)
        answers = tuple({lang: each[lang] for lang in both} for each in (a, b))
        asked.append(Question(query, tuple(both) or shared, answers))
    return Questions(tuple(asked), with_answers, left_out)


def _shared_languages(
    readers: tuple[IndexReader, IndexReader], langs: Sequence[str]
) -> tuple[str, ...]:
    present = [reader.sentences_per_language for reader in readers]
    shared = {lang for lang in present[0] if lang in present[1] and (not langs or lang in langs)}
    if not shared:
        has = "; ".join(
            f"{reader.directory} has {', '.join(counts) or 'none'}"
            for reader, counts in zip(readers, present, strict=True)
        )
        raise CorpusError(
            f"nothing to compare: no language{' that was asked for' if langs else ''} "
            f"is in both indexes ({has})"
        )
    return tuple(sorted(shared, key=language_order))


def _known_answers(reader: IndexReader, queries: Sequence[Query]) -> Iterator[Answers]:
    """Yield the right answers that an index holds, for each query."""
    here: dict[Key, bool] = {}

    def holds(key: Key) -> bool:
        if key not in here:
            here[key] = bool(reader.with_key(key[1], key[0]))
        return here[key]

    with reader.damage_reported():
        for query in queries:
            translations = query.translations()
            found = filter(holds, translations) if translations else _translated(reader, query)
            yield _by_language(found)


def _translated(reader: IndexReader, query: Query) -> set[Key]:
    """Return the translations that an index has of the sentence that *query* is."""
    rows = [sentence.row for sentence in reader.with_key(query.same[1], query.lang)]
    return {
        (member.lang, member.key)
        for _, group in reader.groups_of(rows).values()
        for member in group
        if member.lang != query.lang
    }


def _by_language(keys: Iterable[Key]) -> Answers:
    found: dict[str, set[Key]] = {}
    for key in keys:
        found.setdefault(key[0], set()).add(key)
    return {lang: frozenset(some) for lang, some in found.items()}
