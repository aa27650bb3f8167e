"""What the commands of ``searchkbd train`` share: files of pairs as options, and how they talk."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

import click

from searchkbd.errors import SearchkbdError

_FILES = ("pairs", "dev")


class ManyFiles(click.Command):
    """A command whose options of files take several values: ``--pairs a.tsv b.tsv``."""

    names = tuple(f"--{name}" for name in _FILES)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # click gives an option one value. There are no arguments that a value could be taken for.
        spread: list[str] = []
        name, values = "", 0
        for arg in args:
            if arg.startswith("-") and arg != "-":
                name, values = (arg if arg in self.names else ""), 0
            elif name:
                spread += [name] if values else []
                values += 1
            spread.append(arg)
        return super().parse_args(ctx, spread)


def check_files(pairs: Sequence[str], dev: Sequence[str]) -> None:
    """Raise SearchkbdError for what is no file, or given both to learn and to measure by."""
    for file in (*pairs, *dev):
        if not Path(file).exists():
            raise SearchkbdError(f"{file}: no such file")
        if not Path(file).is_file():
            raise SearchkbdError(
                f"{file}: not a file; pairs are read again when training goes on, so write them "
                "to files"
            )
    both = {os.path.realpath(file) for file in pairs} & {os.path.realpath(file) for file in dev}
    if both:
        raise SearchkbdError(f"{both.pop()}: given as --pairs and as --dev")


def command_line(ctx: click.Context, skipped: Collection[str]) -> str:
    """Return the command with what was given to it, in one order and without absolute paths.

    Options named in *skipped* are left out.
    """
    words = ["searchkbd", "train", str(ctx.info_name)]
    for option in ctx.command.params:
        source = ctx.get_parameter_source(option.name)
        value = ctx.params.get(option.name)
        if option.name in skipped or source is None or source.name.startswith("DEFAULT"):
            continue
        name = option.opts[0]
        if option.name in _FILES:
            words += [name, *map(_relative, value)]
        elif option.name == "columns":
            words += [word for pair in value.items() for word in (name, "=".join(pair))]
        elif option.name == "langs":
            words += [name, ",".join(value)]
        elif option.is_flag:
            words.append(name if value else option.secondary_opts[0])
        else:
            words += [name, _relative(str(value))]
    return shlex.join(words)


def say(text: str) -> None:
    """Print a line on standard error, above a bar."""
    # Not click.echo, which goes around rich's stand-in for the stream.
    print(text, file=sys.stderr, flush=True)


def _relative(path: str) -> str:
    return os.path.basename(path) if os.path.isabs(path) else path
