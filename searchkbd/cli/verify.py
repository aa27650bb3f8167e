"""``searchkbd verify``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.encoder_options import index_encoder_options
from searchkbd.cli.options import index_option, json_option
from searchkbd.cli.output import plural, print_json

if TYPE_CHECKING:
    from searchkbd.encoders.spec import EncoderSpec


@click.command()
@index_option
@index_encoder_options
@json_option
def command(index: Path, encoder: EncoderSpec | None, as_json: bool) -> int:
    """Check an index: checksums of its files, rows against vectors, files nobody needs.

    Exits with 0 when the index is sound and with 1 when something is wrong with it. Orphan
    files (left by an interrupted build) waste space only; the next build removes them. With
    --encoder, that encoder is checked too: is it sound, and the one the index was built with?
    """
    from searchkbd.cli.progress import byte_progress
    from searchkbd.index.verify import verify_index

    with byte_progress("Reading files") as progress:
        result = verify_index(index, progress)
    if encoder is not None:
        result.problems += _encoder_problems(index, encoder)
    if as_json:
        print_json({"index": str(index), "ok": result.ok, **asdict(result)})
        return 0 if result.ok else 1
    for problem in result.problems:
        click.secho(f"problem: {problem}", fg="red")
    for orphan in result.orphans:
        click.echo(f"orphan: {orphan} (the next build removes it)")
    counted = ", ".join([
        plural(result.sentences, "sentence"), plural(result.segments, "segment"),
        plural(result.files, "file"),
    ])
    if result.ok:
        click.echo(f"{index}: sound ({counted})")
        return 0
    click.echo(f"{index}: {plural(len(result.problems), 'problem')} ({counted})")
    return 1


def _encoder_problems(index: Path, spec: EncoderSpec) -> list[str]:
    """Return what is wrong with the encoder *spec* by itself, and as the encoder of *index*."""
    from searchkbd.api import open_encoder
    from searchkbd.encoders import EncoderError
    from searchkbd.errors import EncoderMismatchError
    from searchkbd.index.reader import IndexReader, check_encoder

    try:
        with IndexReader(index) as reader:
            encoder = open_encoder(reader, spec)
            problems = encoder.check() if hasattr(encoder, "check") else []
            check_encoder(reader.meta, encoder, reader.directory)
    except (EncoderError, EncoderMismatchError) as error:
        return [str(error)]
    return problems
