"""``searchkbd compact``."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.options import index_option, json_option
from searchkbd.cli.output import file_size, plural, print_json

if TYPE_CHECKING:
    from searchkbd.index.compaction import Compaction


@click.command()
@index_option
@json_option
def command(index: Path, as_json: bool) -> None:
    """Merge the segments of an index, forget what was deleted, and give the space back.

    Every write does what has become due of this; here all of it is done, which takes up to the time
    of writing the index once, and meanwhile up to its space again. An interrupted compaction leaves
    the index as it was.
    """
    from searchkbd.cli.progress import counted_progress
    from searchkbd.index.compaction import compact

    start = time.monotonic()
    with counted_progress("Compacting", "sentences") as progress:
        done = compact(index, progress)
    seconds = time.monotonic() - start
    if as_json:
        print_json({"index": str(index), **asdict(done), "seconds": round(seconds, 2)})
    else:
        click.echo(f"{index}: {_told(done)}, in {seconds:.1f} s")


def _told(done: Compaction) -> str:
    freed = done.bytes_before - done.bytes_after
    space = f"{file_size(abs(freed))} {'freed' if freed >= 0 else 'more (for codes)'}"
    if not (done.sentences_written or done.codes_made):
        return f"nothing to merge in {plural(done.segments_before, 'segment')}, {space}"
    before = plural(done.segments_before, "segment")
    after = f"{done.segments_after:,}"
    parts = [f"{before}, now {after}", f"{plural(done.sentences_written, 'sentence')} written"]
    if done.codes_made:
        parts.append(f"codes of {plural(done.codes_made, 'language')} made")
    return ", ".join([*parts, space])
