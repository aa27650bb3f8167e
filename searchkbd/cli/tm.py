"""``searchkbd tm``: the translation memory."""

from __future__ import annotations

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
    recall_option,
)
from searchkbd.cli.output import note, note_absent, print_json
from searchkbd.cli.pretranslate import command as pretranslate
from searchkbd.memory.match import Lookup
from searchkbd.memory.query import MIN_QUALITY, MIN_SIMILARITY, LookupOptions, Query

if TYPE_CHECKING:
    from searchkbd.encoders.spec import EncoderSpec


@click.group()
def command() -> None:
    """Use an index as a translation memory."""


command.add_command(pretranslate)


@command.command()
@click.argument("segment", required=False)
@index_option
@index_encoder_options
@click.option("--from", "source", type=LANGUAGE, required=True, help="Language of SEGMENT.")
@click.option("--to", "target", type=LANGUAGE, required=True, help="Language to translate into.")
@click.option(
    "--min-quality", type=click.IntRange(0, 100), default=MIN_QUALITY, show_default=True,
    help="Least quality, after penalties, of a match by edits, 0-100.",
)
@click.option(
    "--min-similarity", type=click.FloatRange(-1, 1), default=MIN_SIMILARITY, show_default=True,
    help="Least similarity of a semantic match (a cosine; 1 shows none).",
)
@click.option(
    "-k", "k", type=click.IntRange(1, 1000), default=5, show_default=True, metavar="N",
    help="Number of matches.",
)
@penalty_option
@pivot_option
@no_pivot_option
@recall_option
@click.option(
    "--no-semantic", is_flag=True,
    help="Compare by edits only: starts faster, and no similarity is worked out.",
)
@click.option(
    "--previous", metavar="TEXT", help="The segment before SEGMENT; '' when that is the first.",
)
@click.option(
    "--next", "next_", metavar="TEXT", help="The segment after it; '' when it is the last.",
)
@click.option("--key", metavar="KEY", help="Its key or context in its file (msgctxt, resname).")
@click.option(
    "--document", is_flag=True,
    help="The lines of standard input are one document: each is the neighbour of the next.",
)
@click.option("--explain", is_flag=True, help="Say how each quality comes about.")
@json_option
def lookup(
    segment: str | None,
    index: Path,
    encoder: EncoderSpec | None,
    source: str,
    target: str,
    min_quality: int,
    min_similarity: float,
    k: int,
    penalties: tuple[tuple[str, int], ...],
    pivots: tuple[str, ...] | None,
    no_pivot: bool,
    recall: str,
    no_semantic: bool,
    previous: str | None,
    next_: str | None,
    key: str | None,
    document: bool,
    explain: bool,
    as_json: bool,
) -> int:
    """Look SEGMENT up: how were it, or sentences like it, translated before?

    Quality (0-101) tells how few edits turn the memory's source into SEGMENT; similarity tells
    how near the two are in meaning. A match is context (101: the same segment in the same place),
    exact (100), fuzzy (--min-quality or more), pivot (through a third language), semantic (near
    in meaning) or part (of SEGMENT, or of the source). Without SEGMENT, segments are read from
    standard input, one a line, and answered in order (one JSON object a line with --json).
    """
    from searchkbd.api import open_index

    context = (previous, next_, key)
    if segment is None and context != (None, None, None):
        raise click.UsageError("--previous, --next and --key are said of a SEGMENT; give one")
    if segment is not None and document:
        raise click.UsageError("--document is said of standard input; leave SEGMENT out")
    options = LookupOptions(
        k=k, min_quality=min_quality, min_similarity=min_similarity, penalties=penalties,
        pivots=chosen_pivots(pivots, no_pivot), semantic=not no_semantic, recall=recall,
    )  # fmt: skip
    semantic = options.semantic
    with open_index(index, encoder if semantic else None, map_vectors=semantic) as opened:
        note_absent((source, target), opened.languages)

        def run(queries: list[str] | list[Query]) -> list[Lookup]:
            return opened.look_up(queries, source, target, options=options)

        def without_answer(text: str) -> Lookup:
            return Lookup(text, source, target, ())

        def show(result: Lookup, lines: bool = True) -> None:
            if as_json:
                print_json(result.to_dict(), lines=lines)
            else:
                _show(result, lines, explain, options)

        if segment is not None:
            query = Query(segment, context=key, previous=previous, next=next_)
            show(run([query])[0], lines=False)
            return 0
        if document:
            from searchkbd.cli.document import answer_document

            return answer_document(run, without_answer, show)
        from searchkbd.cli.batch import answer_lines

        return answer_lines(run, without_answer, show)


def _show(result: Lookup, lines: bool, explain: bool, options: LookupOptions) -> None:
    from searchkbd.cli.matches import show_match

    if lines:
        click.secho(f"» {result.segment}", bold=True)
    if not result.matches:
        note("No match, and nothing that is near.")
    elif result.matches[0].below and not lines:
        by_meaning = options.semantic and options.min_similarity < 1
        limits = f"quality {options.min_quality}" + (
            f" or similarity {options.min_similarity:g}" if by_meaning else ""
        )
        note(f"Nothing reaches {limits}; this is the nearest below.")
    for match in result.matches:
        show_match(result, match, explain=explain)
