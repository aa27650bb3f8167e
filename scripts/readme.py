"""Keep README.md true: the output of its tour, and its command reference.

    python scripts/readme.py           say what is out of date (exit code 1)
    python scripts/readme.py --write   bring it up to date

The tour is the README's ``console`` blocks: each line ``$ searchkbd ...`` is run, in order, in an
empty directory, and what it prints is what must follow it. Times, dates and the encoder's
fingerprint are left as they stand.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import click

from searchkbd.cli.main import cli, run

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN = "<!-- command reference: scripts/readme.py --write -->"
END = "<!-- end of the command reference -->"

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_VARIABLE = [
    (re.compile(r"in \d+\.\d s"), "in # s"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:+]+"), "#"),
    (re.compile(r"\([0-9a-f]{16}\)"), "(#)"),
]


def commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the full name and the help text of *command* and of those below it."""
    # click keeps a command's help option as it was first asked for: ask as the program does.
    names = cli.context_settings["help_option_names"]
    context = click.Context(
        command, info_name=" ".join(path), terminal_width=88, help_option_names=names
    )
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), (*path, name))
    else:
        yield " ".join(path), command.get_help(context)


def reference() -> str:
    """Return the command reference as Markdown."""
    parts = []
    for name, text in commands(cli, ("searchkbd",)):
        text = "\n".join(line.rstrip() for line in text.splitlines())
        parts.append(f"### `{name}`\n\n```\n{text}\n```\n")
    return "\n".join(parts)


def with_reference(readme: str) -> str:
    """Return the README's text with the reference between its markers brought up to date."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{reference()}\n{END}{after}"


_CACHE_BOUND = "SEARCHKBD_CACHE_MAX"


def with_tour(readme: str) -> str:
    """Return the README's text with the output of every tour command brought up to date."""
    old_directory = Path.cwd()
    old_bound = os.environ.get(_CACHE_BOUND)
    os.environ[_CACHE_BOUND] = "0"  # what was built before must not show
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        try:
            return _BLOCK.sub(_run_block, readme)
        finally:
            os.chdir(old_directory)
            os.environ.pop(_CACHE_BOUND)
            if old_bound is not None:
                os.environ[_CACHE_BOUND] = old_bound


def _run_block(match: re.Match[str]) -> str:
    """Run the commands of one block; keep its old text where only times differ."""
    parts = []
    for command in re.findall(r"^\$ (.*)$", match.group(1), re.MULTILINE):
        program, *arguments = shlex.split(command)
        if program != "searchkbd":
            raise SystemExit(f"the tour runs searchkbd only, not: {command}")
        output = io.StringIO()
        with redirect_stdout(output), redirect_stderr(output):
            code = run(arguments)
        if code:
            raise SystemExit(f"{command}\nended with {code}:\n{output.getvalue()}")
        lines = [line.rstrip() for line in output.getvalue().splitlines()]
        parts.append("\n".join([f"$ {command}", *lines, ""]))
    new = f"```console\n{''.join(parts)}```"
    return match.group() if _fixed(new) == _fixed(match.group()) else new


def _fixed(text: str) -> str:
    for pattern, stand_in in _VARIABLE:
        text = pattern.sub(stand_in, text)
    return text


def current(readme: str) -> str:
    """Return what the README should say."""
    return with_reference(with_tour(readme))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="bring README.md up to date")
    write = parser.parse_args().write
    os.environ["COLUMNS"] = "88"
    readme = README.read_text("utf-8")
    new = current(readme)
    if new == readme:
        print("README.md is current.")
    elif write:
        README.write_text(new, "utf-8")
        print("README.md was brought up to date.")
    else:
        sys.exit("README.md is out of date: python scripts/readme.py --write")


if __name__ == "__main__":
    main()
