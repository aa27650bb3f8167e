"""``searchkbd add``."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from searchkbd.cli.job import BuildJob, job_options
from searchkbd.cli.options import index_option, json_option


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@index_option
@job_options
@json_option
def command(files: tuple[str, ...], index: Path, job: BuildJob, as_json: bool) -> int:
    """Add the sentences of FILEs to an index; "-" reads standard input.

    FILEs and options are those of searchkbd build. Only sentences that the index does not have are
    encoded; they join the groups of the same name that are there. When it is interrupted, the index
    stays as it was, and searchkbd build --resume --index DIR goes on. Exits with 1 when rows were
    rejected.
    """
    from searchkbd.cli.building import run_build
    from searchkbd.index.reader import IndexReader

    IndexReader(index).close()  # says what to do where there is none
    job = dataclasses.replace(job, mode="add", files=files, names=files)
    return run_build(index, job, as_json=as_json)
