"""``searchkbd info``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from searchkbd.cli.options import index_option, json_option
from searchkbd.cli.output import file_size, plural, print_json
from searchkbd.index.info import IndexInfo
from searchkbd.text.languages import NAMES

ORIGINS_SHOWN = 20


@click.command()
@index_option
@json_option
def command(index: Path, as_json: bool) -> None:
    """Show what an index holds: sentences per language and origin, encoder, sizes."""
    from searchkbd.api import open_index

    with open_index(index, map_vectors=False, map_texts=False) as opened:
        info = opened.info()
    if as_json:
        print_json(asdict(info))
    else:
        _show(info)


def _show(info: IndexInfo) -> None:
    groups = plural(info.groups, "translation group")
    click.echo(f"{info.directory}: {plural(info.sentences, 'sentence')} in {groups}\n")
    _counts("language", {
        f"{lang}  {NAMES.get(lang, '')}".rstrip(): n for lang, n in info.languages.items()
    })
    click.echo()
    shown = dict(list(info.origins.items())[:ORIGINS_SHOWN])
    _counts("origin", shown)
    hidden = len(info.origins) - len(shown)
    if hidden:
        click.echo(f"  … and {plural(hidden, 'other origin')} (all of them with --json)")
    click.echo()
    _searches(info)
    deleted = f", {plural(info.deleted, 'deleted sentence')} still in them" if info.deleted else ""
    click.echo(
        f"\nencoder   {info.encoder} ({info.fingerprint}), {info.dim} dimensions\n"
        f"on disk   {file_size(info.database_bytes)} database, {file_size(info.vector_bytes)} "
        f"vectors, {file_size(info.code_bytes)} codes, {file_size(info.text_bytes)} texts\n"
        f"segments  {info.segments}{deleted}\n"
        f"format    {info.format}\n"
        f"built     {info.created}, last written {info.updated}"
    )


def _searches(info: IndexInfo) -> None:
    """Print how each language is searched."""
    click.secho("  searched by   bytes/vector  expected recall@10", bold=True)
    for search in info.searches:
        how = _METHODS[search.method]
        if search.candidates:
            how += f", {search.candidates:,} compared"
        if search.lists:
            how += f", {search.lists:,} lists read"
        click.echo(
            f"  {search.lang:<3} {search.method:<8}  {search.bytes_per_vector:>12,}"
            f"  {search.recall:>18.3f}   {how}"
        )


_METHODS = {
    "exact": "all vectors",
    "pq": "codes",
    "ivfpq": "inverted lists of codes",
}


def _counts(heading: str, counts: dict[str, int]) -> None:
    """Print a two-column table: names to the left, numbers to the right."""
    width = max(map(len, [heading, *counts]))
    numbers = [f"{n:,}" for n in counts.values()]
    right = max(map(len, ["sentences", *numbers]))
    click.secho(f"  {heading:<{width}}  {'sentences':>{right}}", bold=True)
    for name, number in zip(counts, numbers, strict=True):
        click.echo(f"  {name:<{width}}  {number:>{right}}")
