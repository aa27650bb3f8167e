"""``searchkbd tm``: the translation memory."""

from __future__ import annotations

from pathlib import Path

import click

from searchkbd.cli.options import LANGUAGE, encoder_option, index_option, json_option
from searchkbd.cli.output import note, note_absent, print_json, wrapped
from searchkbd.memory.match import Lookup


@click.group()
def command() -> None:
    """Use an index as a translation memory."""


@command.command()
@click.argument("segment", required=False)
@index_option
@encoder_option
@click.option("--from", "source", type=LANGUAGE, required=True, help="Language of SEGMENT.")
@click.option("--to", "target", type=LANGUAGE, required=True, help="Language to translate into.")
@click.option(
    "--min-quality", type=click.IntRange(0, 100), default=60, show_default=True,
    help="Least edit quality of a fuzzy match, 0-100.",
)
@click.option(
    "--min-similarity", type=click.FloatRange(-1, 1), default=0.6, show_default=True,
    help="Least similarity of a semantic match (a cosine; 1 shows none).",
)
@click.option(
    "-k", "k", type=click.IntRange(1, 1000), default=5, show_default=True, metavar="N",
    help="Number of matches.",
)
@json_option
def lookup(
    segment: str | None,
    index: Path,
    encoder: str | None,
    source: str,
    target: str,
    min_quality: int,
    min_similarity: float,
    k: int,
    as_json: bool,
) -> int:
    """Look SEGMENT up: how were it, or sentences like it, translated before?

    Quality (0-100) tells how few edits turn the memory's source into SEGMENT; similarity tells
    how near the two are in meaning. A match is exact, fuzzy (quality of --min-quality or more)
    or semantic (less, but near in meaning). Without SEGMENT, segments are read from standard
    input, one a line, and answered in order (one JSON object a line with --json).
    """
    from searchkbd.api import open_index

    with open_index(index, encoder) as opened:
        note_absent((source, target), opened.languages)

        def run(segments: list[str]) -> list[Lookup]:
            return opened.look_up(
                segments, source, target,
                k=k, min_quality=min_quality, min_similarity=min_similarity,
            )

        if segment is not None:
            _show(run([segment])[0], as_json, lines=False)
            return 0
        from searchkbd.cli.batch import answer_lines

        return answer_lines(
            run,
            lambda text: Lookup(text, source, target, ()),
            lambda result: _show(result, as_json, lines=True),
        )


def _show(result: Lookup, as_json: bool, *, lines: bool) -> None:
    if as_json:
        print_json(result.to_dict(), lines=lines)
        return
    if lines:
        click.secho(f"» {result.segment}", bold=True)
    if not result.matches:
        note("No match. Try a lower --min-quality or --min-similarity.")
    width = max(len(result.source_lang), len(result.target_lang))
    for match in result.matches:
        click.echo(
            f"{match.rank:>3}. {match.kind.value:<8}  quality {match.quality:>3}  "
            f"similarity {match.similarity:.2f}  {click.style(match.origin, dim=True)}"
        )
        indent = 5 + width + 2
        for lang, text, query in (
            (result.source_lang, match.source, result.segment),
            (result.target_lang, match.target, None),
        ):
            label = click.style(f"{lang:<{width}}", dim=True)
            click.echo(f"     {label}  {wrapped(text, indent, query)}")
