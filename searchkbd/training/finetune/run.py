"""One fine-tuning, from pairs to the best model.

Killed at any point and run again, it goes on from its last checkpoint. On a CPU it ends with the
same weights, to the byte, as one that was never stopped (on the same machine).
"""

from __future__ import annotations

import gc
import hashlib
import importlib.util
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from searchkbd.encoders.base import EncoderError
from searchkbd.encoders.transformer.description import ModelFiles
from searchkbd.encoders.transformer.files import find_model
from searchkbd.errors import SearchkbdError
from searchkbd.training.finetune.config import FinetuneConfig
from searchkbd.training.finetune.data import TextPair, digest
from searchkbd.training.finetune.evaluators import DevEvaluator, DevFigures, card_labels
from searchkbd.training.finetune.gate import Gate, Verdict
from searchkbd.training.finetune.log import LogRow, TrainingLog
from searchkbd.training.finetune.prepare import (
    Row,
    add_pieces,
    datasets_of,
    training_loss,
    training_rows,
)
from searchkbd.training.finetune.record import PairCount, count_pairs
from searchkbd.training.finetune.resume import Checkpoint, Checkpoints, Judged, best_of
from searchkbd.training.run import Reporter

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import nn

    from searchkbd.training.finetune.pieces import AddedPieces
    from searchkbd.training.finetune.watch import Judge

LOG = "log.csv"

_EVALUATIONS = 20
_MOST_STEPS = 1000  # between two evaluations, when nobody says
_LOGGED = 200  # rows of the log, about
_MOST_LOGGED = 100  # steps of one row


_PACKAGES = ("torch", "sentence_transformers", "accelerate", "datasets", "matplotlib")


def require_packages() -> None:
    """Raise SearchkbdError, saying what to install, when a package is missing."""
    for name in _PACKAGES:
        if importlib.util.find_spec(name) is None:
            raise SearchkbdError(
                f"fine-tuning needs {name.replace('_', '-')}, which is not installed: "
                'pip install "searchkbd[finetune]"'
            )


@dataclass(frozen=True)
class Data:
    """Pairs to train on, to measure by, and, beside the latter, for the gate; and more texts, each
    with its language before it, that distillation holds in place."""

    train: Sequence[TextPair]
    dev: Sequence[TextPair]
    held: Sequence[TextPair] = ()
    hold: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Finetuned:
    """The end of a fine-tuning.

    ``model``: the directory of the best model; ``counts``: pairs trained on, by direction;
    ``unmatched``: left out for want of a hard negative; ``baseline``, ``figures``: of the base,
    and of what is in ``model``; ``remarks``: what the gate cannot see.
    """

    model: Path
    log: Path
    architecture: str
    dim: int
    vocabulary: int
    counts: tuple[PairCount, ...]
    unmatched: int
    pieces: AddedPieces | None
    steps: int
    device: str
    precision: str
    baseline: DevFigures
    figures: DevFigures
    verdict: Verdict
    judged: tuple[Judged, ...]
    best: Judged
    remarks: tuple[str, ...]
    resumed_from: int


