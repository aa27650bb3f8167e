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
    from searchkbd.corpus.sentence import Reject

rejects_option = click.option(
    "--rejects", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Where rejected rows are listed.  [default: DIR.rejects.tsv]",
)  # fmt: skip

SHOWN = 20
"""Rejected rows that are named on standard error where no report is asked for."""

shown_rejects_option = click.option(
    "--rejects", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Where rejected rows are listed, all of them.  "
    f"[default: the first {SHOWN} on standard error]",
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


class ToldRejects:
    """What was rejected: told at the end of the context, however it ends."""

    def __init__(self, path: Path | None) -> None:
        from searchkbd.corpus.report import RejectReport

        self.count = 0
        self._first: list[Reject] = []
        self._report = RejectReport(path) if path else None

    def add(self, reject: Reject) -> None:
        self.count += 1
        if self._report:
            self._report.add(reject)
        elif len(self._first) < SHOWN:
            self._first.append(reject)

    def __enter__(self) -> ToldRejects:
        if self._report:
            self._report.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self._report:
            self._report.__exit__(*error)
        if not self.count:
            return
        where = f", listed in {self._report.path}" if self._report else ""
        note(f"{plural(self.count, 'row')} rejected{where}:")
        if self._report:
            for reason, count in self._report.by_reason.most_common(5):
                note(f"  {count:>7,}  {reason}")
        for reject in self._first:
            note(f"  {reject.place}: {reject.reason}")
        if not self._report and self.count > len(self._first):
            note(f"  ... and {self.count - len(self._first):,} more (all of them: --rejects FILE)")
