"""``searchkbd export``."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime
from pathlib import Path

import click

from searchkbd.cli.options import LANGUAGE, index_option, json_option
from searchkbd.cli.output import note, plural, print_json
from searchkbd.export.options import (
    FORMATS,
    XLIFF_VERSIONS,
    ExportError,
    ExportOptions,
    ExportSummary,
    Filters,
)

_STDOUT = "-"


class DateType(click.ParamType):
    """A day, or a second, in UTC, as the dates of an index are written."""

    name = "DATE"

    def convert(self, value, param, ctx):
        if re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", value):
            try:
                datetime.fromisoformat(value.removesuffix("Z"))
            except ValueError as error:
                self.fail(f"{value}: {error}", param, ctx)
            return value
        self.fail(f"{value!r}: write it as 2026-11-24 or 2026-11-24T02:11:40Z (UTC)", param, ctx)


DATE = DateType()


@click.command()
@index_option
@click.option(
    "-o", "--out", required=True, metavar="OUT",
    help='File to write, compressed where it ends in .gz, .bz2, .xz or .zst; "-" is standard '
    "output; a directory for tatoeba.",
)
@click.option(
    "--format", "file_format", type=click.Choice(FORMATS),
    help="Format; told by OUT when not given: .tmx, .xlf, .json (weblate), .tsv, .csv, .jsonl, "
    "a directory (tatoeba).",
)
@click.option(
    "--from", "source", type=LANGUAGE,
    help="Source language: only units that have it. With --to, only those two languages.",
)
@click.option("--to", "target", type=LANGUAGE, help="Target language: only units that have it.")
@click.option(
    "--pairs", is_flag=True,
    help="One pair a row (lang_a, lang_b, text_a, text_b ...) in TSV, CSV and JSON Lines, not one "
    "sentence.",
)
@click.option(
    "--origin", "origins", multiple=True, metavar="PATTERN",
    help='Only sentences of this origin, as in "phrasebook:*"; may be given several times.',
)
@click.option("--since", type=DATE, help="Only units of which a sentence was changed since then.")
@click.option("--until", type=DATE, help="... and not later than this day or second.")
@click.option(
    "--query", metavar="TEXT",
    help="Only units with a sentence that has every word of TEXT, whole or inside a word, "
    "however the palochka is written.",
)
@click.option(
    "--group", "groups", multiple=True, metavar="NAME",
    help="Only this translation group; may be given several times.",
)
@click.option(
    "--id", "ids", multiple=True, metavar="ID",
    help="Only the unit of the sentence with this id; may be given several times.",
)
@click.option(
    "--xliff-version", type=click.Choice(XLIFF_VERSIONS), default=XLIFF_VERSIONS[0],
    show_default=True, help="Version of XLIFF.",
)
@json_option
def command(
    index: Path,
    out: str,
    file_format: str | None,
    source: str | None,
    target: str | None,
    pairs: bool,
    origins: tuple[str, ...],
    since: str | None,
    until: str | None,
    query: str | None,
    groups: tuple[str, ...],
    ids: tuple[str, ...],
    xliff_version: str,
    as_json: bool,
) -> int:
    """Write an index, or some of its translation units, to a file that other programs read.

    TMX keeps everything that a TMX file said of a unit: properties, notes, inline tags. XLIFF and
    Weblate's memory hold one pair of languages (--from, --to). Tables and JSON Lines keep ids and
    groups, and build reads them back.

    OUT is replaced when all is written; an export that fails or is interrupted leaves what was
    there. Texts that the format cannot hold as they are (a tab in TSV) are counted, and the exit
    code is 1.
    """
    from searchkbd.cli.progress import counted_progress
    from searchkbd.export.run import export, format_by_name
    from searchkbd.index.reader import IndexReader

    if not out:
        raise click.BadParameter("the name is empty", param_hint="'-o'")
    if source is not None and source == target:
        raise ExportError(f"source and target language are both {source}")
    file_format = file_format or format_by_name(out)
    filters = Filters(
        source=source, target=target, origins=origins, since=since, until=until, query=query,
        groups=groups, ids=ids,
    )  # fmt: skip
    start = time.monotonic()
    with IndexReader(index) as reader, counted_progress("Exporting", "sentences") as progress:
        summary = export(
            reader, out, file_format, ExportOptions(filters, pairs, xliff_version), progress
        )
    seconds = time.monotonic() - start
    if as_json:
        shape = _shape(index, out, file_format, summary, seconds)
        if out == _STDOUT:
            note(json.dumps(shape, ensure_ascii=False))
        else:
            print_json(shape)
    else:
        _show(out, summary, seconds)
    return 1 if summary.altered else 0


def _shape(
    index: Path, out: str, file_format: str, summary: ExportSummary, seconds: float
) -> dict[str, object]:
    return {
        "index": str(index),
        "out": out,
        "format": file_format,
        "units": summary.units,
        "sentences": summary.sentences,
        "languages": dict(summary.languages.most_common()),
        "altered": summary.altered,
        "seconds": round(seconds, 2),
    }


def _show(out: str, summary: ExportSummary, seconds: float) -> None:
    per_language = ", ".join(f"{lang} {n:,}" for lang, n in summary.languages.most_common())
    line = (
        f"{'standard output' if out == _STDOUT else out}: {plural(summary.units, 'unit')}, "
        f"{plural(summary.sentences, 'sentence')} ({per_language}), in {seconds:.1f} s"
    )
    click.echo(line, err=out == _STDOUT)
    if summary.altered:
        note(
            f"  {plural(summary.altered, 'text')} had characters that this format cannot hold; "
            "a space or \ufffd stands for each"
        )
