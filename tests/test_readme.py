"""The README is true: its command reference is the program's own, its links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def load_script(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tour_and_command_reference_are_what_the_program_prints(monkeypatch):
    monkeypatch.setenv("COLUMNS", "88")
    script = load_script("readme")
    readme = (ROOT / "README.md").read_text("utf-8")
    assert script.BEGIN in readme and script.END in readme
    assert readme.count("```console") >= 5
    assert script.current(readme) == readme, "run: python scripts/readme.py --write"


def test_every_option_is_explained():
    import click

    from searchkbd.cli.main import cli

    def walk(command, path):
        assert command.help or path == ["searchkbd"], path
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, (path, parameter.opts)
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                walk(command.get_command(context, name), [*path, name])

    walk(cli, ["searchkbd"])


def test_links_between_documents_lead_somewhere():
    checked = 0
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text("utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name}: {target}"
                checked += 1
    assert checked
