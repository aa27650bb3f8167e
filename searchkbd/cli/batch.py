"""Reading queries from standard input, one a line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from searchkbd.api import MAX_QUERY_CHARS, has_words
from searchkbd.cli.output import note
from searchkbd.text.forms import stored_form

Result = TypeVar("Result")

BATCH = 64
"""Queries encoded together; at a keyboard each is answered at once."""


@dataclass(frozen=True, slots=True)
class InputLine:
    """One line of input; *problem* says why it cannot be a query, if it cannot."""

    text: str
    problem: str | None = None

    @property
    def is_query(self) -> bool:
        return has_words(self.text) and not self.problem


def answer_lines(
    answer: Callable[[list[str]], list[Result]],
    without_answer: Callable[[str], Result],
    show: Callable[[Result], None],
) -> int:
    """Show an answer for every line of standard input, in order; return the exit code.

    Lines are answered in batches. One without letters or digits is shown as *without_answer*
    makes it; so is one that cannot be a query, which is also named on standard error and makes
    the exit code 1.
    """
    code = 0
    for batch in read_batches():
        answers = iter(answer([line.text for line in batch if line.is_query]))
        for line in batch:
            show(next(answers) if line.is_query else without_answer(line.text))
            if line.problem:
                code = 1
    return code


def read_batches() -> Iterator[list[InputLine]]:
    """Yield the lines of standard input in batches, every line in its place."""
    stream = sys.stdin.buffer
    interactive = sys.stdin.isatty()
    if interactive:
        note("Reading from the keyboard, one a line; end with Ctrl-D.")
    batch: list[InputLine] = []
    limit = 4 * MAX_QUERY_CHARS + 8  # bytes: no character takes more than four
    number = 0
    while raw := stream.readline(limit):
        number += 1
        too_long = len(raw) == limit and not raw.endswith(b"\n")
        while too_long and (rest := stream.readline(limit)) and not rest.endswith(b"\n"):
            pass
        line = _read_line(raw, too_long)
        if line.problem:
            note(f"standard input, line {number}: {line.problem}")
        batch.append(line)
        if interactive or len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _read_line(raw: bytes, too_long: bool) -> InputLine:
    text = stored_form(raw.decode("utf-8", "replace").removeprefix("\ufeff"))
    if too_long or len(text) > MAX_QUERY_CHARS:
        return InputLine(text[:100], f"longer than {MAX_QUERY_CHARS} characters")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return InputLine(text, f"not UTF-8 (byte {error.start + 1})")
    return InputLine(text)
