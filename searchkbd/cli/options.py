"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from searchkbd.text.languages import UnknownLanguageError, normalize_language


class LanguageType(click.ParamType):
    """A language code, folded to ours: ``rus``, ``ru-RU`` and ``ru`` are the same."""

    name = "LANG"

    def convert(self, value, param, ctx):
        try:
            return normalize_language(value)
        except UnknownLanguageError as error:
            self.fail(str(error), param, ctx)


class DirectoryType(click.ParamType):
    """A directory of an index; an empty name, as of an unset variable, is none."""

    name = "DIR"

    def convert(self, value, param, ctx):
        if isinstance(value, str) and not value:
            self.fail("the name is empty", param, ctx)
        return Path(value)


LANGUAGE = LanguageType()


def parse_columns(
    ctx: click.Context, param: click.Parameter, values: Sequence[str]
) -> dict[str, str]:
    """Return OURS=THEIRS options as a dictionary (a callback of click)."""
    columns = {}
    for value in values:
        ours, equals, theirs = value.partition("=")
        if not (ours and equals and theirs):
            raise click.BadParameter(f"{value!r}: write it as OURS=THEIRS, as in text=sentence")
        columns[ours] = theirs
    return columns


def _pair(ctx: click.Context, param: click.Parameter, value: str | None):
    if value is None:
        return None
    parts = [part.strip() for part in value.split(",")]
    if len(parts) != 2 or not all(parts):
        raise click.BadParameter(f"{value!r}: give two languages, as in kbd,ru")
    return parts[0], parts[1]


index_option = click.option(
    "--index",
    "index",
    type=DirectoryType(),
    required=True,
    envvar="SEARCHKBD_INDEX",
    show_envvar=True,
    metavar="DIR",
    help="Directory of the index.",
)
langs_option = click.option(
    "--langs", callback=_pair, metavar="A,B",
    help="Languages of a file's two text columns, as in kbd,ru.",
)  # fmt: skip
columns_option = click.option(
    "--column", "columns", multiple=True, callback=parse_columns, metavar="OURS=THEIRS",
    help="Where a column is named otherwise: text=sentence, or by number: text=3. Ours are id, "
    "lang, text, group, origin; lang_a, lang_b, text_a, text_b for pairs.",
)  # fmt: skip
recall_option = click.option(
    "--recall", type=click.Choice(("fast", "balanced", "exact")), default="balanced",
    show_default=True,
    help="How sure the nearest in meaning are to be found in a language of many sentences: exact "
    "compares all of them, balanced and fast what searchkbd tune has settled.",
)  # fmt: skip
no_cache_option = click.option(
    "--no-cache", is_flag=True,
    help="Neither read the embedding cache nor write to it (see searchkbd cache).",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
