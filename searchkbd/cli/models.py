"""``searchkbd models``: which models are here, and fetching others."""

from __future__ import annotations

import importlib
import shutil
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.options import json_option
from searchkbd.cli.output import file_size, note, plural, print_json

if TYPE_CHECKING:
    from searchkbd.encoders.transformer.fetch import Plan
    from searchkbd.encoders.transformer.files import ModelFiles
    from searchkbd.encoders.transformer.inventory import Listed

_LAZY = {"trim": ("searchkbd.cli.models_trim", "Keep only the pieces of some languages.")}


class _Group(click.Group):
    """A group some of whose commands are imported when they are run, not to list them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *_LAZY]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _LAZY:
            return importlib.import_module(_LAZY[cmd_name][0]).command
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, one.get_short_help_str(limit=80)) for name, one in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows + [(name, text) for name, (_, text) in _LAZY.items()])


@click.group(cls=_Group, invoke_without_command=True)
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the models that encode sentences: those that are here, and those that can be fetched.

    The encoder "embedded" comes with searchkbd. Others are models of sentence-transformers, in the
    cache of huggingface_hub (HF_HOME, HF_HUB_CACHE), which other programs share. What is listed
    is told from their files; none is loaded, and the network is not used.
    """
    if ctx.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError("give --json after the command's name")
        return
    from searchkbd.encoders.transformer.hub_cache import hub_cache
    from searchkbd.encoders.transformer.inventory import listed_models

    models = [_embedded(), *(_row(model) for model in listed_models())]
    if as_json:
        print_json({"directory": str(hub_cache()), "models": [row.shape for row in models]})
    else:
        _show_list(hub_cache(), models)


@command.command()
@click.argument("name", metavar="NAME|DIR")
@json_option
def show(name: str, as_json: bool) -> None:
    """Describe one model: what it is made of, its files, its fingerprint."""
    from searchkbd.encoders.transformer.files import find_model

    _show_model(find_model(name), as_json)


@command.command()
@click.argument("name")
@click.option(
    "--revision", metavar="REVISION",
    help="Branch, tag or commit to fetch; then NAME@REVISION is its name.  [default: main]",
)
@json_option
def fetch(name: str, revision: str | None, as_json: bool) -> None:
    """Download a model from the Hugging Face hub into the cache of huggingface_hub.

    NAME is labse-kbd, labse, or OWNER/NAME. Only safetensors weights are taken, and no code: what
    would need another thing is refused before it is downloaded. A download that was interrupted
    goes on where it stopped. HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE are honoured.
    """
    from searchkbd.cli.progress import byte_progress
    from searchkbd.encoders.transformer.fetch import fetch as fetch_model
    from searchkbd.encoders.transformer.hub_cache import hub_cache

    downloaded = 0

    def announce(plan: Plan) -> None:
        nonlocal downloaded
        downloaded = plan.bytes
        if plan.absent:
            files = plural(len(plan.absent), "file")
            note(f"{plan.repo}: {files}, {file_size(plan.bytes)}, into {hub_cache()}")

    try:
        with byte_progress(f"Fetching {name}") as progress:
            files = fetch_model(name, revision=revision, progress=progress, on_plan=announce)
    except KeyboardInterrupt:
        note("what has come is kept: run the same command again to go on with it")
        raise
    if not downloaded:
        note(f"{files.name} was here already, as the hub has it")
    _show_model(files, as_json, downloaded=downloaded)


@dataclass(frozen=True)
class _Row:
    """A line of the list: *cells* or, where there is no such model, *instead*; and its JSON."""

    name: str
    cells: tuple[str, ...]
    instead: str
    shape: dict[str, object]


def _embedded() -> _Row:
    from searchkbd.encoders.embedded import EmbeddedEncoder
    from searchkbd.encoders.student import DEFAULT_PATH
    from searchkbd.encoders.use_weights import find_source

    source, encoder = find_source(), EmbeddedEncoder()
    paths = (source.tokenizer, source.weights, DEFAULT_PATH)
    size = sum(path.stat().st_size for path in paths)
    shape = _shape(encoder.name, "ready") | {
        "bytes": size, "dimensions": encoder.dim, "fingerprint": encoder.fingerprint,
    }  # fmt: skip
    cells = (file_size(size), str(encoder.dim), "", "", encoder.fingerprint)
    return _Row(encoder.name, cells, "", shape)


