"""Segments from standard input, one a line, each with its neighbours in the document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from searchkbd.cli.batch import InputLine, read_batches
from searchkbd.memory.match import Lookup
from searchkbd.memory.query import Query

Placed = tuple[InputLine, Query]


def answer_document(
    answer: Callable[[list[Query]], list[Lookup]],
    without_answer: Callable[[str], Lookup],
    show: Callable[[Lookup], None],
) -> int:
    """Show an answer for every line, in order, as ``answer_lines`` does; return the exit code."""
    code = 0
    for batch in in_document(read_batches()):
        answers = iter(answer([query for line, query in batch if line.is_query]))
        for line, _ in batch:
            show(next(answers) if line.is_query else without_answer(line.text))
            if line.problem:
                code = 1
    return code


def in_document(batches: Iterable[list[InputLine]]) -> Iterator[list[Placed]]:
    """Yield the lines in batches, with the queries that they are.

    The neighbours of a segment are the nearest lines before and after it that are segments too.
    """
    previous = ""
    held: list[InputLine] = []
    for batch in batches:
        following = next((line.text for line in batch if line.is_query), None)
        if held and following is not None:
            placed, previous = _placed(held, previous, following)
            yield placed
            held = []
        held = held + batch
    if held:
        yield _placed(held, previous, "")[0]


def _placed(
    lines: list[InputLine], previous: str, following: str
) -> tuple[list[Placed], str]:
    """Return *lines* with their queries, and the last segment among them."""
    next_of: list[str] = []
    for line in reversed(lines):
        next_of.append(following)
        if line.is_query:
            following = line.text
    placed = []
    for line, after in zip(lines, reversed(next_of), strict=True):
        placed.append((line, Query(line.text, previous=previous, next=after)))
        if line.is_query:
            previous = line.text
    return placed, previous
