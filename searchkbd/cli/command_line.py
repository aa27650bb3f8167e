"""The command that was given, as it can be given again: for the cards of what it has made."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Collection
from typing import Any

import click


def command_line(
    ctx: click.Context,
    skipped: Collection[str],
    *,
    many: Collection[str] = (),
    write: Callable[[str, Any], list[str]] | None = None,
) -> str:
    """Return the command with what was given to it, in one order and without absolute paths.

    Parameters named in *skipped* are left out; options named in *many* take all their values at
    once. *write* returns the values of an option as they are written, each behind a name of its
    own; it is ``written`` when not given.
    """
    words = ctx.command_path.split()
    for parameter in ctx.command.params:
        source = ctx.get_parameter_source(parameter.name)
        if parameter.name in skipped or source is None or source.name.startswith("DEFAULT"):
            continue
        value = ctx.params[parameter.name]
        if isinstance(parameter, click.Argument):
            words += map(without_folder, value)
            continue
        name = parameter.opts[0]
        if parameter.is_flag:
            on = value or not parameter.secondary_opts
            words.append(name if on else parameter.secondary_opts[0])
        elif parameter.name in many:
            words += [name, *map(without_folder, value)]
        else:
            for one in (write or written)(parameter.name, value):
                words += [name, one]
    return shlex.join(words)


def written(name: str, value: Any) -> list[str]:
    """Return the values of an option as they are written, each behind a name of its own."""
    if name == "columns":
        return ["=".join(pair) for pair in value.items()]
    if name == "langs":
        return [",".join(value)]
    return [without_folder(str(one)) for one in (value if isinstance(value, tuple) else (value,))]


def without_folder(path: str) -> str:
    """Return the last part of an absolute path, and anything else as it is."""
    return os.path.basename(os.path.normpath(path)) if os.path.isabs(path) else path
