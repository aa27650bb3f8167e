"""``searchkbd tune``."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.options import index_option, json_option
from searchkbd.cli.output import note, print_json
from searchkbd.text.languages import NAMES

if TYPE_CHECKING:
    from searchkbd.index.codes import CodesEntry, Recall

METHODS = {"exact": "all vectors", "pq": "codes", "ivfpq": "lists, codes"}
"""Method of search → what tables call it."""


@click.command()
@index_option
@click.option(
    "--target", type=click.FloatRange(0, 1, min_open=True), metavar="X",
    help="Share of the hits of an exact search that --recall balanced is to find, kept for codes "
    "that are made later too.  [default: what was asked for last, else 0.992]",
)
@click.option(
    "--sample", type=click.IntRange(1, 100_000), default=1000, show_default=True, metavar="N",
    help="Sentences of the index to measure with.",
)
@json_option
def command(index: Path, target: float | None, sample: int, as_json: bool) -> int:
    """Measure how sure searches by codes are to find the nearest, and set how wide they search.

    Languages of many sentences (info names them) are searched by codes, short forms of the vectors:
    the more candidates are compared in full, the surer and slower. With sentences of the index as
    queries, the least number that reaches the target is found and kept for --recall balanced, and
    another one for --recall fast (0.95, or the target if that is less).

    Where every language is small enough to be searched exactly there is nothing to set: that is
    said, and the exit code is 0. It is 1 where a target cannot be reached; then --recall exact
    compares everything.
    """
    from searchkbd.cli.progress import counted_progress
    from searchkbd.index.coding import NothingToTuneError, targets_of, tune_index
    from searchkbd.index.reader import IndexReader

    start = time.monotonic()
    nothing = ""
    try:
        with counted_progress("Tuning", "languages") as progress:
            entries = tune_index(index, target, sample, progress)
    except NothingToTuneError as error:
        entries, nothing = [], str(error)
    seconds = time.monotonic() - start
    with IndexReader(index) as reader:
        targets = targets_of(reader.meta)
    missed = [
        f"{entry.lang}: {entry.efforts[level].recall:.3f} reached with --recall {level.value}, "
        f"not {wanted:g}"
        for entry in entries
        for level, wanted in targets.items()
        if entry.efforts[level].recall < wanted
    ]
    if as_json:
        print_json(_shape(index, targets, entries, seconds))
    elif nothing:
        click.echo(nothing)
    else:
        _show(index, targets, entries, seconds)
    for miss in missed:
        note(miss)
    if missed:
        note("--recall exact finds all, and takes longer")
    return 1 if missed else 0


def _shape(
    index: Path, targets: Mapping[Recall, float], entries: Sequence[CodesEntry], seconds: float
) -> dict:
    return {
        "index": str(index),
        "targets": {level.value: wanted for level, wanted in targets.items()},
        "languages": [
            {
                "lang": entry.lang,
                "method": entry.kind,
                **{
                    level.value: {
                        **asdict(effort), "lists": effort.lists or None,
                        "reached": effort.recall >= targets[level],
                    }
                    for level, effort in entry.efforts.items()
                },
            }
            for entry in entries
        ],
        "seconds": round(seconds, 2),
    }  # fmt: skip


def _show(
    index: Path, targets: Mapping[Recall, float], entries: Sequence[CodesEntry], seconds: float
) -> None:
    click.secho(
        f"  {'language':<16}  {'searched by':<12}  {'recall':<8}  candidates  lists  recall@10",
        bold=True,
    )
    for entry in entries:
        name, method = f"{entry.lang}  {NAMES.get(entry.lang, '')}".rstrip(), METHODS[entry.kind]
        for level in targets:
            effort = entry.efforts[level]
            lists = f"{effort.lists:,}" if effort.lists else "-"
            click.echo(
                f"  {name:<16}  {method:<12}  {level.value:<8}  {effort.candidates:>10,}  "
                f"{lists:>5}  {effort.recall:>9.3f}"
            )
            name = method = ""
    click.echo(f"{index}: tuned, in {seconds:.1f} s")
