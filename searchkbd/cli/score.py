"""``searchkbd score``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.encoder_options import encoder_options
from searchkbd.cli.mining_options import (
    check_streams,
    hearing,
    neighbours_option,
    note_respaced,
    output_option,
)
from searchkbd.cli.options import json_option
from searchkbd.cli.output import note, plural, print_json
from searchkbd.cli.progress import Stages
from searchkbd.cli.reading import reading_options
from searchkbd.cli.rejects import ToldRejects, shown_rejects_option

if TYPE_CHECKING:
    from searchkbd.corpus.options import ReadOptions
    from searchkbd.encoders.spec import EncoderSpec
    from searchkbd.mining.score import ScoreSummary

def _flags(ctx: click.Context, param: click.Parameter, value: str | None) -> frozenset[str]:
    from searchkbd.mining.checks import FLAGS

    names = frozenset(name.strip() for name in (value or "").split(",") if name.strip())
    for name in sorted(names - set(FLAGS)):
        raise click.BadParameter(f"no flag is called {name!r}; there are {', '.join(FLAGS)}")
    return names


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="PAIRS...")
@output_option
@click.option(
    "--given", is_flag=True,
    help='Take the similarity that the files give (column "similarity" or "similarity_score") '
    "rather than compute it; there is no margin then.",
)
@click.option(
    "--percentile", type=click.FloatRange(0, 100), metavar="P",
    help="Keep pairs whose similarity is at or above this percentile of those in the same two "
    "languages; 75 keeps the best quarter.",
)
@click.option("--min", "min_similarity", type=float, metavar="X", help="Keep similarities ≥ X.")
@click.option("--min-margin", type=float, metavar="X", help="Keep margins ≥ X.")
@click.option(
    "--keep-best-per-source", "best_per_source", is_flag=True,
    help="Of pairs with the same first text, keep the one of the highest similarity.",
)
@click.option(
    "--drop", callback=_flags, metavar="FLAGS",
    help="Leave out pairs flagged so, as in copied,numbers.",
)
@click.option("--drop-flagged", is_flag=True, help="Leave out pairs that have any flag.")
@neighbours_option
@encoder_options
@reading_options
@shown_rejects_option
@json_option
def command(
    files: tuple[str, ...],
    out: str,
    given: bool,
    percentile: float | None,
    min_similarity: float | None,
    min_margin: float | None,
    best_per_source: bool,
    drop: frozenset[str],
    drop_flagged: bool,
    neighbours: int,
    encoder: EncoderSpec,
    reading: ReadOptions,
    rejects: Path | None,
    as_json: bool,
) -> int:
    """Score pairs of translations, flag the doubtful ones, and keep the good ones.

    Writes the pairs of PAIRS, any files that "build" reads, with three more columns:
    similarity, the cosine of the two texts; margin, that in proportion to how near their
    neighbours among the other pairs are (ratio margin, Artetxe and Schwenk 2019), about 1 for
    chance and more for translations; and flags:

    \b
    copied     the texts are the same, or nearly
    language   a text is surely in another language than stated
    length     one text is too long for the other
    numbers    the texts have different numbers in digits
    duplicate  the pair was there before

    All pairs are kept unless an option says which; options are applied in the order drop,
    percentile, min, min-margin, keep-best-per-source, each to what the one before has left.
    """
    from searchkbd.encoders import load_encoder
    from searchkbd.mining.checks import FLAGS
    from searchkbd.mining.cuts import Cuts
    from searchkbd.mining.score import score_pairs

    if given and min_margin is not None:
        raise click.UsageError("--min-margin needs margins, which --given does not compute")
    check_streams(files, out, rejects, as_json)
    cuts = Cuts(
        frozenset(FLAGS) if drop_flagged else drop, percentile, min_similarity, min_margin,
        best_per_source,
    )  # fmt: skip
    loaded = None if given else load_encoder(encoder)
    with ToldRejects(rejects) as rejected, Stages() as stages:
        summary = score_pairs(
            files, out, loaded, hearing(reading), cuts, neighbours=neighbours,
            on_reject=rejected.add,
            on_read=stages.stage("Reading and encoding" if loaded else "Reading", "lines"),
            on_searched=stages.stage("Searching neighbours", "texts"),
        )  # fmt: skip
    if as_json:
        print_json(shape(out, summary, rejected.count))
    else:
        show(out, summary)
    return 1 if rejected.count else 0


def shape(out: str, summary: ScoreSummary, rejected: int) -> dict:
    """Return the summary as docs/json.md describes it."""
    return {
        "output": out,
        "pairs": summary.pairs,
        "kept": summary.kept,
        "flags": summary.flags,
        "languages": [
            {
                "languages": list(one.langs), "pairs": one.pairs, "kept": one.kept,
                "quartiles": [round(value, 6) for value in one.quartiles],
                "percentile_at": None if one.percentile is None else round(one.percentile, 6),
            }
            for one in summary.sets
        ],
        "rejected": rejected,
    }  # fmt: skip


def show(out: str, summary: ScoreSummary) -> None:
    """Say on standard error what was scored and kept."""
    where = "standard output" if out == "-" else out
    note(f"{where}: {summary.kept:,} of {plural(summary.pairs, 'pair')}\n")
    note(f"  {'languages':<10} {'pairs':>10} {'kept':>10}   similarity  25 %   50 %   75 %")
    for one in summary.sets:
        quartiles = "  ".join(f"{value:5.3f}" for value in one.quartiles)
        at = "" if one.percentile is None else f"  cut at {one.percentile:.6f}"
        name = "-".join(one.langs)
        note(f"  {name:<10} {one.pairs:>10,} {one.kept:>10,}              {quartiles}{at}")
    flagged = ", ".join(f"{name} {count:,}" for name, count in summary.flags.items() if count)
    note(f"\n  flagged: {flagged or 'none'}")
    note_respaced(out, summary.respaced)
