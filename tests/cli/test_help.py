"""Help: every command and option is explained, quickly, at any width."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from searchkbd.cli.main import cli


def commands(command: click.Command = cli, path: tuple[str, ...] = ()):
    """Yield every command with the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), (*path, name))


PATHS = [path for path, _ in commands()]


def test_all_commands_are_there():
    assert {path[-1] for path in PATHS if path} == {
        "build", "add", "replace", "compact", "tune", "cache", "search", "tm", "lookup",
        "pretranslate", "concordance", "export", "delete", "edit", "score", "mine", "dedupe",
        "info", "verify", "eval", "compare", "models", "show", "fetch", "trim", "pairs", "prepare",
        "train", "student", "finetune", "serve", "mcp",
    }  # fmt: skip


def test_every_command_and_option_is_explained():
    for path, command in commands():
        assert command.help, path
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, (path, parameter.name)
                assert parameter.help.endswith((".", "]")), (path, parameter.name)


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_is_printed(run, path, flag):
    code, out, err = run(*path, flag)
    assert (code, err) == (0, "") and out.startswith("Usage: searchkbd")


@pytest.mark.parametrize("columns", ["40", "200"])
def test_help_at_any_width(run, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    for path in PATHS:
        code, out, _ = run(*path, "--help")
        assert code == 0 and out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serch"], "serch"),
        (["search", "вода", "--colour"], "--colour"),
        (["tm", "delete"], "delete"),
        (["--index", "x"], "--index"),
    ],
)
def test_what_is_no_command(run, arguments, said):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "") and said in err and "--help" in err


def test_no_command_at_all_shows_the_help(run):
    code, out, err = run()
    assert "Commands" in out + err
    assert code == 2


def test_the_version(run):
    from searchkbd import __version__

    assert run("--version").out == f"searchkbd, version {__version__}\n"


def test_help_imports_nothing_slow():
    probe = (
        "import sys; from searchkbd.cli.main import run; run(['--help']); run(['search', '-h']);"
        "slow = {'faiss', 'torch', 'rich', 'sqlite_utils', 'ftfy', 'pyarrow'} & set(sys.modules);"
        "sys.exit(f'imported: {slow}' if slow else 0)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
