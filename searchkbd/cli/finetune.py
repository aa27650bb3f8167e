"""``searchkbd train finetune``: fine-tuning a model of sentence-transformers."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.command_line import command_line
from searchkbd.cli.encoder_options import PALOCHKAS, EncoderType
from searchkbd.cli.finetune_result import Result, shape, show
from searchkbd.cli.options import DirectoryType, columns_option, json_option, langs_option
from searchkbd.cli.output import note, plural, print_json
from searchkbd.cli.progress import Stages
from searchkbd.cli.rejects import check_report, default_report, rejects_option, show_rejects
from searchkbd.cli.training import FILES, ManyFiles, check_files, resumable, say
from searchkbd.errors import SearchkbdError
from searchkbd.training.finetune.config import (
    DIRECTIONS,
    LOSSES,
    MIXES,
    PRECISIONS,
    RECIPES,
    SAMPLERS,
    FinetuneConfig,
)

if TYPE_CHECKING:
    from searchkbd.corpus.options import ReadOptions
    from searchkbd.corpus.report import RejectReport
    from searchkbd.encoders.transformer.description import ModelFiles
    from searchkbd.training.finetune.run import Data, Finetuned

_HUB = "hf:"
_NOT_TOLD = frozenset({"rejects", "as_json", "restart", "save_steps"})  # by the model card
_SETTINGS = (
    "loss", "sampler", "mix", "directions", "scale", "batch", "mini_batch", "epochs", "max_steps",
    "lr", "warmup", "max_tokens", "precision", "gradient_checkpointing", "hard_negatives",
    "distill", "palochka_pieces", "eval_steps", "seed",
)  # fmt: skip
_OFF = "off"


class _GateType(click.ParamType):
    """Points, or ``off``, which is infinitely many."""

    name = "POINTS"

    def convert(self, value, param, ctx):
        try:
            points = math.inf if value == _OFF else float(value)
        except ValueError:
            points = math.nan
        if not points >= 0:
            self.fail(f"{value!r} is not a number of points, and not off", param, ctx)
        return points


def _positive(limit: float | None = None, *, zero: bool = False) -> click.FloatRange:
    return click.FloatRange(0, limit, min_open=not zero, max_open=limit is not None)


@click.command(cls=ManyFiles)
@click.option(
    "--pairs", "pairs", multiple=True, required=True, metavar="FILE...",
    help="Pairs of translations, in any format of build and any two languages.",
)
@click.option(
    "--base", type=EncoderType(), default="labse", show_default=True, metavar="NAME|DIR",
    help="Model to begin with (see searchkbd models).",
)
@click.option(
    "--out", type=DirectoryType(), required=True, metavar="DIR", help="Directory of the model."
)
@click.option(
    "--dev", "dev", multiple=True, metavar="FILE...",
    help="Pairs to measure by; when not given, a twentieth of the others are held out.",
)
@click.option(
    "--hold", "hold", multiple=True, metavar="FILE...",
    help="More texts in ru, en, fr and tr for --distill to hold in place, besides those of the "
    "pairs; sentences in other languages are passed over.",
)
@click.option(
    "--recipe", type=click.Choice(tuple(RECIPES)), default="card", show_default=True,
    help="card: as LaBSE-kbd v0.2 was trained; better: --loss symmetric --sampler no-duplicates "
    "--warmup 0.1 --distill 1. Every option given besides goes before it.",
)
@click.option(
    "--loss", type=click.Choice(LOSSES),
    help="What is learnt: that a text finds its translation in the batch (mnrl), or each the "
    "other (symmetric); cached: the same for batches larger than memory.  [card: mnrl]",
)
@click.option(
    "--sampler", type=click.Choice(SAMPLERS),
    help="no-duplicates: no text twice in a batch, where it would be a wrong answer to itself.  "
    "[card: default]",
)
@click.option(
    "--mix", type=click.Choice(MIXES),
    help="How language pairs take turns: evenly until the smallest ends, or by their size until "
    "all are read.  [default: round-robin]",
)
@click.option(
    "--directions", type=click.Choice(DIRECTIONS),
    help="Whether the second text of a pair looks for the first too.  [default: as-is]",
)
@click.option("--scale", type=_positive(), metavar="X", help="Factor of cosines.  [default: 20]")
@click.option(
    "--batch", type=click.IntRange(2, 65_536), metavar="N", help="Pairs a step.  [default: 16]"
)
@click.option(
    "--mini-batch", type=click.IntRange(1, 65_536), metavar="N",
    help="Pairs in memory at a time, of a cached loss.  [default: 32]",
)
@click.option("--epochs", type=_positive(), metavar="X", help="Passes.  [default: 2]")
@click.option(
    "--max-steps", type=click.IntRange(1), metavar="N",
    help="Steps, in place of --epochs; the learning rate falls to 0 over them.",
)
@click.option("--lr", type=_positive(), metavar="X", help="Learning rate.  [default: 5e-5]")
@click.option(
    "--warmup", type=_positive(1, zero=True), metavar="SHARE",
    help="Share of the steps in which the learning rate rises.  [card: 0]",
)
@click.option(
    "--max-tokens", type=click.IntRange(3, 8192), metavar="N",
    help="Tokens of a text that are read.  [default: 256]",
)
@click.option(
    "--precision", type=click.Choice(PRECISIONS),
    help="Of the forward pass; auto is bf16 on a GPU that has it, else fp32.  [default: auto]",
)
@click.option(
    "--gradient-checkpointing/--no-gradient-checkpointing", default=None,
    help="Less memory, a third more time.  [default: no]",
)
@click.option(
    "--hard-negatives", type=click.IntRange(0, 16), metavar="N",
    help="Near texts that are no translation, for each pair.  [default: 0]",
)
@click.option(
    "--distill", type=_positive(zero=True), metavar="WEIGHT",
    help="Weight of the loss that holds ru, en, fr and tr where the base has them.  [card: 0]",
)
@click.option(
    "--palochka-pieces/--no-palochka-pieces", default=None,
    help="Add the letters with palochka to the vocabulary.  [default: no]",
)
@click.option(
    "--palochka", type=click.Choice(PALOCHKAS), metavar="CHAR",
    help='How the model is given the palochka, or "keep".  [default: as the base, else I]',
)
@click.option(
    "--gate", type=_GateType(), default="0.5", show_default=True, metavar="POINTS",
    help="Points of accuracy@1 that pairs of ru, en, fr and tr may lose; off: any.",
)
@click.option(
    "--eval-steps", type=click.IntRange(1), metavar="N",
    help="Steps between evaluations.  [default: a twentieth of all, 1000 at most]",
)
@click.option(
    "--save-steps", type=click.IntRange(1), metavar="N",
    help="Steps between checkpoints.  [default: as --eval-steps]",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), metavar="N", help="[default: 42]")
@click.option("--license", metavar="ID", help="Licence that the model card names.")
@langs_option
@columns_option
@click.option(
    "--restart", is_flag=True,
    help="Start anew: give up the unfinished training in DIR, or replace its model.",
)
@rejects_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    pairs: tuple[str, ...],
    base: str,
    out: Path,
    dev: tuple[str, ...],
    hold: tuple[str, ...],
    recipe: str,
    palochka: str | None,
    gate: float,
    save_steps: int | None,
    license: str | None,
    langs: tuple[str, str] | None,
    columns: dict[str, str],
    restart: bool,
    rejects: Path | None,
    as_json: bool,
    **settings,
) -> int:
    """Fine-tune LaBSE, or another model of sentence-transformers, on pairs of translations.

    The default is the recipe of the model card of LaBSE-kbd v0.2. The model is measured as it
    learns; DIR gets the best one among those that lose nothing elsewhere (--gate), with its log
    and its card, and works as --encoder DIR in every command.

    Stopped at any point, the same command goes on where it was, and on a CPU ends with the same
    weights. Needs: pip install "searchkbd[finetune]". See docs/finetuning.md.
    """
    from searchkbd.corpus.options import ReadOptions
    from searchkbd.corpus.report import RejectReport
    from searchkbd.training.finetune.config import config_for
    from searchkbd.training.finetune.run import require_packages

    require_packages()
    local = [[file for file in files if not file.startswith(_HUB)] for files in (pairs, dev, hold)]
    check_files(*local)
    check_report(rejects, out, (*pairs, *dev, *hold), "the directory of the model")
    config = config_for(recipe, **{name: settings[name] for name in _SETTINGS}, gate=gate)
    job = _Job(out, base, palochka, config, save_steps, license, restart)
    options = ReadOptions(langs=langs, columns=columns)
    start = time.monotonic()
    with RejectReport(rejects or default_report(out)) as report:
        line = command_line(ctx, _NOT_TOLD, many=FILES)
        result = job.run(pairs, dev, hold, options, report, line)
    seconds = time.monotonic() - start
    if as_json:
        print_json(shape(out, result, report, seconds))
    else:
        show(out, result, report, seconds)
    return 0 if result.done.best.passed and not report.count else 1


@dataclass(frozen=True)
class _Job:
    """One run of the command."""

    out: Path
    base: str
    palochka: str | None
    config: FinetuneConfig
    save_steps: int | None
    license: str | None
    restart: bool

    def run(
        self,
        pairs: Sequence[str],
        dev: Sequence[str],
        hold: Sequence[str],
        options: ReadOptions,
        report: RejectReport,
        line: str,
    ) -> Result:
        from searchkbd.encoders.transformer.files import find_model
        from searchkbd.training.finetune.data import read_and_choose, read_texts
        from searchkbd.training.finetune.gate import HELD, held_pairs
        from searchkbd.training.finetune.output import (
            check_output,
            discard,
            record_of,
            release,
        )
        from searchkbd.training.finetune.record import DataFile
        from searchkbd.training.finetune.run import Data

        check_output(self.out, self.restart)
        base = find_model(self.base, self.palochka)
        if base.palochka is None and self.palochka is None:
            base = find_model(self.base, "I")
        if self.out.exists() and self.out.resolve() == base.directory.resolve():
            raise click.BadParameter("is the directory of --base", param_hint="'--out'")
        try:
            chosen = read_and_choose(pairs, dev, options, self.config.seed, report.add)
        except SearchkbdError:
            show_rejects(report)
            raise
        if chosen.left_out:
            note(
                f"{plural(chosen.left_out, 'pair')} not trained on: they share a text with the "
                "development pairs"
            )
        held = held_pairs(chosen.dev)
        texts = read_texts(hold, options, HELD, report.add) if self.config.distill else []
        if self.restart:
            discard(self.out)
        done = self._train(Data(chosen.train, chosen.dev, held.pairs, texts), base)
        files, dev_files = (
            tuple(map(DataFile.of, names)) for names in ((*pairs, *hold), dev)
        )
        name = Path(self.out).resolve().name
        record = record_of(
            done, base, self.config, name=name, files=files, dev_files=dev_files,
            built_in_held=held.built_in, license=self.license, command=line,
        )  # fmt: skip
        release(self.out, done, record)
        return Result(
            base.repo or base.directory.name, base.fingerprint, self.config, chosen, files,
            dev_files, held.built_in, done,
        )  # fmt: skip

    def _train(self, data: Data, base: ModelFiles) -> Finetuned:
        from searchkbd.encoders.directory import WORK
        from searchkbd.training.finetune.run import finetune
        from searchkbd.training.run import Reporter

        folder = self.out / WORK
        with resumable(folder), Stages() as bars:
            reporter = Reporter(
                say, bars.stage("Reading", "texts"), bars.stage("Training", "steps")
            )
            return finetune(
                data, base, self.config, folder, save_steps=self.save_steps, reporter=reporter
            )
