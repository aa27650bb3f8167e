"""The options that say how a file of sentences is to be read."""

from __future__ import annotations

import functools
from collections.abc import Callable

import click

from searchkbd.cli.options import LANGUAGE, columns_option, langs_option
from searchkbd.corpus.options import FORMATS

_OPTIONS = (
    click.option(
        "--lang", metavar="LANG",
        help='Language of every sentence that does not name its own, or "auto" to detect it.',
    ),
    langs_option,
    columns_option,
    click.option(
        "--format", type=click.Choice(FORMATS),
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
    click.option(
        "--links", metavar="FILE",
        help="Links of a Tatoeba export, whose sentences all FILEs are then; looked for beside "
        "them when not given.",
    ),
    click.option(
        "--take", type=LANGUAGE, multiple=True, metavar="LANG",
        help="Of a Tatoeba export, take only this language; may be given several times.",
    ),
    click.option(
        "--split", metavar="NAME", help="Which part of a Hugging Face data set to read.",
    ),
    click.option(
        "--revision", metavar="NAME",
        help="Which version of a Hugging Face data set to read.  [default: main]",
    ),
)  # fmt: skip
_CUT_OPTIONS = (
    click.option(
        "--min-similarity", type=click.FloatRange(-1, 1), metavar="X",
        help='Leave out rows whose column "similarity" or "similarity_score" is less.',
    ),
    click.option(
        "--percentile", type=click.FloatRange(0, 100), metavar="P",
        help="Leave out rows whose similarity is less than that percentile of the file's: 75 "
        "keeps the best quarter.",
    ),
)  # fmt: skip
_NAMES = (
    "lang", "langs", "columns", "format", "delimiter", "header", "encoding", "repair", "links",
    "take", "split", "revision",
)  # fmt: skip


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


def cut_options(command: Callable) -> Callable:
    """Give *command* the options *min_similarity* and *percentile*."""
    for option in reversed(_CUT_OPTIONS):
        command = option(command)
    return command
