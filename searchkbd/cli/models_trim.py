"""``searchkbd models trim``: a model with the vocabulary of the user's languages only."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.encoder_options import PALOCHKAS, EncoderType
from searchkbd.cli.options import DirectoryType, json_option
from searchkbd.cli.output import file_size, plural, print_json
from searchkbd.cli.progress import Stages
from searchkbd.cli.reading import reading_options
from searchkbd.cli.rejects import check_report, default_report, rejects_option, show_rejects
from searchkbd.cli.training import ManyFiles
from searchkbd.errors import SearchkbdError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from searchkbd.corpus.options import ReadOptions
    from searchkbd.corpus.report import RejectReport
    from searchkbd.encoders.transformer.trim import Trimmed


class _KeepFiles(ManyFiles):
    names = ("--keep",)


@click.command("trim", cls=_KeepFiles)
@click.argument("model", type=EncoderType(), metavar="NAME|DIR")
@click.option(
    "--out", type=DirectoryType(), required=True, metavar="DIR",
    help="Directory of the smaller model; it must not exist, or be empty.",
)
@click.option(
    "--keep", "keep", multiple=True, required=True, metavar="FILE...",
    help="Sentences whose pieces are kept, in any format of build.",
)
@click.option(
    "--min-count", type=click.IntRange(1), default=1, show_default=True, metavar="N",
    help="How often a piece must occur in them to be kept.",
)
@click.option(
    "--palochka", type=click.Choice(PALOCHKAS), metavar="CHAR",
    help='How the model is given the palochka, or "keep" for as it is written. When not given, '
    "as it was trained: I for LaBSE-kbd.",
)
@reading_options
@rejects_option
@json_option
def command(
    model: str,
    out: Path,
    keep: tuple[str, ...],
    min_count: int,
    palochka: str | None,
    reading: ReadOptions,
    rejects: Path | None,
    as_json: bool,
) -> int:
    """Copy a model, its vocabulary trimmed to the pieces that FILEs need.

    Most of LaBSE is a table of half a million pieces of words in 109 languages. DIR gets a model
    with those that occur in FILEs, all special tokens and all single characters. A text whose
    pieces are all kept has the same vector as before, to the bit; of other words smaller pieces
    are left, and the report says how often that happens to sentences that it was not told.

    DIR then works as --encoder DIR in every command, and in sentence-transformers.
    """
    from searchkbd.corpus.report import RejectReport
    from searchkbd.encoders.transformer.files import find_model
    from searchkbd.encoders.transformer.trim import Trimming, check_output

    files = find_model(model, palochka)
    check_output(out, files)
    check_report(rejects, out, keep, "the directory of the model")
    start = time.monotonic()
    with RejectReport(rejects or default_report(out)) as report, Stages() as stages:
        trimming = Trimming(files)
        for file in keep:
            trimming.read(_sentences(file, reading, report, stages.stage("Reading", "sentences")))
        if not trimming.sentences:
            show_rejects(report)
            raise SearchkbdError(f"no sentences in {', '.join(keep)}: nothing says what to keep")
        writing = stages.stage("Writing", "MB")
        try:
            made = trimming.write(
                out, [Path(file).name for file in keep], min_count=min_count,
                on_bytes=lambda done, total: writing(done / 1e6, total / 1e6),
            )  # fmt: skip
        except OSError as error:
            raise SearchkbdError(f"{out} cannot be written: {error.strerror or error}") from error
    seconds = time.monotonic() - start
    if as_json:
        print_json(_shape(out, files.name, min_count, made, report, seconds))
    else:
        _show(out, made, report, seconds)
    return 1 if report.count else 0


def _sentences(
    file: str, reading: ReadOptions, report: RejectReport, told: Callable[..., None]
) -> Iterator[tuple[str, str]]:
    from searchkbd.corpus.read import read_corpus
    from searchkbd.corpus.sentence import Sentence

    count = 0
    for item in read_corpus(file, reading):
        if isinstance(item, Sentence):
            yield item.text, item.lang
            count += 1
            if count % 1000 == 0:
                told(count)
        else:
            report.add(item)


def _shape(
    out: Path, model: str, min_count: int, made: Trimmed, report: RejectReport, seconds: float
) -> dict:
    return {
        "out": str(out),
        "model": model,
        "min_count": min_count,
        "pieces": {"before": made.pieces_before, "after": made.pieces},
        "bytes": {"before": made.bytes_before, "after": made.bytes},
        "sentences": made.sentences,
        "languages": list(made.langs),
        "tokens": {"all": made.tokens, "kept": made.tokens_kept},
        "unseen": [
            {"lang": one.lang, "sentences": one.texts, "unchanged": one.unchanged}
            for one in made.unseen
        ],
        "left_out": list(made.left_out),
        "rejected": report.count,
        "rejects": str(report.path) if report.count else None,
        "seconds": round(seconds, 2),
    }


def _show(out: Path, made: Trimmed, report: RejectReport, seconds: float) -> None:
    less = 1 - made.bytes / made.bytes_before
    click.echo(
        f"{out}: {made.pieces:,} of {plural(made.pieces_before, 'piece')}, "
        f"{file_size(made.bytes)} of {file_size(made.bytes_before)} ({less:.0%} less), "
        f"in {seconds:.0f} s\n"
        f"  {made.tokens_kept / max(1, made.tokens):.2%} of the running pieces of "
        f"{plural(made.sentences, 'sentence')} are kept"
    )
    if made.left_out:
        click.echo(f"  not copied, as searchkbd does not read them: {', '.join(made.left_out)}")
    if made.unseen:
        click.echo("\n  unseen  sentences  split as before")
        for one in made.unseen:
            click.echo(f"  {one.lang:<6}  {one.texts:>9,}  {one.unchanged / one.texts:>15.1%}")
        click.echo("  (a tenth of the sentences, with the pieces of the other nine only)")
    click.echo(f"\nUse it: searchkbd build FILE --encoder {out} --index DIR")
    show_rejects(report)
