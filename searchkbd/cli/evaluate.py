"""``searchkbd eval``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.encoder_options import encoder_options, settings_shown
from searchkbd.cli.options import json_option
from searchkbd.cli.output import note, plural, print_json
from searchkbd.cli.progress import Stages
from searchkbd.cli.reading import reading_options
from searchkbd.cli.rejects import ToldRejects, shown_rejects_option

if TYPE_CHECKING:
    from searchkbd.corpus.options import ReadOptions
    from searchkbd.encoders import Encoder
    from searchkbd.encoders.spec import EncoderSpec
    from searchkbd.evaluation.pairs import PairFile
    from searchkbd.evaluation.results import Estimate, Evaluation

WIDTH = 80


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE...]")
@encoder_options
@click.option(
    "--distractors", metavar="FILE",
    help="Search again among the sentences of this file too, those in the target language. Of how "
    "to read, only --lang is said of it.",
)
@click.option(
    "--max-distractors", type=click.IntRange(min=1), default=20_000, show_default=True,
    metavar="N", help="Take the first N different distractors in a language.",
)
@click.option(
    "--plot", type=click.Path(path_type=Path), metavar="FILE",
    help="Draw accuracy@1 as a heat map, languages by languages, into this .png, .svg or .pdf.",
)
@reading_options
@shown_rejects_option
@json_option
def command(
    files: tuple[str, ...],
    encoder: EncoderSpec,
    distractors: str | None,
    max_distractors: int,
    plot: Path | None,
    reading: ReadOptions,
    rejects: Path | None,
    as_json: bool,
) -> int:
    """Measure how well an encoder finds translations, in FILEs of parallel text.

    A FILE is any that "build" reads, in which sentences of one row or one group are translations
    of each other. Each sentence searches the file's sentences in another language, by meaning
    alone, for its translation. Without FILE, the phrasebook that comes with searchkbd is
    measured: all five languages, but few and easy sentences.

    Accuracy@k is the share of sentences whose translation is among the first k; MRR@10 the mean
    of 1/rank. In brackets, the 95 % bootstrap interval. Margin: nearness in proportion to how
    near the neighbours are (Artetxe and Schwenk 2019).

    Rows that cannot be used are listed and the exit code is 1. See docs/evaluation.md.
    """
    from searchkbd.corpus.options import ReadOptions
    from searchkbd.encoders import load_encoder
    from searchkbd.evaluation.distractors import read_distractors
    from searchkbd.evaluation.evaluator import distractor_limits, evaluate
    from searchkbd.evaluation.measures import require

    # All that can be found wrong at once, before anything takes time.
    require("ir_measures")
    if plot:
        from searchkbd.evaluation.heatmap import check_plot

        check_plot(plot)
    if [*files, distractors].count("-") > 1:
        raise click.UsageError("standard input (-) can be read once only")
    _check_written(files, distractors, rejects, plot)
    loaded = load_encoder(encoder)
    with ToldRejects(rejects) as rejected, Stages() as stages:
        lines = stages.stage("Reading", "lines")
        read = _read(files, reading, rejected, lines)
        sets = [one for file in read for one in file.sets]
        pool = None
        if distractors:
            # The other options of reading are about the columns of the pair files.
            options = ReadOptions(lang=reading.lang)
            pool = read_distractors(
                distractors, distractor_limits(sets, max_distractors), options,
                on_reject=rejected.add, progress=lines,
            )  # fmt: skip
    with Stages() as stages:
        rows = evaluate(
            loaded, sets, pool, max_distractors=max_distractors,
            on_encoded=stages.stage("Encoding", "texts"),
            on_scored=stages.stage("Searching", "sentences"),
        )  # fmt: skip
    if plot:
        from searchkbd.evaluation.heatmap import write_heatmap

        write_heatmap(plot, rows, loaded.name)
    if as_json:
        print_json(_shape(loaded, read, rows, rejected.count))
    else:
        _show(loaded, rows)
        if pool is not None:
            _note_without(rows)
        if plot:
            click.echo(f"heat map: {plot}")
    for file in read:
        if file.unpaired:
            note(f"note: {file.name}: {plural(file.unpaired, 'sentence')} without a translation "
                 "in the file, left out")  # fmt: skip
    return 1 if rejected.count else 0


def _check_written(
    files: Sequence[str], distractors: str | None, rejects: Path | None, plot: Path | None
) -> None:
    """Refuse to write over what is read, or twice to one file."""
    read = {Path(file).resolve() for file in (*files, *([distractors] if distractors else []))}
    for hint, path in (("'--rejects'", rejects), ("'--plot'", plot)):
        if path and path.resolve() in read:
            raise click.BadParameter(f"{path} is an input file", param_hint=hint)
    if rejects and plot and rejects.resolve() == plot.resolve():
        raise click.UsageError("--rejects and --plot name the same file")


def _read(
    files: Sequence[str],
    options: ReadOptions,
    rejected: ToldRejects,
    progress: Callable[[int], None],
) -> list[PairFile]:
    from searchkbd.corpus.files import corpora
    from searchkbd.evaluation.pairs import read_pairs
    from searchkbd.resources import PHRASEBOOK

    if not files:
        note("no FILE given: measuring the phrasebook that comes with searchkbd")
        return [read_pairs(PHRASEBOOK, name=PHRASEBOOK.name)]
    return [
        read_pairs(file, read_as, on_reject=rejected.add, progress=progress)
        for file, read_as in corpora(files, options)
    ]


def _shape(
    encoder: Encoder, files: Sequence[PairFile], rows: Sequence[Evaluation], rejected: int
) -> dict:
    from searchkbd.encoders.base import settings_of

    return {
        "encoder": encoder.name,
        "fingerprint": encoder.fingerprint,
        "dim": encoder.dim,
        "encoder_settings": settings_of(encoder),
        "files": [
            {"file": file.name, "sentences": file.sentences, "unpaired": file.unpaired}
            for file in files
        ],
        "rejected": rejected,
        "evaluations": [row.to_dict() for row in rows],
    }


def _show(encoder: Encoder, rows: Sequence[Evaluation]) -> None:
    """Print the table: by language pair, then file, then direction, then distractors."""
    from searchkbd.encoders.base import settings_of

    click.echo(f"encoder {encoder.name} ({encoder.fingerprint}), {encoder.dim} dimensions"
               f"{settings_shown(settings_of(encoder))}\n")
    click.secho(
        f"{'':<13}{'n':>7} {'accuracy@1':<19} {'@5':>5} {'@10':>5} {'MRR@10':>6}  margin @1",
        bold=True,
    )
    for pair in _pairs(rows):
        for name in dict.fromkeys(row.name for row in rows if set(row.langs) == set(pair)):
            click.secho("{} - {}".format(*pair), bold=True, nl=False)
            click.echo(f"  {_tail(name, WIDTH - 12)}")
            own = [row for row in rows if row.name == name and set(row.langs) == set(pair)]
            for cosine, margin in zip(own[::2], own[1::2], strict=True):
                click.echo(_line(cosine, margin))
    if any(row.distractors for row in rows):
        click.echo("+ N: among N distractors too")


def _pairs(rows: Sequence[Evaluation]) -> list[tuple[str, str]]:
    from searchkbd.evaluation.pairs import language_order

    def order(pair: tuple[str, str]):
        return tuple(map(language_order, pair))

    return sorted({tuple(sorted(row.langs, key=language_order)) for row in rows}, key=order)


def _line(cosine: Evaluation, margin: Evaluation) -> str:
    direction = f"  {cosine.source} → {cosine.target}"
    if cosine.distractors:
        direction = f"    + {cosine.distractors:,}"
    return (
        f"{direction:<13}{'' if cosine.distractors else f'{cosine.sources:,}':>7} "
        f"{_figure(cosine.accuracy_at_1)} {cosine.accuracy_at_5.value:.3f} "
        f"{cosine.accuracy_at_10.value:.3f} {cosine.mrr_at_10.value:>6.3f}  "
        f"{_figure(margin.accuracy_at_1)}"
    )


def _figure(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.3f}-{estimate.high:.3f}]"


def _tail(name: str, width: int) -> str:
    return name if len(name) <= width else f"…{name[1 - width :]}"


def _note_without(rows: Sequence[Evaluation]) -> None:
    """Say for which languages there were no distractors."""
    missing = {row.target for row in rows} - {row.target for row in rows if row.distractors}
    if missing:
        note(f"note: no distractors in {', '.join(sorted(missing))}")


