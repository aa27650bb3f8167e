"""Carrying a build out and telling of it: what build, add and replace share."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.encoding import remembering
from searchkbd.cli.job import BuildJob
from searchkbd.cli.output import note, plural, print_json
from searchkbd.cli.rejects import check_report, default_report, show_rejects
from searchkbd.cli.sources import Sources
from searchkbd.errors import NothingToBuildError

if TYPE_CHECKING:
    from searchkbd.cache.encoder import CachedEncoder
    from searchkbd.corpus.report import RejectReport
    from searchkbd.encoders.base import Encoder
    from searchkbd.index.writer import BuildSummary


def run_build(index: Path, job: BuildJob, *, as_json: bool) -> int:
    """Build the index at *index*, tell what was done, and return the exit code.

    Raises SearchkbdError and OSError; an interrupt becomes a SearchkbdError that says how to go on.
    """
    from searchkbd.cli.resume import BuildNote
    from searchkbd.corpus.decompress import shown
    from searchkbd.corpus.report import RejectReport
    from searchkbd.index.writer import Mode, build_index

    check_report(job.rejects, index, job.files)
    encoder = _encoder(job, index)
    start = time.monotonic()
    try:
        with (
            RejectReport(job.rejects or default_report(index)) as report,
            Sources(job.files, job.names, job.reading) as sources,
            remembering(encoder, workers=job.workers, cache=job.cache) as cached,
            BuildNote(index, job) as noted,
        ):
            summary = build_index(
                index,
                noted.begin(sources.items()),
                cached,
                mode=Mode(job.mode),
                on_reject=report.add,
                progress=sources.show,
                tidying=sources.show_tidying,
                penalty=job.penalty,
            )
    except OSError as error:
        if not error.strerror:
            raise
        kept = "an unfinished build leaves the index as it was"
        raise OSError(error.errno, f"{error.strerror}; {kept}", error.filename) from None
    except NothingToBuildError as error:
        sources.note_left_out()
        show_rejects(report)
        raise NothingToBuildError(f"{error} (in {', '.join(map(shown, job.files))})") from None
    seconds = time.monotonic() - start
    if as_json:
        shape = _shape(index, summary, report, cached, seconds)
        if job.reading.cuts:
            shape["left_out"] = [dataclasses.asdict(one) for one in sources.left_out]
        print_json(shape)
    else:
        _show(index, summary, cached, seconds, encoder)
        sources.note_left_out()
        show_rejects(report)
    if cached.warning:
        note(f"note: {cached.warning}")
    return 1 if summary.rejected else 0


def _encoder(job: BuildJob, index: Path) -> Encoder:
    """Return the encoder to build with: the one asked for, else the index's own, else embedded."""
    from searchkbd.api import load_index_encoder
    from searchkbd.encoders import load_encoder
    from searchkbd.encoders.spec import EncoderSpec
    from searchkbd.errors import IndexDamagedError, IndexNotFoundError
    from searchkbd.index.reader import IndexReader

    spec = job.encoder or EncoderSpec()
    if spec.name is None and job.mode == "add":
        try:
            with IndexReader(index) as reader:
                return load_index_encoder(reader, spec)
        except (IndexNotFoundError, IndexDamagedError):
            pass
        # Nothing to add to yet, or the writer will say what is wrong with it.
    return load_encoder(spec)


def _shape(
    index: Path,
    summary: BuildSummary,
    report: RejectReport,
    encoder: CachedEncoder,
    seconds: float,
) -> dict:
    return {
        "index": str(index),
        **dataclasses.asdict(summary),
        "languages": dict(summary.languages),
        "encoded": encoder.misses,
        "cached": encoder.hits,
        "rejects": str(report.path) if summary.rejected else None,
        "seconds": round(seconds, 2),
    }


def _show(
    index: Path,
    summary: BuildSummary,
    cached: CachedEncoder,
    seconds: float,
    encoder: Encoder,
) -> None:
    from searchkbd.encoders.base import settings_of

    per_language = ", ".join(f"{lang} {n:,}" for lang, n in summary.languages.most_common())
    click.echo(
        f"{index}: {plural(summary.added, 'sentence')} added"
        + (f" ({per_language})" if per_language else "")
        + (f", {summary.total:,} in all" if summary.total != summary.added else "")
        + f", in {seconds:.1f} s"
    )
    if cached.hits:
        click.echo(
            f"  {plural(cached.hits, 'sentence')} taken from the embedding cache, "
            f"{cached.misses:,} encoded"
        )
    if summary.merged:
        click.echo(f"  {plural(summary.merged, 'duplicate')} merged")
    if summary.repaired:
        click.echo(f"  {plural(summary.repaired, 'sentence')} repaired (misread encoding)")
    trained = getattr(encoder, "languages", ())
    foreign = {lang: n for lang, n in summary.foreign.items() if lang not in trained}
    # A model of sentence-transformers does not tell which languages it was made for.
    if foreign and not settings_of(encoder):
        names = ", ".join(f"{lang} ({n:,})" for lang, n in foreign.items())
        note(f"  note: the encoder was not made for {names}: meaning may be missed, words are not")
