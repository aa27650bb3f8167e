"""``searchkbd build``."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click
from click.core import ParameterSource

from searchkbd.cli.job import BuildJob, job_options
from searchkbd.cli.options import index_option, json_option


@click.command()
@click.argument("files", nargs=-1, metavar="FILE...")
@index_option
@click.option(
    "--demo", is_flag=True, help="Build from the phrasebook that comes with searchkbd."
)
@click.option(
    "--add", is_flag=True, help="Add to the index that is there (as searchkbd add does)."
)
@click.option(
    "--replace", is_flag=True,
    help="Put a new index in the place of the one that is there (as searchkbd replace does).",
)
@click.option(
    "--resume", is_flag=True,
    help="Repeat the build that was interrupted or killed in DIR, with the FILEs and options that "
    "it had; what it had encoded is not encoded again.",
)
@job_options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[str, ...],
    index: Path,
    demo: bool,
    add: bool,
    replace: bool,
    resume: bool,
    job: BuildJob,
    as_json: bool,
) -> int:
    """Build an index from FILEs of sentences; "-" reads standard input.

    A FILE is a table (TSV, CSV) with the columns id, lang, text, group, or lang_a, lang_b, text_a,
    text_b, or source and target, or two text columns (see --langs); JSON Lines with the same
    names; or plain text, one sentence a line (see --lang). Sentences of the same group are
    translations of each other, within and across FILEs.

    It may also be of a translation tool: TMX, XLIFF, PO, a translation memory of Weblate (JSON),
    two Moses files (a.kbd a.ru), a Tatoeba export (its directory, or the sentences), Parquet, or a
    Hugging Face data set (hf:owner/name --split NAME). See docs/formats.md.

    Text may be compressed (gz, bz2, xz, zst). A build that fails or is interrupted leaves the index
    as it was; after an interrupt, searchkbd build --resume --index DIR goes on. Rows that cannot be
    used are listed in a report and the exit code is 1.
    """
    from searchkbd.cli.building import run_build

    if resume:
        _check_alone(ctx)
        from searchkbd.cli.resume import interrupted_job

        return run_build(index, interrupted_job(index), as_json=as_json)
    if demo:
        from searchkbd.resources import PHRASEBOOK

        files = (*files, str(PHRASEBOOK))
    if not files:
        raise click.UsageError("give at least one FILE of sentences, or --demo")
    if add and replace:
        raise click.UsageError("--add keeps what is there and --replace does not; give one of them")
    mode = "add" if add else "replace" if replace else "new"
    job = dataclasses.replace(job, mode=mode, files=files, names=files)
    return run_build(index, job, as_json=as_json)


def _check_alone(ctx: click.Context) -> None:
    """Refuse what the build to be resumed has settled."""
    given = [
        parameter
        for parameter in ctx.command.params
        if parameter.name not in ("index", "resume", "as_json")
        and ctx.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]
    if given:
        name = "FILE" if isinstance(given[0], click.Argument) else given[0].opts[0]
        raise click.UsageError(
            f"--resume repeats a build as it was begun: leave {name} out, or --resume"
        )
