"""Lines of a concordance on a terminal: the match in one column, its context on either side."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Sequence

import click

from searchkbd.cli.output import wrapped
from searchkbd.concordance.result import Line

_INDENT = 4
_LEFT_SHARE = 0.4  # of the width at most: languages here are read to the right
_LEAST_SIDE = 8
_ELLIPSIS = "…"


def print_lines(lines: Sequence[Line]) -> None:
    """Print *lines*, aligned on their matches, with their translations beneath."""
    total = shutil.get_terminal_size().columns
    texts = [tuple(map(_printable, (line.left, line.match, line.right))) for line in lines]
    column = max((cells(left) for left, _, _ in texts), default=0)
    column = min(column, max(_LEAST_SIDE, int(total * _LEFT_SHARE)))
    width = max((len(t.lang) for line in lines for t in line.translations), default=0)
    for line, (left, match, right) in zip(lines, texts, strict=True):
        left = _last(left, column)
        match = _first(match, max(_LEAST_SIDE, total - column - 1))
        right = _first(right, max(0, total - column - cells(match)))
        pad = " " * (column - cells(left))
        click.echo(pad + left + click.style(match, fg="yellow", bold=True) + right)
        for translation in line.translations:
            label = click.style(f"{translation.lang:<{width}}", dim=True)
            text = wrapped(_printable(translation.text), _INDENT + width + 2)
            click.echo(" " * _INDENT + f"{label}  {text}")


def cells(text: str) -> int:
    """Return how many columns of a terminal *text* takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(char: str) -> int:
    # Marks that combine, enclose (Mn, Me) or are invisible (Cf, the soft hyphen among them).
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _first(text: str, width: int) -> str:
    """As much of the beginning of *text* as *width* columns hold."""
    if cells(text) <= width:
        return text
    used, end = 1, 0  # the ellipsis
    while end < len(text) and used + _cells(text[end]) <= width:
        used += _cells(text[end])
        end += 1
    return text[:end] + _ELLIPSIS if width else ""


def _last(text: str, width: int) -> str:
    """As much of the end of *text* as *width* columns hold."""
    if cells(text) <= width:
        return text
    used, start = 1, len(text)
    while start and used + _cells(text[start - 1]) <= width:
        used += _cells(text[start - 1])
        start -= 1
    # A mark must not lose its letter.
    while start < len(text) and not _cells(text[start]):
        start += 1
    return _ELLIPSIS + text[start:] if width else ""


def _printable(text: str) -> str:
    """*text* on one line and without characters that would steer the terminal."""
    return "".join(
        " " if char.isspace() else "\N{REPLACEMENT CHARACTER}" if _is_control(char) else char
        for char in text
    )


def _is_control(char: str) -> bool:
    return unicodedata.category(char) == "Cc"
