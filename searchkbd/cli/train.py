"""``searchkbd train``: making encoders."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.command_line import command_line
from searchkbd.cli.encoder_options import EncoderType
from searchkbd.cli.options import LANGUAGE, DirectoryType, columns_option, json_option, langs_option
from searchkbd.cli.output import note, plural, print_json
from searchkbd.cli.progress import Stages
from searchkbd.cli.rejects import check_report, default_report, rejects_option, show_rejects
from searchkbd.cli.training import FILES, ManyFiles, check_files, resumable, say
from searchkbd.errors import SearchkbdError

if TYPE_CHECKING:
    from searchkbd.corpus.options import ReadOptions
    from searchkbd.corpus.report import RejectReport
    from searchkbd.encoders.base import Encoder
    from searchkbd.training.config import StudentConfig
    from searchkbd.training.pairs import Pairs, Split
    from searchkbd.training.release import DataFile
    from searchkbd.training.run import Trained


CHECKPOINT_SECONDS = 60.0
"""Time between two checkpoints."""

_NOT_TOLD = frozenset({"rejects", "as_json", "restart"})  # by the model card


class _Group(click.Group):
    """A group that imports what is not here when it is run, or helped with."""

    modules = {"finetune": "searchkbd.cli.finetune"}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *self.modules]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.modules:
            return importlib.import_module(self.modules[cmd_name]).command
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Group)
def command() -> None:
    """Train encoders on pairs of translations."""


@command.command(cls=ManyFiles)
@click.option(
    "--pairs", "pairs", multiple=True, required=True, metavar="FILE...",
    help="Sentences and their translations, in any format of build.",
)
@click.option(
    "--out", type=DirectoryType(), required=True, metavar="DIR",
    help="Directory of the encoder.",
)
@click.option(
    "--lang", type=LANGUAGE, default="kbd", show_default=True,
    help="Language to learn.",
)
@langs_option
@columns_option
@click.option(
    "--dev", "dev", multiple=True, metavar="FILE...",
    help="Pairs to measure by; when not given, some groups of the others are held out.",
)
@click.option(
    "--teacher", type=EncoderType(), default="embedded", show_default=True, metavar="NAME|DIR",
    help="Encoder that reads the translations.",
)
@click.option(
    "--steps", type=click.IntRange(1, 100_000), metavar="N",
    help="Optimiser steps at most.  [default: 1500, 400 for few pairs]",
)
@click.option(
    "--batch", type=click.IntRange(2, 8192), metavar="N",
    help="Texts a step.  [default: 768, less for few pairs]",
)
@click.option(
    "--max-features", type=click.IntRange(100, 500_000), metavar="N",
    help="Words and parts of words that are learnt, the most frequent ones.  [default: 120000]",
)
@click.option(
    "--patience", type=click.IntRange(1, 10_000), metavar="N",
    help="Evaluations (20 in all) without a better figure after which to stop.  [default: 8]",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, metavar="N",
    help="Where chance begins: the same seed gives the same encoder.",
)
@click.option(
    "--restart", is_flag=True,
    help="Start anew: give up the unfinished training in DIR, or replace its encoder.",
)
@rejects_option
@json_option
@click.pass_context
def student(
    ctx: click.Context,
    pairs: tuple[str, ...],
    out: Path,
    lang: str,
    langs: tuple[str, str] | None,
    columns: dict[str, str],
    dev: tuple[str, ...],
    teacher: str,
    steps: int | None,
    batch: int | None,
    max_features: int | None,
    patience: int | None,
    seed: int,
    restart: bool,
    rejects: Path | None,
    as_json: bool,
) -> int:
    """Train a student: a small, fast encoder of one language, in the space of a teacher.

    FILEs hold sentences of the language (--lang) and translations of them into languages that the
    teacher reads; sentences of one group are translations of each other, as in a build. The
    student learns to give a sentence the vector that the teacher gives its translations.

    DIR then works as --encoder DIR in every command. Stopped at any point, the same command goes
    on where it was, and ends with the same weights. Training needs torch: pip install
    "searchkbd[train]".
    """
    from searchkbd.corpus.options import ReadOptions
    from searchkbd.corpus.report import RejectReport
    from searchkbd.training.student import require_torch

    require_torch()
    check_files(pairs, dev)
    check_report(rejects, out, (*pairs, *dev), "the directory of the encoder")
    options = ReadOptions(langs=langs, columns=columns)
    given = {"steps": steps, "batch": batch, "max_features": max_features, "patience": patience}
    start = time.monotonic()
    with RejectReport(rejects or default_report(out)) as report:
        job = _Job(out, lang, teacher, {**given, "seed": seed}, restart)
        result = job.run(pairs, dev, options, report, command_line(ctx, _NOT_TOLD, many=FILES))
    seconds = time.monotonic() - start
    if as_json:
        print_json(_shape(out, result, report, seconds))
    else:
        _show(out, result, report, seconds)
    return 1 if report.count else 0


@dataclass(frozen=True)
class _Result:
    """All that there is to report."""

    trained: Trained
    split: Split
    merged: int
    config: StudentConfig
    data: tuple[DataFile, ...]
    lang: str
    languages: tuple[str, ...]
    teacher: Encoder
    teacher_name: str


class _Job:
    """One run of the command."""

    def __init__(self, out: Path, lang: str, teacher: str, given: dict, restart: bool) -> None:
        self._out, self._lang, self._given, self._restart = out, lang, given, restart
        self._teacher_name = teacher
        self._files: list[DataFile] = []

    def run(
        self,
        pairs: Sequence[str],
        dev: Sequence[str],
        options: ReadOptions,
        report: RejectReport,
        line: str,
    ) -> _Result:
        from searchkbd.encoders.directory import WORK
        from searchkbd.training.checkpoint import discard
        from searchkbd.training.config import config_for
        from searchkbd.training.release import (
            Recipe,
            check_output,
            languages_read,
            release,
        )

        check_output(self._out, self._restart)
        teacher = self._load_teacher()
        split, merged = self._read(pairs, dev, options, teacher, report)
        config = config_for(len(split.train), **self._given)
        if self._restart:
            discard(self._out / WORK)
        trained = self._train(split, teacher, config)
        # A teacher in a directory has a path of this machine; its fingerprint tells which it is.
        name = os.path.basename(teacher.name)
        recipe = Recipe(
            self._lang, name, teacher.fingerprint, config, tuple(self._files), len(split.train),
            line,
        )  # fmt: skip
        release(self._out, trained, teacher, recipe)
        return _Result(
            trained, split, merged, config, tuple(self._files), self._lang,
            languages_read(self._lang), teacher, name,
        )  # fmt: skip

    def _load_teacher(self) -> Encoder:
        from searchkbd.encoders import load_encoder
        from searchkbd.encoders.base import EncoderError

        teacher = load_encoder(self._teacher_name)
        if os.path.abspath(self._out) == os.path.realpath(teacher.name):
            raise click.BadParameter("is the directory of the teacher", param_hint="'--out'")
        problems = teacher.check() if hasattr(teacher, "check") else []
        if problems:
            raise EncoderError(problems[0])
        return teacher

    def _read(
        self,
        pairs: Sequence[str],
        dev: Sequence[str],
        options: ReadOptions,
        teacher: Encoder,
        report: RejectReport,
    ) -> tuple[Split, int]:
        from searchkbd.training.pairs import hold_out, without

        found = self._pairs(pairs, "training", options, teacher, report)
        if not dev:
            return hold_out(found.groups, self._given["seed"]), found.merged
        measured = self._pairs(dev, "development", options, teacher, report)
        split = without(found.groups, measured.groups)
        if split.left_out:
            note(
                f"{plural(split.left_out, 'pair')} not trained on: they share a text with the "
                "development pairs"
            )
        if not split.train:
            raise SearchkbdError("no pairs are left to train on: all are development pairs too")
        return split, found.merged

    def _pairs(
        self,
        files: Sequence[str],
        use: str,
        options: ReadOptions,
        teacher: Encoder,
        report: RejectReport,
    ) -> Pairs:
        from searchkbd.training.pairs import pair_up
        from searchkbd.training.release import teaching_languages

        langs = teaching_languages(teacher, self._lang)
        found = pair_up(
            (item for file in files for item in self._items(file, use, options)),
            self._lang, langs, report.add,
        )  # fmt: skip
        if not found.groups:
            show_rejects(report)
            raise SearchkbdError(
                f"no pairs in {', '.join(files)}: needed are sentences in {self._lang} (--lang) "
                f"with translations, in the same group, into one of {', '.join(sorted(langs))}"
            )
        return found

    def _items(self, file: str, use: str, options: ReadOptions):
        from searchkbd.corpus.read import read_corpus
        from searchkbd.corpus.sentence import Sentence
        from searchkbd.encoders.directory import file_digest
        from searchkbd.training.release import DataFile

        sentences = 0
        for item in read_corpus(file, options):
            sentences += isinstance(item, Sentence)
            yield item
        self._files.append(DataFile(Path(file).name, use, sentences, file_digest(Path(file))))

    def _train(self, split: Split, teacher: Encoder, config: StudentConfig) -> Trained:
        from searchkbd.encoders.directory import WORK
        from searchkbd.training.run import Reporter, train

        folder = self._out / WORK
        with resumable(folder), Stages() as bars:
            reporter = Reporter(
                say, bars.stage("Reading", "texts"), bars.stage("Training", "steps")
            )
            return train(
                split, self._lang, teacher, config, folder, reporter, CHECKPOINT_SECONDS
            )


def _shape(out: Path, result: _Result, report: RejectReport, seconds: float) -> dict:
    trained, split = result.trained, result.split
    return {
        "out": str(out),
        "lang": result.lang,
        "languages": list(result.languages),
        "teacher": {"name": result.teacher_name, "fingerprint": result.teacher.fingerprint},
        "config": asdict(result.config),
        "files": [asdict(one) for one in result.data],
        "pairs": len(split.train),
        "merged": result.merged,
        "left_out": split.left_out,
        "dev_pairs": trained.dev_counts,
        "texts": trained.texts,
        "features": trained.features,
        "evaluations": [asdict(one) for one in trained.evaluations],
        "best_step": trained.best.step,
        "stopped": trained.stopped,
        "resumed_from": trained.resumed_from,
        "dev": [
            {"direction": one.direction, **asdict(one.accuracy)} for one in trained.figures
        ],
        "rejected": report.count,
        "rejects": str(report.path) if report.count else None,
        "seconds": round(seconds, 2),
    }


def _show(out: Path, result: _Result, report: RejectReport, seconds: float) -> None:
    trained = result.trained
    early = ", stopped early" if trained.stopped == "patience" else ""
    click.echo(
        f"{out}: a student of {result.lang} from {plural(len(result.split.train), 'pair')}, "
        f"{plural(trained.features, 'feature')}, in {seconds:.0f} s\n"
        f"  best after step {trained.best.step:,} of {trained.evaluations[-1].step:,}{early}"
    )
    if result.merged:
        click.echo(f"  {plural(result.merged, 'duplicate pair')} merged")
    click.echo("\n  dev         pairs  accuracy@1  accuracy@10")
    for one in trained.figures:
        first, second = one.direction.split("→")
        pairs = trained.dev_counts[second if first == result.lang else first]
        click.echo(
            f"  {one.direction:<10}  {pairs:>5,}  {one.accuracy.at_1:>10.3f}  "
            f"{one.accuracy.at_10:>11.3f}"
        )
    click.echo(f"\nUse it: searchkbd build FILE --encoder {out} --index DIR")
    show_rejects(report)