def finetune(
    data: Data,
    base: ModelFiles,
    config: FinetuneConfig,
    folder: Path,
    *,
    save_steps: int | None = None,
    reporter: Reporter = Reporter(),  # noqa: B008 - frozen
) -> Finetuned:
    """Fine-tune *base* on ``data.train``, keeping in *folder* what is needed to go on.

    Texts are read with the palochka of *base*. There is a checkpoint every *save_steps* steps (as
    often as it is evaluated when that is None) and after the last step.

    Raises CheckpointError when *folder* holds another training, EncoderError for a base that
    cannot be loaded or trained, SearchkbdError for what cannot be done, and OSError.
    """
    from searchkbd.encoders.transformer.torch_body import quiet
    from searchkbd.training.finetune.trainer import precision_of
    from searchkbd.training.finetune.watch import Judge

    if not data.train or not data.dev:
        raise SearchkbdError("there are no pairs to train on, or none to measure by")
    folder.mkdir(parents=True, exist_ok=True)
    device = _device()
    config = replace(config, precision=precision_of(config, device))
    checkpoints = Checkpoints(folder, identity(data, base, config, device))
    last = checkpoints.prepare()
    with quiet():
        model = _load(base, config, device)
        measured = [*data.dev, *data.held]
        evaluator = DevEvaluator(
            measured, base.palochka, seed=config.seed, labels=card_labels(measured)
        )
        baseline = evaluator.evaluate(model, 0, progress=reporter.read)
        judge = Judge(evaluator, Gate(baseline, config.gate))
        loss = training_loss(
            model, data.train, data.hold, base, config, folder, reporter.read
        )
        rows = training_rows(data.train, base, config, folder, reporter.read)
        pieces = add_pieces(model, rows, base.palochka, config)
        log = TrainingLog(folder / LOG, evaluator.columns)
        if last:
            log.resume(last.step)
        else:
            log.start()
            log.append(LogRow(0, 0.0, 0.0, figures=baseline.columns()))
        steps, judged = _train(
            model, rows, loss, judge, log, checkpoints, last, base.palochka, config, save_steps,
            reporter,
        )  # fmt: skip
        # Before another one is loaded: the trainer's state is three times as large as the model.
        del model, loss
        gc.collect()
        best = best_of(judged)
        path = checkpoints.best_path(best.step)
        model = _load(find_model(path), config, device)
        figures = evaluator.evaluate(model, best.step)
        trained = [pair for found in rows.values() for pair, _ in found]
        counts = count_pairs(model, trained, base.palochka)
    both_ways = config.directions == "both"
    return Finetuned(
        model=path,
        log=log.path,
        architecture=str(model),
        dim=base.dim,
        vocabulary=len(model.tokenizer),
        counts=counts,
        unmatched=len(data.train) * (1 + both_ways) - len(trained),
        pieces=pieces,
        steps=steps,
        device=device,
        precision=config.precision,
        baseline=baseline,
        figures=figures,
        verdict=judge.gate.verdict(figures),
        judged=tuple(judged),
        best=best,
        remarks=tuple(judge.gate.remarks()),
        resumed_from=last.step if last else 0,
    )


def _train(
    model: SentenceTransformer,
    rows: dict[str, list[Row]],
    loss: nn.Module,
    judge: Judge,
    log: TrainingLog,
    checkpoints: Checkpoints,
    last: Checkpoint | None,
    palochka: str | None,
    config: FinetuneConfig,
    save_steps: int | None,
    reporter: Reporter,
) -> tuple[int, list[Judged]]:
    """Go on from *last* until all steps are taken; return their number and the evaluations."""
    from searchkbd.training.finetune.trainer import deterministic, make_trainer, steps_of
    from searchkbd.training.finetune.watch import Watch

    steps = steps_of([len(found) for found in rows.values()], config)
    eval_steps = config.eval_steps or max(1, min(_MOST_STEPS, steps // _EVALUATIONS))
    judged = last.judged if last else ()
    if last and last.step >= steps:
        return steps, list(judged)
    watch = Watch(
        model, judge, checkpoints, log, reporter, eval_steps=eval_steps, judged=judged
    )
    with deterministic(config.seed):
        trainer = make_trainer(
            model, datasets_of(rows, palochka), loss, config, checkpoints.folder, steps=steps,
            save_steps=save_steps or eval_steps, callbacks=[watch],
            log_steps=max(1, min(_MOST_LOGGED, steps // _LOGGED)),
        )  # fmt: skip
        if last:
            reporter.say(f"resuming after step {last.step:,} of {steps:,}")
        trainer.train(resume_from_checkpoint=str(last.folder) if last else None)
    return steps, watch.judged


def identity(
    data: Data, base: ModelFiles, config: FinetuneConfig, device: str
) -> dict[str, str]:
    """Return what makes a training this one and no other, by what a message calls it."""
    import sentence_transformers
    import torch
    import transformers

    return {
        "pairs": digest(data.train),
        "development pairs": digest([*data.dev, *data.held]),
        "texts to hold": hashlib.sha256(repr(list(data.hold)).encode()).hexdigest(),
        "base": base.fingerprint,
        "palochka": str(base.palochka),
        "device": device,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "sentence-transformers": sentence_transformers.__version__,
        **{name: str(value) for name, value in asdict(config).items()},
    }


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _load(files: ModelFiles, config: FinetuneConfig, device: str) -> SentenceTransformer:
    """Return the model, which reads ``config.max_tokens`` of a text."""
    from searchkbd.encoders.transformer.configs import max_tokens
    from searchkbd.encoders.transformer.torch_body import load_model

    most = max_tokens({}, {}, files.config)
    if config.max_tokens > most:
        raise EncoderError(f"{files.name} reads {most} tokens; give it --max-tokens {most} or less")
    model = load_model(files, device)
    model.max_seq_length = config.max_tokens
    return model
