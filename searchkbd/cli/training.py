"""What the commands of ``searchkbd train`` share: files of pairs as options, and how they talk."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from searchkbd.errors import SearchkbdError

FILES = ("pairs", "dev", "hold")


class ManyFiles(click.Command):
    """A command whose options of files take several values: ``--pairs a.tsv b.tsv``."""

    names = tuple(f"--{name}" for name in FILES)

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


def check_files(pairs: Sequence[str], dev: Sequence[str], hold: Sequence[str] = ()) -> None:
    """Raise SearchkbdError for what is no file, or given both to learn and to measure by."""
    for file in (*pairs, *dev, *hold):
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


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Turn an interrupt into a SearchkbdError that says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise SearchkbdError(
            "interrupted; run the same command again (without --restart) to go on from "
            f"the last checkpoint, in {folder}"
        ) from None


def say(text: str) -> None:
    """Print a line on standard error, above a bar."""
    # Not click.echo, which goes around rich's stand-in for the stream.
    print(text, file=sys.stderr, flush=True)
