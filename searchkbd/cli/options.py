"""Options that several commands share."""

from __future__ import annotations

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
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
