"""``searchkbd mine``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

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
from searchkbd.cli.score import shape, show

if TYPE_CHECKING:
    from searchkbd.corpus.options import ReadOptions
    from searchkbd.encoders import Encoder
    from searchkbd.encoders.spec import EncoderSpec
    from searchkbd.mining.files import MineSummary


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="A B")
@output_option
@click.option(
    "--mode", type=click.Choice(["mine", "filter"]), default="mine", show_default=True,
    help="mine: pair the sentences of two files; filter: of given pairs, in any number of files, "
    "keep those with a margin of --threshold or more.",
)
@click.option(
    "--scoring", type=click.Choice(["ratio", "distance", "absolute"]), default="ratio",
    show_default=True,
    help="Margin: the cosine divided by the mean cosine of the neighbours, less that mean, or "
    "the cosine alone.",
)
@click.option(
    "--retrieval", type=click.Choice(["forward", "backward", "intersection", "max"]),
    default="max", show_default=True,
    help="The best of B for each of A; the best of A for each of B; pairs that are both; or the "
    "best of either, each sentence once.",
)
@click.option(
    "--threshold", type=float, metavar="X",
    help="Least margin of a pair.  [default: none; see docs/mining.md for good ones]",
)
@click.option("--unique", is_flag=True, help="Take each sentence once, in its best pair.")
@neighbours_option
@encoder_options
@reading_options
@shown_rejects_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[str, ...],
    out: str,
    mode: str,
    scoring: str,
    retrieval: str,
    threshold: float | None,
    unique: bool,
    neighbours: int,
    encoder: EncoderSpec,
    reading: ReadOptions,
    rejects: Path | None,
    as_json: bool,
) -> int:
    """Find the sentences of two files that are translations of each other.

    A and B are files of sentences that "build" reads, in two languages, which --langs names in
    this order; of a file in several languages, the sentences in its one are taken. Pairs are
    written best first, with similarity (cosine) and margin (Artetxe and Schwenk 2019, as in
    LASER), by whose --threshold translations are told from chance.

    With --mode filter the files hold pairs, as for "score".
    """
    from searchkbd.encoders import load_encoder

    check_streams(files, out, rejects, as_json)
    if mode == "filter":
        _check_filter(ctx, threshold)
    else:
        _check_mine(files, reading)
    loaded, reading = load_encoder(encoder), hearing(reading)
    with ToldRejects(rejects) as rejected, Stages() as stages:
        if mode == "filter":
            from searchkbd.mining.cuts import Cuts
            from searchkbd.mining.score import score_pairs

            summary = score_pairs(
                files, out, loaded, reading, Cuts(min_margin=threshold), scoring=scoring,
                neighbours=neighbours, on_reject=rejected.add,
                on_read=stages.stage("Reading and encoding", "lines"),
                on_searched=stages.stage("Searching neighbours", "texts"),
            )  # fmt: skip
        else:
            mined = _mine(
                files, out, loaded, reading, stages, on_reject=rejected.add, scoring=scoring,
                retrieval=retrieval, neighbours=neighbours, threshold=threshold, unique=unique,
            )  # fmt: skip
    if mode == "filter":
        if as_json:
            print_json(shape(out, summary, rejected.count))
        else:
            show(out, summary)
    elif as_json:
        print_json(_shape(out, mined, rejected.count))
    else:
        _show(out, mined, threshold)
    return 1 if rejected.count else 0


def _check_filter(ctx: click.Context, threshold: float | None) -> None:
    for name in ("retrieval", "unique"):
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name} is about mining; --mode filter takes pairs as given")
    if threshold is None:
        raise click.UsageError(
            "--mode filter needs a --threshold; to see the margins first: searchkbd score"
        )


def _check_mine(files: tuple[str, ...], reading: ReadOptions) -> None:
    if len(files) != 2:
        raise click.UsageError(
            f"two files are mined, A and B, not {len(files)}; for files of pairs: --mode filter"
        )
    if reading.langs is None:
        raise click.UsageError("say the languages of the two files, in order: --langs kbd,ru")


def _mine(
    files: tuple[str, ...], out: str, encoder: Encoder, reading: ReadOptions, stages: Stages,
    **options,
) -> MineSummary:  # fmt: skip
    from searchkbd.mining.files import mine_files
    from searchkbd.text.languages import UnknownLanguageError, normalize_language

    try:
        langs = tuple(map(normalize_language, reading.langs))
    except UnknownLanguageError as error:
        raise click.BadParameter(str(error), param_hint="'--langs'") from None
    return mine_files(
        files, langs, out, encoder, reading,
        on_encoded=stages.stage("Encoding", "sentences"),
        on_searched=stages.stage("Searching", "sentences"), **options,
    )  # fmt: skip


def _shape(out: str, summary: MineSummary, rejected: int) -> dict:
    return {
        "output": out,
        "pairs": summary.pairs,
        "files": [
            {
                "file": side.file, "lang": side.lang, "sentences": side.sentences,
                "different": side.different, "other_languages": side.others,
            }
            for side in summary.sides
        ],
        "rejected": rejected,
    }  # fmt: skip


def _show(out: str, summary: MineSummary, threshold: float | None) -> None:
    a, b = summary.sides
    where = "standard output" if out == "-" else out
    note(f"{where}: {plural(summary.pairs, 'pair')} mined, of {a.different:,} different sentences "
         f"in {a.lang} and {b.different:,} in {b.lang}")  # fmt: skip
    if threshold is None:
        note("note: no --threshold, so most of the last pairs are chance; docs/mining.md says "
             "which ones to try")  # fmt: skip
    for side in summary.sides:
        if side.others:
            note(f"note: {side.file}: {plural(side.others, 'sentence')} in other languages than "
                 f"{side.lang}, left out")  # fmt: skip
    note_respaced(out, summary.respaced)