def _row(model: Listed) -> _Row:
    files = model.files
    if files is not None:
        cells = (
            file_size(files.bytes), f"{files.dim:,}", f"{files.max_tokens:,}",
            files.palochka or "as it is", files.fingerprint,
        )  # fmt: skip
        return _Row(model.name, cells, "", _files_shape(files))
    shape = _shape(model.name, model.state) | {"reason": model.reason}
    if model.known is not None:
        shape |= {"repo": model.known.repo, "bytes": model.known.bytes}
    if model.state == "unusable":
        return _Row(model.name, (), f"cannot be used: {model.reason}", shape)
    what = "not all of it is here" if model.state == "incomplete" else "not here"
    size = f" ({file_size(model.known.bytes)})" if model.known else ""
    return _Row(model.name, (), f"{what}{size}: searchkbd models fetch {model.name}", shape)


def _shape(name: str, state: str) -> dict[str, object]:
    """Return the JSON of a model of which nothing else is known."""
    return {
        "name": name, "state": state, "reason": None, "repo": None, "revision": None,
        "directory": None, "bytes": None, "dimensions": None, "max_tokens": None,
        "palochka": None, "fingerprint": None,
    }  # fmt: skip


def _files_shape(files: ModelFiles) -> dict[str, object]:
    return _shape(files.name, "ready") | {
        "repo": files.repo, "revision": files.revision, "directory": str(files.directory),
        "bytes": files.bytes, "dimensions": files.dim, "max_tokens": files.max_tokens,
        "palochka": files.palochka, "fingerprint": files.fingerprint,
    }  # fmt: skip


def _show_list(cache: Path, rows: list[_Row]) -> None:
    width = shutil.get_terminal_size().columns
    headings = ("size", "dims", "tokens", "palochka", "fingerprint")
    table = [headings, *(row.cells for row in rows if row.cells)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    names = ["model", *(row.name for row in rows)]
    # A long name has a line of its own.
    first = min(max(map(len, names)), max(9, width - sum(widths) - 2 * len(widths) - 3))

    def line(name: str, cells: tuple[str, ...]) -> str:
        padded = [f"{cell:>{size}}" for cell, size in zip(cells, widths, strict=True)]
        own_line = len(name) > first
        start = f"{name}\n  {'':<{first}}" if own_line else f"{name:<{first}}"
        return "  " + "  ".join([start, *padded]).rstrip()

    click.secho(line("model", headings), bold=True)
    for row in rows:
        if row.cells:
            click.echo(line(row.name, row.cells))
            continue
        told = f"{row.name:<{first}}  {row.instead}"
        if len(told) + 2 < width:
            click.echo(f"  {told}")
        else:
            click.echo(f"  {row.name}")
            click.echo(textwrap.fill(
                " ".join(row.instead.split()), max(40, width - 1), initial_indent=" " * 6,
                subsequent_indent=" " * 6, break_on_hyphens=False,
            ))  # fmt: skip
    click.echo(f"\nModels are looked for in {cache}, and by their directory: --encoder DIR")


def _show_model(files: ModelFiles, as_json: bool, downloaded: int | None = None) -> None:
    from searchkbd.encoders.transformer.inventory import card_facts

    facts = card_facts(files.directory)
    modules = [{"kind": module.kind, "config": module.config} for module in files.modules]
    if as_json:
        shape = _files_shape(files) | {
            "modules": modules, "assumed_pooling": files.assumed, "lower_case": files.lower_case,
            "languages": list(files.languages), "license": facts.get("license"),
            "base_model": facts.get("base_model"),
            "files": [
                {"file": path.relative_to(files.directory).as_posix(),
                 "bytes": path.stat().st_size}
                for path in (*files.weights, files.tokenizer)
            ],
        }  # fmt: skip
        if downloaded is not None:
            shape["downloaded"] = downloaded
        print_json(shape)
        return
    lines = {
        "model": files.name,
        "from": f"{files.repo}, commit {files.revision}" if files.repo else "",
        "base": facts.get("base_model", ""),
        "licence": facts.get("license", ""),
        "modules": " → ".join(_module(module.kind, module.config) for module in files.modules)
        + (" (mean pooling is assumed: it has no modules.json)" if files.assumed else ""),
        "vector": f"{files.dim:,} dimensions",
        "reads": f"{files.max_tokens:,} tokens of a text"
        + (", in lower case" if files.lower_case else ""),
        "palochka": f"given to it as {files.palochka}" if files.palochka else "given as it is",
        "languages": ", ".join(files.languages),
        "size": file_size(files.bytes),
        "fingerprint": files.fingerprint,
        "directory": str(files.directory),
    }
    for name, text in lines.items():
        if text:
            click.echo(f"{name:<13}{text}")


def _module(kind: str, config: dict[str, object]) -> str:
    if kind == "Pooling":
        return f"Pooling ({'+'.join(config['pooling_mode'])})"
    if kind == "Dense":
        activation = str(config["activation_function"]).rpartition(".")[2]
        return f"Dense ({config['in_features']}→{config['out_features']}, {activation})"
    return kind
