"""What ``score``, ``mine`` and ``dedupe`` have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.output import note, plural

if TYPE_CHECKING:
    from searchkbd.corpus.options import ReadOptions

output_option = click.option(
    "-o", "--output", "out", required=True, metavar="OUT",
    help='Where the rows go: a .tsv, or a .jsonl; "-" is TSV on standard output.',
)  # fmt: skip
neighbours_option = click.option(
    "--neighbours", type=click.IntRange(1, 1000), default=4, show_default=True, metavar="K",
    help="Neighbours on the other side that a margin is taken over.",
)  # fmt: skip


def check_streams(
    files: Sequence[str], out: str, rejects: Path | None, as_json: bool, *more: str | None
) -> None:
    """Refuse to read standard input twice, to write two things to one place or over the input."""
    if list(files).count("-") > 1:
        raise click.UsageError("standard input (-) can be read once only")
    if out == "-" and as_json:
        raise click.UsageError("--json and -o - would both write to standard output")
    written = [Path(one).resolve() for one in (out, rejects, *more) if one and str(one) != "-"]
    if len(set(written)) < len(written):
        raise click.UsageError("two of the files to write are the same")
    if rejects and rejects.resolve() in {Path(file).resolve() for file in files}:
        raise click.BadParameter(f"{rejects} is an input file", param_hint="'--rejects'")


def hearing(reading: ReadOptions) -> ReadOptions:
    """Return *reading*, what the readers remark told on standard error."""
    from searchkbd.corpus.events import Remark

    def hear(event: object) -> None:
        if isinstance(event, Remark):
            note(f"note: {event.text}")

    return replace(reading, on_event=hear)


def note_respaced(out: str, count: int) -> None:
    """Say that a TSV could not hold all texts as they are, if so."""
    if count:
        note(f"note: tabs and line breaks in {plural(count, 'cell')} of {out} became spaces; "
             "a .jsonl keeps them")  # fmt: skip
