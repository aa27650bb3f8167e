"""``searchkbd tm pretranslate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.encoder_options import index_encoder_options
from searchkbd.cli.memory_options import (
    chosen_pivots,
    no_pivot_option,
    penalty_option,
    pivot_option,
)
from searchkbd.cli.options import (
    LANGUAGE,
    index_option,
    json_option,
    parse_columns,
    recall_option,
)
from searchkbd.cli.output import note_absent, plural, print_json
from searchkbd.memory.query import MIN_SIMILARITY

if TYPE_CHECKING:
    from searchkbd.encoders.spec import EncoderSpec
    from searchkbd.memory.match import Lookup
    from searchkbd.memory.query import LookupOptions, Query
    from searchkbd.pretranslation.statistics import Summary

_LABELS = {"101": "context 101", "100": "exact 100", "semantic": "by meaning"}


@click.command("pretranslate")
@click.argument("file", metavar="FILE")
@index_option
@index_encoder_options
@click.option("--to", "target", type=LANGUAGE, required=True, help="Language to translate into.")
@click.option(
    "--from", "source", type=LANGUAGE,
    help="Language of the texts.  [default: what FILE says; en for PO]",
)
@click.option("-o", "--output", "out", metavar="OUT", help='Where the filled file goes, or "-".')
@click.option("--dry-run", is_flag=True, help="Count what could be filled, and write nothing.")
@click.option(
    "--min-quality", type=click.IntRange(50, 101), default=85, show_default=True,
    help="Least quality, after penalties, of a match that is put in.",
)
@click.option(
    "--semantic", is_flag=True,
    help="Where there is no such match, put in the nearest in meaning, to be reviewed.",
)
@click.option(
    "--min-similarity", type=click.FloatRange(-1, 1), default=MIN_SIMILARITY, show_default=True,
    help="Least similarity of a match by meaning (a cosine).",
)
@recall_option
@penalty_option
@pivot_option
@no_pivot_option
@click.option("--overwrite", is_flag=True, help="Also replace translations that are there.")
@click.option("--force", is_flag=True, help="Let OUT be FILE itself.")
@click.option(
    "--format", "format_", type=click.Choice(["po", "xliff", "tmx", "tsv", "csv"]),
    help="Format of FILE; told by its name when not given.",
)
@click.option(
    "--column", "columns", multiple=True, callback=parse_columns, metavar="OURS=THEIRS",
    help="Where a column of a table is named otherwise: text_a=NAME for the texts, text_b=NAME "
    "for their translations; or by number, from 1: text_a=2.",
)
@click.option("--delimiter", metavar="CHAR", help="Column separator of a CSV file.")
@click.option(
    "--header/--no-header", default=None,
    help="Whether the first line of a table names the columns; it does when not given, but where "
    "--column gives numbers.",
)
@click.option("--encoding", metavar="NAME", help="Encoding of FILE, when it does not say it.")
@click.option(
    "--rejects", type=click.Path(path_type=Path, dir_okay=False), metavar="REPORT",
    help="Where segments that cannot be read are listed.  [default: standard error]",
)
@json_option
def command(
    file: str,
    index: Path,
    encoder: EncoderSpec | None,
    target: str,
    source: str | None,
    out: str | None,
    dry_run: bool,
    min_quality: int,
    semantic: bool,
    min_similarity: float,
    recall: str,
    penalties: tuple[tuple[str, int], ...],
    pivots: tuple[str, ...] | None,
    no_pivot: bool,
    overwrite: bool,
    force: bool,
    format_: str | None,
    columns: dict[str, str],
    delimiter: str | None,
    header: bool | None,
    encoding: str | None,
    rejects: Path | None,
    as_json: bool,
) -> int:
    """Fill FILE, a PO, XLIFF, TMX, TSV or CSV to be translated, from the translation memory.

    Segments without a translation get that of the best match. Only that of the very same segment
    (quality 100; 101 in the same context) counts as translated; all others are marked to be
    reviewed in the way of the format. Everything else in FILE stays as it is. Printed is the
    analysis of the segments to translate: how many have a match of which quality.

    In a table, the columns of the texts and of their translations are called by their languages,
    or "source" and "target"; see --column for other names.
    """
    from searchkbd.api import open_index
    from searchkbd.cli.progress import counted_progress
    from searchkbd.cli.rejects import ToldRejects
    from searchkbd.corpus.options import ReadOptions
    from searchkbd.pretranslation.answers import MemoryOptions
    from searchkbd.pretranslation.options import FileOptions
    from searchkbd.pretranslation.run import check_output, pretranslate

    _check(out, dry_run, as_json)
    if out is not None:
        check_output(file, out, force)
    options = FileOptions(
        target, source, overwrite,
        ReadOptions(
            format=format_, columns=columns, delimiter=delimiter, header=header, encoding=encoding
        ),
    )  # fmt: skip
    memory = MemoryOptions(
        min_quality, semantic, min_similarity, penalties, chosen_pivots(pivots, no_pivot), recall
    )
    with (
        open_index(index, encoder if semantic else None, map_vectors=semantic) as opened,
        ToldRejects(rejects) as rejected,
        counted_progress("Looking up", "segments") as update,
    ):
        note_absent((target,), opened.languages)

        def look_up(queries: Sequence[Query], lang: str, options: LookupOptions) -> list[Lookup]:
            return opened.look_up(queries, lang, target, options=options)

        summary = pretranslate(
            file, out, look_up, options, memory, on_reject=rejected.add,
            progress=lambda segments: update(segments, None),
        )  # fmt: skip
        if summary.source:
            note_absent((summary.source,), opened.languages)
    if as_json:
        shape = {"file": file, "output": out, "from": summary.source, "to": target}
        print_json({**shape, "min_quality": min_quality, **summary.to_dict()})
    else:
        _show(file, out, summary, semantic)
    return 1 if summary.rejected else 0


def _check(out: str | None, dry_run: bool, as_json: bool) -> None:
    if dry_run and out is not None:
        raise click.UsageError("--dry-run writes nothing; leave -o out")
    if not dry_run and out is None:
        raise click.UsageError("say where the filled file goes: -o OUT; or --dry-run")
    if out == "-" and as_json:
        raise click.UsageError("standard output is one or the other: --json or -o -")


def _show(file: str, out: str | None, summary: Summary, semantic: bool) -> None:
    """Print the analysis, and what was put in; beside the file where that goes to the output."""
    err = out == "-"
    click.secho(f"{'match':<12} {'segments':>9} {'words':>9} {'percent':>8}", bold=True, err=err)
    for row, count in summary.rows.items():
        if row != "semantic" or semantic:
            label = _LABELS.get(row, row)
            percent = f"{summary.percent(row):.1f}"
            click.echo(f"{label:<12} {count.segments:>9,} {count.words:>9,} {percent:>8}", err=err)
    total = summary.total
    click.echo(f"{'total':<12} {total.segments:>9,} {total.words:>9,}\n", err=err)
    where = file if out is None else "standard output" if err else out
    would = " would be" if out is None else ""
    click.echo(
        f"{where}: {plural(summary.translated, 'segment')}{would} translated, "
        f"{summary.review:,}{would} filled to be reviewed",
        err=err,
    )
    for count, what in (
        (summary.semantic, "of these by meaning alone"),
        (summary.tags_lost, "without the tags of the segment, which could not be placed"),
        (summary.kept, "with a translation that was there, left as it is"),
        (summary.others, "not to be translated, left empty"),
    ):
        if count:
            click.echo(f"  {count:>7,}  {what}", err=err)
