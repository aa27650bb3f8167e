"""``searchkbd``: the commands, and how every one of them ends.

Exit codes: 0 done; 1 done, but something was rejected or found wrong (it was said which);
2 not done (the message says why and what to do next).
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from searchkbd import __version__
from searchkbd.errors import SearchkbdError

_COMMANDS = {
    "build": ("searchkbd.cli.build", "Build an index from files of sentences."),
    "add": ("searchkbd.cli.add", "Add files of sentences to an index."),
    "replace": ("searchkbd.cli.replace", "Build an index anew in the place of the old one."),
    "search": ("searchkbd.cli.search", "Search an index by meaning and by words."),
    "tm": ("searchkbd.cli.tm", "Translation memory: look segments up."),
    "delete": ("searchkbd.cli.delete", "Delete sentences of an index."),
    "edit": ("searchkbd.cli.edit", "Change one sentence of an index."),
    "concordance": (
        "searchkbd.cli.concordance", "Find words and phrases in context, with translations.",
    ),
    "serve": ("searchkbd.cli.serve", "Serve an index: a page, an API, what CAT tools speak."),
    "mcp": ("searchkbd.cli.mcp", "Serve an index to assistants (Model Context Protocol)."),
    "export": ("searchkbd.cli.export", "Write an index to TMX, XLIFF, tables and other formats."),
    "info": ("searchkbd.cli.info", "Show what an index holds."),
    "compact": ("searchkbd.cli.compact", "Give back the space of what was deleted or changed."),
    "tune": ("searchkbd.cli.tune", "Measure how sure searches are, and set it."),
    "train": ("searchkbd.cli.train", "Train encoders on pairs of translations."),
    "cache": ("searchkbd.cli.cache", "Show or prune the cache of embeddings."),
    "verify": ("searchkbd.cli.verify", "Check every file of an index for damage."),
    "eval": ("searchkbd.cli.evaluate", "Measure how well an encoder finds translations."),
    "compare": ("searchkbd.cli.compare", "Compare what two indexes of the same sentences find."),
    "models": ("searchkbd.cli.models", "List, describe, fetch and trim models."),
    "pairs": ("searchkbd.cli.pairs", "Prepare pairs of translations to train on."),
    "score": ("searchkbd.cli.score", "Score pairs, flag doubtful ones, keep the good ones."),
    "mine": ("searchkbd.cli.mine", "Find the translations among the sentences of two files."),
    "dedupe": ("searchkbd.cli.dedupe", "Remove near duplicates from sentences or pairs."),
}


class _ReaderGone(Exception):
    """Whoever read our output (head, less) has closed it."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run, not to list them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _ = _COMMANDS[cmd_name]
        return importlib.import_module(module).command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # click would exit with 1, which here says that something was rejected.
            raise _ReaderGone from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="searchkbd")
def cli() -> None:
    """Search sentences in Kabardian, Russian, English, French and Turkish by meaning, and use
    them as a translation memory."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process with its exit code."""
    _stand_in_for_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        # Kabardian must come out right whatever the locale says.
        stream.reconfigure(encoding="utf-8", errors="replace")
    sys.exit(run(arguments))


def _stand_in_for_closed_streams() -> None:
    """Put the null device where a stream is closed (``<&-``), as a daemon does.

    Else the next file to be opened, the database maybe, would get the stream's number.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; errors are printed, never raised."""
    try:
        code = cli.main(arguments, prog_name="searchkbd", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("searchkbd: interrupted", err=True)
        return 2
    except _ReaderGone:
        # It has all that it wanted. What is left in the buffers must not fail at exit.
        null = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(null, stream.fileno())
        return 0
    except (SearchkbdError, ValueError) as error:
        click.echo(f"searchkbd: {error}", err=True)
        return 2
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        click.echo(f"searchkbd: {place}{error.strerror or error}", err=True)
        return 2
    except MemoryError:
        click.echo("searchkbd: out of memory", err=True)
        return 2
    return code if isinstance(code, int) else 0
