"""``searchkbd build``."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.options import encoder_option, index_option, json_option
from searchkbd.cli.output import note, plural, print_json
from searchkbd.cli.reading import cut_options, reading_options
from searchkbd.cli.rejects import check_report, default_report, rejects_option, show_rejects
from searchkbd.cli.sources import Sources
from searchkbd.errors import NothingToBuildError, SearchkbdError

if TYPE_CHECKING:
    from searchkbd.corpus.options import ReadOptions
    from searchkbd.corpus.report import RejectReport
    from searchkbd.encoders.base import Encoder
    from searchkbd.index.writer import BuildSummary


@click.command()
@click.argument("files", nargs=-1, metavar="FILE...")
@index_option
@encoder_option
@click.option(
    "--demo", is_flag=True, help="Build from the phrasebook that comes with searchkbd."
)
@click.option("--add", is_flag=True, help="Add to the index that is there.")
@click.option(
    "--replace", is_flag=True,
    help="Put a new index in the place of the one that is there.",
)
@reading_options
@cut_options
@click.option("--origin", metavar="NAME", help="Origin of sentences that name none.")
@click.option(
    "--penalty", type=click.IntRange(0, 100), metavar="N",
    help="What the translation memory takes off the quality of matches of the origins in these "
    "FILEs.",
)
@rejects_option
@json_option
def command(
    files: tuple[str, ...],
    index: Path,
    encoder: str | None,
    demo: bool,
    add: bool,
    replace: bool,
    reading: ReadOptions,
    min_similarity: float | None,
    percentile: float | None,
    origin: str | None,
    penalty: int | None,
    rejects: Path | None,
    as_json: bool,
) -> int:
    """Build an index from FILEs of sentences; "-" reads standard input.

    A FILE is a table (TSV, CSV) with the columns id, lang, text, group, or lang_a, lang_b, text_a,
    text_b, or source and target, or two text columns (see --langs); JSON Lines with the same
    names; or plain text, one sentence a line (see --lang). Sentences of the same group are
    translations of each other, within and across FILEs.

    It may also be of a translation tool: TMX, XLIFF, PO, a translation memory of Weblate (JSON),
    two Moses files (a.kbd a.ru), a Tatoeba export (its directory, or the sentences), Parquet, or a
    Hugging Face data set (hf:owner/name --split NAME). See docs/formats.md.

    Text may be compressed (gz, bz2, xz, zst). Nothing is kept of a build that fails or is
    interrupted. Rows that cannot be used are listed in a report and the exit code is 1.
    """
    from searchkbd.corpus.decompress import shown
    from searchkbd.corpus.report import RejectReport
    from searchkbd.index.writer import Mode, build_index
    from searchkbd.resources import PHRASEBOOK

    if demo:
        files = (*files, str(PHRASEBOOK))
    if not files:
        raise click.UsageError("give at least one FILE of sentences, or --demo")
    if add and replace:
        raise click.UsageError("--add keeps what is there and --replace does not; give one of them")
    check_report(rejects, index, files)
    options = dataclasses.replace(
        reading, origin=origin, min_similarity=min_similarity, percentile=percentile
    )
    loaded = _encoder(encoder, index, add)
    start = time.monotonic()
    try:
        with (
            RejectReport(rejects or default_report(index)) as report,
            Sources(files, options) as sources,
        ):
            summary = build_index(
                index,
                sources.items(),
                loaded,
                mode=Mode.ADD if add else Mode.REPLACE if replace else Mode.NEW,
                on_reject=report.add,
                progress=sources.show,
                penalty=penalty,
            )
    except (KeyboardInterrupt, OSError) as error:
        raise _told(error) from None
    except NothingToBuildError as error:
        sources.note_left_out()
        show_rejects(report)
        raise NothingToBuildError(f"{error} (in {', '.join(map(shown, files))})") from None
    seconds = time.monotonic() - start
    if as_json:
        shape = _shape(index, summary, report, seconds)
        if options.cuts:
            shape["left_out"] = [dataclasses.asdict(one) for one in sources.left_out]
        print_json(shape)
    else:
        _show(index, summary, seconds, loaded)
        sources.note_left_out()
        show_rejects(report)
    return 1 if summary.rejected else 0


def _told(error: KeyboardInterrupt | OSError) -> Exception:
    """Return what a build that was stopped from outside says."""
    # Not "nothing was kept": the interrupt may come just after the commit.
    kept = "an unfinished build leaves the index as it was"
    if isinstance(error, KeyboardInterrupt):
        return SearchkbdError(f"interrupted; {kept}")
    if error.strerror:
        return OSError(error.errno, f"{error.strerror}; {kept}", error.filename)
    return error


def _encoder(spec: str | None, index: Path, add: bool) -> Encoder:
    """Return the encoder to build with: the one asked for, else the index's own, else embedded."""
    from searchkbd.api import load_index_encoder
    from searchkbd.encoders import available, load_encoder
    from searchkbd.errors import IndexDamagedError, IndexNotFoundError
    from searchkbd.index.reader import IndexReader

    if spec is not None:
        return load_encoder(spec)
    if add:
        try:
            with IndexReader(index) as reader:
                name = reader.meta["encoder"]
                if name in available() or os.path.isabs(name):
                    return load_index_encoder(reader)
        except (IndexNotFoundError, IndexDamagedError):
            pass
        # Nothing to add to yet, or the writer will say what is wrong with it.
    return load_encoder()


def _shape(index: Path, summary: BuildSummary, report: RejectReport, seconds: float) -> dict:
    return {
        "index": str(index),
        **dataclasses.asdict(summary),
        "languages": dict(summary.languages),
        "rejects": str(report.path) if summary.rejected else None,
        "seconds": round(seconds, 2),
    }


def _show(index: Path, summary: BuildSummary, seconds: float, encoder: Encoder) -> None:
    per_language = ", ".join(f"{lang} {n:,}" for lang, n in summary.languages.most_common())
    click.echo(
        f"{index}: {plural(summary.added, 'sentence')} added"
        + (f" ({per_language})" if per_language else "")
        + (f", {summary.total:,} in all" if summary.total != summary.added else "")
        + f", in {seconds:.1f} s"
    )
    if summary.merged:
        click.echo(f"  {plural(summary.merged, 'duplicate')} merged")
    if summary.repaired:
        click.echo(f"  {plural(summary.repaired, 'sentence')} repaired (misread encoding)")
    trained = getattr(encoder, "languages", ())
    foreign = {lang: n for lang, n in summary.foreign.items() if lang not in trained}
    if foreign:
        names = ", ".join(f"{lang} ({n:,})" for lang, n in foreign.items())
        note(f"  note: the encoder was not made for {names}: meaning may be missed, words are not")
