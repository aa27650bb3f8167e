"""Printing: JSON, numbers, and text cut and coloured for a terminal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from typing import Any

import click

from searchkbd.search.highlight import highlights


def print_json(shape: Any, *, lines: bool = False) -> None:
    """Print *shape* as JSON, on one line when *lines*; Cyrillic is printed as itself."""
    click.echo(json.dumps(shape, ensure_ascii=False, indent=None if lines else 2))


def note(text: str) -> None:
    """Say something beside the result, on standard error."""
    click.echo(text, err=True)


def note_absent(langs: Iterable[str], present: Iterable[str]) -> None:
    """Say which of *langs* the index has no sentences in, if there are any."""
    present = list(present)
    absent = [lang for lang in langs if lang not in present]
    if absent:
        has = ", ".join(present)
        note(f"note: the index has no sentences in {', '.join(absent)} (it has: {has})")


def file_size(count: int) -> str:
    """Return bytes as people read them: 1.5 MB."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{count} bytes" if unit == "bytes" else f"{size:.1f} {unit}"


def plural(count: int, noun: str) -> str:
    """Return ``1 sentence``, ``2,000 sentences``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def wrapped(text: str, indent: int, query: str | None = None) -> str:
    """Return *text* broken to the terminal's width, continued lines indented by *indent*.

    Words of *query* are highlighted; off a terminal the colours are dropped by click.
    """
    width = max(16, shutil.get_terminal_size().columns - indent)
    marked = highlights(query, text) if query else []
    lines, start = [], 0
    while len(text) - start > width:
        cut = text.rfind(" ", start, start + width + 1)
        if cut <= start:
            cut = start + width
        lines.append((start, cut))
        start = cut + (text[cut : cut + 1] == " ")
    lines.append((start, len(text)))
    pad = "\n" + " " * indent
    return pad.join(_coloured(text, begin, end, marked) for begin, end in lines)


def _coloured(text: str, begin: int, end: int, marked: Sequence[tuple[int, int]]) -> str:
    """Return ``text[begin:end]`` with the marked spans of the whole text in colour."""
    out, at = [], begin
    for start, stop in marked:
        start, stop = max(start, begin), min(stop, end)
        if start >= stop:
            continue
        out += (text[at:start], click.style(text[start:stop], fg="yellow", bold=True))
        at = stop
    return "".join([*out, text[at:end]])
