"""Choosing sentences of an index by id, group, origin, language and words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from searchkbd.errors import SearchkbdError
from searchkbd.index.reader import IndexReader, StoredSentence
from searchkbd.text.forms import search_key, words


class SelectionError(SearchkbdError):
    """A selection that cannot choose anything; the message says why."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which sentences: those that every field allows; an empty field allows all.

    ``ids`` and ``groups`` are names, ``origins`` patterns (``*``, ``?``, ``[...]``; letter case
    counts), ``query`` words that all stand in the sentence, whole or inside longer ones.
    """

    ids: Sequence[str] = ()
    groups: Sequence[str] = ()
    origins: Sequence[str] = ()
    query: str | None = None
    langs: Sequence[str] = ()


def selected(reader: IndexReader, selection: Selection) -> Iterator[StoredSentence]:
    """Yield the chosen sentences in the order of their groups.

    Raises SelectionError for a query without words.
    """
    conditions: list[str] = []
    values: list[object] = []
    for column, wanted in (
        ("s.id", selection.ids), ("g.name", selection.groups), ("s.lang", selection.langs),
    ):  # fmt: skip
        if wanted:
            # As JSON, since the number of parameters of a statement is limited.
            conditions.append(f"{column} IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(list(wanted)))
    if selection.origins:
        conditions.append("(" + " OR ".join(["o.name GLOB ?"] * len(selection.origins)) + ")")
        values += selection.origins
    if selection.query is not None:
        wanted_words = words(search_key(selection.query))
        if not wanted_words:
            raise SelectionError(
                f"the query {selection.query[:40]!r} has no letter or digit to look for"
            )
        for word in wanted_words:
            conditions.append("instr(s.key, ?)")
            values.append(word)
    yield from reader.iterate(" AND ".join(conditions), values)

