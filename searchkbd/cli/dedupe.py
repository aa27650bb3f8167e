"""``searchkbd dedupe``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.encoder_options import encoder_options
from searchkbd.cli.mining_options import (
    check_streams,
    hearing,
    note_respaced,
    output_option,
)
from searchkbd.cli.options import json_option
from searchkbd.cli.output import note, plural, print_json
from searchkbd.cli.progress import Stages
from searchkbd.cli.reading import reading_options
from searchkbd.cli.rejects import ToldRejects, shown_rejects_option

if TYPE_CHECKING:
    from searchkbd.corpus.options import ReadOptions
    from searchkbd.encoders.spec import EncoderSpec


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@output_option
@click.option(
    "--similarity", type=click.FloatRange(0, 1), default=0.98, show_default=True, metavar="X",
    help="Least cosine of near duplicates.",
)
@click.option(
    "--edit", type=click.FloatRange(0, 1), default=0.9, show_default=True, metavar="X",
    help="Least edit similarity of near duplicates: 1 less the edits by the longer's length.",
)
@click.option("--keys-only", is_flag=True, help="Only remove what has the same search keys.")
@click.option(
    "--keep", type=click.Choice(["first", "best"]), default="first", show_default=True,
    help='Which of duplicates: the first, or the one with the highest in the column "similarity".',
)
@click.option(
    "--report", metavar="FILE",
    help="Where the rows that were dropped are listed, and why.  [default: OUT.dropped.tsv; none "
    "for standard output]",
)
@encoder_options
@reading_options
@shown_rejects_option
@json_option
def command(
    files: tuple[str, ...],
    out: str,
    similarity: float,
    edit: float,
    keys_only: bool,
    keep: str,
    report: str | None,
    encoder: EncoderSpec,
    reading: ReadOptions,
    rejects: Path | None,
    as_json: bool,
) -> int:
    """Remove duplicates and near duplicates from files of sentences or pairs.

    A FILE is any that "build" reads. Rows of pairs, and groups of sentences, are kept or dropped
    as wholes: they are duplicates when they are near in every language.

    Duplicates have the same search keys: letter case, spacing and the palochka's spelling do not
    count. Near duplicates are near in meaning and spelt alike, and have the same numbers. Each
    row that is dropped is near to one that is kept, and the report says to which.
    """
    from searchkbd.encoders import load_encoder
    from searchkbd.mining.dedupe import dedupe_files

    if report is None and out != "-":
        report = f"{out}.dropped.tsv"
    check_streams(files, out, rejects, as_json, report)
    loaded = None if keys_only else load_encoder(encoder)
    with ToldRejects(rejects) as rejected, Stages() as stages:
        summary = dedupe_files(
            files, out, loaded, hearing(reading), similarity=similarity, edit=edit, keep=keep,
            report=report, on_reject=rejected.add,
            on_read=stages.stage("Reading" if keys_only else "Reading and encoding", "lines"),
            on_compared=stages.stage("Comparing", "units"),
        )  # fmt: skip
    if as_json:
        print_json({
            "output": out, "form": summary.form, "units": summary.units, "kept": summary.kept,
            "dropped": {"key": summary.by_key, "near": summary.near}, "report": report,
            "rejected": rejected.count,
        })  # fmt: skip
        return 1 if rejected.count else 0
    noun = "pair" if summary.form == "pairs" else "unit"
    where = "standard output" if out == "-" else out
    listed = f", listed in {report}" if report and summary.by_key + summary.near else ""
    note(f"{where}: {summary.kept:,} of {plural(summary.units, noun)}; dropped "
         f"{summary.by_key:,} with the same keys and {summary.near:,} near ones"
         f"{listed}")  # fmt: skip
    note_respaced(out, summary.respaced)
    return 1 if rejected.count else 0
