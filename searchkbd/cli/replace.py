"""``searchkbd replace``."""

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
    """Build an index from FILEs in the place of the one that is there.

    FILEs and options are those of searchkbd build; "-" reads standard input. The old index answers
    until the new one is complete, and stays when that fails or is interrupted; then searchkbd build
    --resume --index DIR goes on. An index of an older format can be replaced too. Exits with 1 when
    rows were rejected.
    """
    from searchkbd.cli.building import run_build

    job = dataclasses.replace(job, mode="replace", files=files, names=files)
    return run_build(index, job, as_json=as_json)
