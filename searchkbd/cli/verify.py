"""``searchkbd verify``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from searchkbd.cli.options import index_option, json_option
from searchkbd.cli.output import plural, print_json


@click.command()
@index_option
@json_option
def command(index: Path, as_json: bool) -> int:
    """Check an index: checksums of its files, rows against vectors, files nobody needs.

    Exits with 0 when the index is sound and with 1 when something is wrong with it. Orphan
    files (left by an interrupted build) waste space only; the next build removes them.
    """
    from searchkbd.cli.progress import byte_progress
    from searchkbd.index.verify import verify_index

    with byte_progress("Reading vectors") as progress:
        result = verify_index(index, progress)
    if as_json:
        print_json({"index": str(index), "ok": result.ok, **asdict(result)})
        return 0 if result.ok else 1
    for problem in result.problems:
        click.secho(f"problem: {problem}", fg="red")
    for orphan in result.orphans:
        click.echo(f"orphan: {orphan} (the next build removes it)")
    files = plural(result.vector_files, "vector file")
    counted = f"{plural(result.sentences, 'sentence')}, {files}"
    if result.ok:
        click.echo(f"{index}: sound ({counted})")
        return 0
    click.echo(f"{index}: {plural(len(result.problems), 'problem')} ({counted})")
    return 1
