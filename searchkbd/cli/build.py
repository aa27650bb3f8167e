"""``searchkbd build``."""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.options import (
    columns_option,
    encoder_option,
    index_option,
    json_option,
    langs_option,
)
from searchkbd.cli.output import note, plural, print_json
from searchkbd.cli.rejects import check_report, default_report, rejects_option, show_rejects
from searchkbd.errors import NothingToBuildError, SearchkbdError

if TYPE_CHECKING:
    from searchkbd.corpus.options import ReadOptions
    from searchkbd.corpus.report import RejectReport
    from searchkbd.corpus.sentence import Reject, Sentence
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
@click.option(
    "--lang", metavar="LANG",
    help='Language of every sentence that does not name its own, or "auto" to detect it.',
)
@langs_option
@columns_option
@click.option(
    "--format", "file_format", type=click.Choice(["tsv", "csv", "jsonl", "text"]),
    help="Format of the files; told by their names, or their first line, when not given.",
)
@click.option("--delimiter", metavar="CHAR", help="Column separator of CSV files.")
@click.option(
    "--header/--no-header", default=None,
    help="Whether the first line names the columns; told by that line when not given.",
)
@click.option("--encoding", metavar="NAME", help="Encoding of the files, when not UTF-8 or UTF-16.")
@click.option("--origin", metavar="NAME", help="Origin of sentences that name none.")
@click.option(
    "--repair/--no-repair", default=True, show_default=True,
    help="Repair text whose encoding was misread (mojibake).",
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
    lang: str | None,
    langs: tuple[str, str] | None,
    columns: dict[str, str],
    file_format: str | None,
    delimiter: str | None,
    header: bool | None,
    encoding: str | None,
    origin: str | None,
    repair: bool,
    rejects: Path | None,
    as_json: bool,
) -> int:
    """Build an index from FILEs of sentences; "-" reads standard input.

    A FILE is a table (TSV, CSV) with the columns id, lang, text, group, or lang_a, lang_b,
    text_a, text_b, or two text columns (see --langs); JSON Lines with the same names; or plain
    text, one sentence a line (see --lang). Any may be compressed (gz, bz2, xz, zst). Sentences
    of the same group are translations of each other, within and across FILEs.

    Nothing is kept of a build that fails or is interrupted. Rows that cannot be used are listed
    in a report and the exit code is 1.
    """
    from searchkbd.corpus.decompress import shown
    from searchkbd.corpus.options import ReadOptions
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
    options = ReadOptions(
        lang=lang, langs=langs, columns=columns, delimiter=delimiter, header=header,
        format=file_format, encoding=encoding, repair=repair, origin=origin,
    )  # fmt: skip
    loaded = _encoder(encoder, index, add)
    start = time.monotonic()
    try:
        with (
            RejectReport(rejects or default_report(index)) as report,
            _Reading(files, options) as reading,
        ):
            summary = build_index(
                index,
                reading.items(),
                loaded,
                mode=Mode.ADD if add else Mode.REPLACE if replace else Mode.NEW,
                on_reject=report.add,
                progress=reading.show,
            )
    except (KeyboardInterrupt, OSError) as error:
        raise _told(error) from None
    except NothingToBuildError as error:
        show_rejects(report)
        raise NothingToBuildError(f"{error} (in {', '.join(map(shown, files))})") from None
    seconds = time.monotonic() - start
    if as_json:
        print_json(_shape(index, summary, report, seconds))
    else:
        _show(index, summary, report, seconds, loaded)
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


class _Reading:
    """The rows of all files in turn, and how far along they are."""

    def __init__(self, files: Sequence[str], options: ReadOptions) -> None:
        self._files = files
        self._options = options
        self._lines = 0  # of the files that are done
        self._line = 0
        self._total: float | None = None

    def __enter__(self) -> _Reading:
        from searchkbd.cli.progress import counted_progress

        self._bar = counted_progress("Building", "lines")
        self._update = self._bar.__enter__()
        if sys.stderr.isatty():
            self._total = _count_lines(self._files)
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.__exit__(*error)

    def items(self) -> Iterator[Sentence | Reject]:
        """Yield every row; a file that cannot be read at all is found before any is encoded."""
        for rows in [self._opened(file) for file in self._files]:
            self._lines += self._line
            self._line = 0
            for item in rows:
                self._line = _line_of(item)
                yield item

    def show(self, summary: BuildSummary) -> None:
        """Show the progress of a build."""
        self._update(self._lines + self._line, self._total)

    def _opened(self, file: str) -> Iterator[Sentence | Reject]:
        from searchkbd.corpus.read import read_corpus

        options = self._options
        if [Path(other).name for other in self._files].count(Path(file).name) > 1:
            # Ids made from lines must differ between a/x.txt and b/x.txt.
            options = dataclasses.replace(options, name=file)
        rows = iter(read_corpus(file, options))
        if file == "-":
            return rows
        first = list(islice(rows, 1))
        if options.langs and options.header is None and first and _line_of(first[0]) == 1:
            note(
                f"note: the first line of {file} was read as a pair of sentences; "
                "if it names the columns, say --header"
            )
        return chain(first, rows)


def _line_of(item: Sentence | Reject) -> int:
    return (item.place if hasattr(item, "reason") else item.source).line


def _count_lines(files: Sequence[str]) -> float | None:
    """Return the lines of plain files, None when one is a pipe or compressed."""
    total = 0
    for file in files:
        if file == "-" or not Path(file).is_file() or Path(file).suffix in _COMPRESSED:
            return None
        with open(file, "rb") as stream:
            while piece := stream.read(1 << 20):
                total += piece.count(b"\n")
    return total


_COMPRESSED = frozenset({".gz", ".bz2", ".xz", ".zst"})


def _shape(index: Path, summary: BuildSummary, report: RejectReport, seconds: float) -> dict:
    return {
        "index": str(index),
        **dataclasses.asdict(summary),
        "languages": dict(summary.languages),
        "rejects": str(report.path) if summary.rejected else None,
        "seconds": round(seconds, 2),
    }


def _show(
    index: Path, summary: BuildSummary, report: RejectReport, seconds: float, encoder: Encoder
) -> None:
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
    show_rejects(report)
