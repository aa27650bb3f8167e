"""The report of rejected rows: where it is written, and what is said of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.output import note, plural

if TYPE_CHECKING:
    from searchkbd.corpus.report import RejectReport

rejects_option = click.option(
    "--rejects", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Where rejected rows are listed.  [default: DIR.rejects.tsv]",
)  # fmt: skip


def default_report(directory: Path) -> Path:
    """Return where the report lies when nobody says: beside *directory*, named after it."""
    # "." and ".." have a name, and something beside them, only once they are resolved.
    unnamed = directory.name in ("", "..")
    place = Path(os.path.abspath(directory)) if unnamed else directory
    return place.parent / f"{place.name}.rejects.tsv"


def check_report(
    report: Path | None, directory: Path, files: Sequence[str], what: str = "the index directory"
) -> None:
    """Refuse to write the report over the input or into *directory*, which is *what*."""
    if report is None:
        return
    place = os.path.abspath(report)
    if place in map(os.path.abspath, files):
        raise click.BadParameter(f"{report} is an input file", param_hint="'--rejects'")
    if Path(os.path.abspath(directory)) in Path(place).parents:
        raise click.BadParameter(f"{report} is inside {what}", param_hint="'--rejects'")


def show_rejects(report: RejectReport) -> None:
    """Say how many rows were rejected, and why, if any were."""
    if not report.count:
        return
    note(f"  {plural(report.count, 'row')} rejected, listed in {report.path}:")
    for reason, count in report.by_reason.most_common(5):
        note(f"    {count:>7,}  {reason}")
