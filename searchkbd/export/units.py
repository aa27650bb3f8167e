"""The translation units of an index, in the order in which they were added."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, product
from typing import Any

from searchkbd.export.options import ExportError, Filters
from searchkbd.index.reader import IndexReader, StoredSentence
from searchkbd.text.forms import search_key, words

_STRIDE = 1000
"""Sentences between two reports of progress."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Sentences that are translations of each other, in the order in which they were added.

    ``meta`` is what an exchange format said of the unit (``Sentence.unit``), empty if nothing.
    """

    group: str
    meta: dict[str, Any]
    sentences: tuple[StoredSentence, ...]

    def pairs(self, source: str, target: str) -> Iterator[tuple[StoredSentence, StoredSentence]]:
        """Yield every sentence in *source* with every one in *target*."""
        in_source, in_target = (
            [sentence for sentence in self.sentences if sentence.lang == lang]
            for lang in (source, target)
        )
        return product(in_source, in_target)


def units(
    reader: IndexReader,
    filters: Filters,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Unit]:
    """Yield the units of an index that *filters* let through, one in memory at a time.

    *progress* gets the sentences read and those in the index. Raises ExportError for a query
    without words and for a group or id that the index has not.
    """
    wanted = _wanted_words(filters.query)
    required = _required(filters)
    sentences = reader.iterate(*_condition(reader, filters))
    if progress:
        sentences = _counted(sentences, progress, sum(reader.sentences_per_language.values()))
    for _, members in groupby(sentences, key=lambda sentence: sentence.group_row):
        kept = tuple(members)
        if (
            required <= {sentence.lang for sentence in kept}
            and any(_in_time(sentence.date, filters) for sentence in kept)
            and (not wanted or any(_has_words(sentence.key, wanted) for sentence in kept))
        ):
            yield Unit(kept[0].group, kept[0].unit, kept)


def _required(filters: Filters) -> set[str]:
    return {lang for lang in (filters.source, filters.target) if lang}


def _condition(reader: IndexReader, filters: Filters) -> tuple[str, list[object]]:
    """Return which sentences are read at all, as ``IndexReader.iterate`` takes it."""
    conditions: list[str] = []
    values: list[object] = []
    langs = sorted(_required(filters))
    if len(langs) == 2:
        conditions.append("s.lang IN (?, ?)")
        values += langs
    if filters.origins:
        conditions.append(" OR ".join(["o.name GLOB ?"] * len(filters.origins)))
        values += filters.origins
    if filters.groups or filters.ids:
        rows = _chosen_groups(reader, filters)
        conditions.append(f"s.group_row IN ({','.join('?' * len(rows))})")
        values += rows
    return " AND ".join(f"({condition})" for condition in conditions), values


def _chosen_groups(reader: IndexReader, filters: Filters) -> list[int]:
    """Return the rows of the groups that are named, or hold a sentence that is."""
    by_name = "SELECT row FROM groups WHERE name = ?"
    by_id = "SELECT group_row FROM sentences WHERE id = ?"
    return sorted(
        {_row(reader, by_name, "group", name) for name in filters.groups}
        | {_row(reader, by_id, "sentence with the id", name) for name in filters.ids}
    )


def _row(reader: IndexReader, query: str, what: str, name: str) -> int:
    found = reader.connection.execute(query, (name,)).fetchone()
    if found is None:
        raise ExportError(f"{reader.directory} has no {what} {name[:100]!r}; see searchkbd search")
    return found[0]


def _in_time(date: str, filters: Filters) -> bool:
    # ISO dates are in the order of time as strings. A day ends with its last second: only so
    # much of the date is compared as ``until`` says.
    since, until = filters.since, filters.until
    return (since is None or date >= since) and (until is None or date[: len(until)] <= until)


def _wanted_words(query: str | None) -> list[str]:
    if query is None:
        return []
    wanted = words(search_key(query))
    if not wanted:
        raise ExportError(f"the query {query[:40]!r} has no letter or digit to look for")
    return wanted


def _has_words(key: str, wanted: list[str]) -> bool:
    return all(word in key for word in wanted)


def _counted(
    sentences: Iterable[StoredSentence], progress: Callable[[int, int], None], total: int
) -> Iterator[StoredSentence]:
    for done, sentence in enumerate(sentences):
        if done % _STRIDE == 0:
            progress(done, total)
        yield sentence
