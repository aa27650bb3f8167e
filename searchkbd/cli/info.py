"""``searchkbd info``."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

import click

from searchkbd.cli.encoder_options import settings_shown
from searchkbd.cli.options import index_option, json_option
from searchkbd.cli.output import file_size, plural, print_json
from searchkbd.cli.tune import METHODS
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
    coded = any(search.method != "exact" for search in info.searches)
    if coded:
        _searches(info)
    else:
        click.echo(f"search    exact: all vectors are compared, {2 * info.dim:,} bytes each")
    segments = plural(info.segments, "segment")
    if info.deleted:
        segments += f", with {plural(info.deleted, 'deleted sentence')} (compact drops them)"
    codes = f", {file_size(info.code_bytes)} codes" if coded else ""
    click.echo(
        f"encoder   {info.encoder} ({info.fingerprint}), {info.dim} dimensions"
        f"{settings_shown(info.encoder_settings)}\n"
        f"on disk   {file_size(info.database_bytes)} database, {file_size(info.vector_bytes)} "
        f"vectors{codes}, {file_size(info.text_bytes)} texts\n"
        f"stored    in {segments}\n"
        f"format    {info.format}\n"
        f"built     {info.created}, last written {info.updated}"
    )


def _searches(info: IndexInfo) -> None:
    """Print how each language is searched; sentences without codes are scanned, as are small
    languages."""
    rows = [("searched by", "bytes/vector", "recall@10", "without codes", "deleted")]
    for search in info.searches:
        how = METHODS[search.method]
        if search.candidates:
            how += f", {search.candidates:,} compared"
        without = "" if search.method == "exact" else f"{search.exact_sentences:,}"
        rows.append((
            f"{search.lang:<3}  {how}", f"{search.bytes_per_vector:,}", f"{search.recall:.3f}",
            without, f"{search.deleted:,}",
        ))  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for at, (first, *numbers) in enumerate(rows):
        cells = [f"{first:<{widths[0]}}"]
        cells += [f"{n:>{width}}" for n, width in zip(numbers, widths[1:], strict=True)]
        click.secho("  " + "  ".join(cells).rstrip(), bold=at == 0)
    click.echo()


def _counts(heading: str, counts: dict[str, int]) -> None:
    """Print a two-column table: names to the left, cut to the terminal; numbers to the right."""
    numbers = [f"{n:,}" for n in counts.values()]
    right = max(map(len, ["sentences", *numbers]))
    room = max(20, shutil.get_terminal_size().columns - right - 5)
    names = [name if len(name) <= room else f"{name[: room - 1]}…" for name in counts]
    width = max(map(len, [heading, *names]))
    click.secho(f"  {heading:<{width}}  {'sentences':>{right}}", bold=True)
    for name, number in zip(names, numbers, strict=True):
        click.echo(f"  {name:<{width}}  {number:>{right}}")
