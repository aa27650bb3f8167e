"""The options that say how a file of sentences is to be read."""

from __future__ import annotations

import functools
from collections.abc import Callable

import click

from searchkbd.cli.options import columns_option, langs_option

_OPTIONS = (
    click.option(
        "--lang", metavar="LANG",
        help='Language of every sentence that does not name its own, or "auto" to detect it.',
    ),
    langs_option,
    columns_option,
    click.option(
        "--format", type=click.Choice(["tsv", "csv", "jsonl", "text"]),
        help="Format of the files; told by their names, or their first line, when not given.",
    ),
    click.option("--delimiter", metavar="CHAR", help="Column separator of CSV files."),
    click.option(
        "--header/--no-header", default=None,
        help="Whether the first line names the columns; told by that line when not given.",
    ),
    click.option(
        "--encoding", metavar="NAME", help="Encoding of the files, when not UTF-8 or UTF-16.",
    ),
    click.option(
        "--repair/--no-repair", default=True, show_default=True,
        help="Repair text whose encoding was misread (mojibake).",
    ),
)  # fmt: skip
_NAMES = ("lang", "langs", "columns", "format", "delimiter", "header", "encoding", "repair")


def reading_options(command: Callable) -> Callable:
    """Give *command* the options of reading; it gets them as one ``ReadOptions``, *reading*."""

    @functools.wraps(command)
    def wrapped(**values):
        from searchkbd.corpus.options import ReadOptions

        reading = ReadOptions(**{name: values.pop(name) for name in _NAMES})
        return command(reading=reading, **values)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped
