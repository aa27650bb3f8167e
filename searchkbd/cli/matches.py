"""Showing the matches of a look-up to people."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence

import click

from searchkbd.cli.output import wrapped
from searchkbd.memory.diff import DELETE, EQUAL, INSERT
from searchkbd.memory.match import Lookup, Match, MatchKind
from searchkbd.memory.quality import CONTEXT_BONUS, Score

Piece = tuple[str, str]
"""(diff operation, text)."""

_COLOURS = {
    DELETE: {"fg": "red", "strikethrough": True},
    INSERT: {"fg": "green", "bold": True},
    EQUAL: {},
}
_MARKS = {DELETE: ("[-", "-]"), INSERT: ("{+", "+}"), EQUAL: ("", "")}


def show_match(result: Lookup, match: Match, *, explain: bool) -> None:
    """Print one match of *result*: what it is, source and target, and with *explain* why."""
    click.echo(_heading(match))
    steps = match.path[1:3:2]  # of the two spellings of the middle sentence, the source's
    langs = [result.source_lang, *(step.lang for step in steps), result.target_lang]
    width = max(map(len, langs))
    indent = 5 + width + 2

    def line(label: str, text: str) -> None:
        click.echo(f"     {click.style(f'{label:<{width}}', dim=True)}  {text}")

    if match.part:
        line("", _part(result, match, indent))
    if match.kind is MatchKind.SEMANTIC:
        line(result.source_lang, wrapped(match.source, indent, result.segment))
    else:
        line(result.source_lang, wrapped_pieces(_difference(match), indent))
    for step in steps:
        line(step.lang, wrapped(step.text, indent))
    line(result.target_lang, wrapped(match.target, indent))
    if match.suggestion:
        line("→", wrapped(match.suggestion, indent))
    if explain:
        line("", click.style(wrapped(explained(match.score), indent), dim=True))


def explained(score: Score) -> str:
    """Return the arithmetic of a score: ``70 (6 edits in 20 letters) − 10 mt = 60``."""
    edits = f"{score.edits} edit{'' if score.edits == 1 else 's'} in {score.length} letters"
    terms = [f"{score.edit_quality} ({edits})"]
    terms += (f"− {term.points} {term.reason}" for term in (*score.deductions, *score.penalties))
    if score.context:
        terms.append(f"+ {CONTEXT_BONUS} same {score.context}")
    return " ".join(terms) + (f" = {score.quality}" if len(terms) > 1 else "")


def wrapped_pieces(pieces: Sequence[Piece], indent: int) -> str:
    """Return *pieces* as one text broken to the terminal's width, in colour or with marks."""
    coloured = sys.stdout.isatty()
    if not coloured:
        pieces = [(op, f"{_MARKS[op][0]}{text}{_MARKS[op][1]}") for op, text in pieces]
    text = "".join(piece for _, piece in pieces)
    lines = _lines(text, max(16, shutil.get_terminal_size().columns - indent))
    if not coloured:
        return ("\n" + " " * indent).join(text[start:end] for start, end in lines)
    return ("\n" + " " * indent).join(_styled(pieces, start, end) for start, end in lines)


def _heading(match: Match) -> str:
    parts = [f"{match.rank:>3}. {match.kind.value:<8}", f"quality {match.quality:>3}"]
    if match.similarity is not None:
        parts.append(f"similarity {match.similarity:.2f}")
    parts.append(click.style(match.origin, dim=True))
    if match.score.penalties:
        parts.append(" ".join(f"−{term.points} {term.reason}" for term in match.score.penalties))
    if match.below:
        parts.append(click.style("below the threshold", fg="yellow"))
    return "  ".join(parts)


def _part(result: Lookup, match: Match, indent: int) -> str:
    start, end = match.part.segment
    if (start, end) == (0, len(result.segment)):
        what, part = "in it", match.source[slice(*match.part.source)]
    else:
        what, part = "for", result.segment[start:end]
    return click.style(wrapped(f"{what}: {part}", indent), dim=True)


def _difference(match: Match) -> list[Piece]:
    """Return the whole source, what differs in it marked."""
    start, end = match.part.source if match.part else (0, len(match.source))
    pieces = [
        (EQUAL, match.source[:start]),
        *((change.op, change.text) for change in match.diff),
        (EQUAL, match.source[end:]),
    ]
    return [(op, text) for op, text in pieces if text]


def _lines(text: str, width: int) -> Iterable[tuple[int, int]]:
    """Yield the spans that *text* is broken into, at spaces where there are any."""
    start = 0
    while len(text) - start > width:
        cut = text.rfind(" ", start, start + width + 1)
        if cut <= start:
            cut = start + width
        yield start, cut
        start = cut + (text[cut : cut + 1] == " ")
    yield start, len(text)


def _styled(pieces: Sequence[Piece], start: int, end: int) -> str:
    """Return ``text[start:end]`` of the text that *pieces* make up, in colour."""
    out, at = [], 0
    for op, text in pieces:
        part = text[max(start - at, 0) : max(end - at, 0)]
        at += len(text)
        if part:
            out.append(click.style(part, **_COLOURS[op]) if _COLOURS[op] else part)
    return "".join(out)
