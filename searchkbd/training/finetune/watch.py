"""What is done at the steps of a training: evaluation, log, the best model, whole checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transformers import TrainerCallback

from searchkbd.errors import SearchkbdError
from searchkbd.training.finetune.evaluators import DevEvaluator, DevFigures
from searchkbd.training.finetune.gate import Gate
from searchkbd.training.finetune.log import LogRow, TrainingLog
from searchkbd.training.finetune.resume import Checkpoints, Judged, best_of
from searchkbd.training.finetune.trainer import untouched_randomness
from searchkbd.training.run import Reporter

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class DivergedError(SearchkbdError):
    """The loss is no number any more."""


@dataclass(frozen=True)
class Judge:
    """Measures a model and decides how good it is."""

    evaluator: DevEvaluator
    gate: Gate

    def __call__(self, model: SentenceTransformer, step: int) -> tuple[DevFigures, Judged]:
        """Return the figures of *model* after *step* steps, and what they come to."""
        with untouched_randomness():
            figures = self.evaluator.evaluate(model, step)
        verdict = self.gate.verdict(figures)
        return figures, Judged(step, figures.accuracy, verdict.passed, verdict.lost)


class Watch(TrainerCallback):
    """Evaluates *model* every *eval_steps* steps and after the last, keeps the best one, logs.

    *judged* are the evaluations of before, when the training goes on from a checkpoint.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        judge: Judge,
        checkpoints: Checkpoints,
        log: TrainingLog,
        reporter: Reporter,
        *,
        eval_steps: int,
        judged: Sequence[Judged] = (),
    ) -> None:
        self.judged = list(judged)
        self._model = model
        self._judge = judge
        self._checkpoints = checkpoints
        self._log = log
        self._reporter = reporter
        self._eval_steps = eval_steps
        self._figures: DevFigures | None = None
        self._before = log.seconds
        self._start = time.monotonic()

    def on_train_begin(self, args, state, control, **kwargs):
        """Start the clock."""
        self._start = time.monotonic()

    def on_step_end(self, args, state, control, **kwargs):
        """Evaluate when it is time to."""
        step = state.global_step
        self._reporter.stepped(step, state.max_steps)
        if step % self._eval_steps and step != state.max_steps:
            return
        self._figures, judged = self._judge(self._model, step)
        self.judged.append(judged)
        if best_of(self.judged) is judged:
            self._checkpoints.keep(self._model, step)
        control.should_log = True

    def on_log(self, args, state, control, logs=None, **kwargs):
        """Write a row; that of an evaluation is said too."""
        if "loss" not in logs:  # the summary in the end
            return
        loss, step = logs["loss"], state.global_step
        if not math.isfinite(loss):
            raise DivergedError(
                f"the loss is {loss} after step {step:,}: the training has diverged; start anew "
                "with --restart and a lower --lr, or with --warmup 0.1"
            )
        figures, self._figures = self._figures, None
        self._log.append(
            LogRow(
                step, state.epoch, self._before + time.monotonic() - self._start, loss,
                logs["learning_rate"], logs.get("grad_norm"), figures.columns() if figures else {},
            )
        )  # fmt: skip
        if figures:
            self._say(step, state.max_steps, loss)

    def on_save(self, args, state, control, **kwargs):
        """Declare the checkpoint that the trainer has written whole."""
        self._checkpoints.mark(state.global_step, self.judged)

    def _say(self, step: int, steps: int, loss: float) -> None:
        newest = self.judged[-1]
        best = " (best)" if best_of(self.judged) is newest else ""
        gate = "" if newest.passed else f", gate failed: {newest.fall:.1f} points lost"
        self._reporter.say(
            f"step {step:,} of {steps:,}: loss {loss:.4f}, accuracy@1 {newest.accuracy:.3f}"
            f"{gate}{best}"
        )
