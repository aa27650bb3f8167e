"""One training from pairs to the best student: development figures, early stop, checkpoints.

Killed at any point and run again, a training goes on from its last checkpoint and gives the same
weights, to the byte, as one that was never stopped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from searchkbd.encoders import features
from searchkbd.encoders.base import Encoder
from searchkbd.encoders.student import StudentEncoder
from searchkbd.training.checkpoint import Checkpoints, Progress
from searchkbd.training.config import StudentConfig
from searchkbd.training.data import Pair
from searchkbd.training.dev import Development, Evaluation
from searchkbd.training.evaluate import Figure
from searchkbd.training.lessons import Lessons, Sampler, prepare
from searchkbd.training.model import StudentModel
from searchkbd.training.pairs import Split
from searchkbd.training.student import deterministic, optimise, require_torch
from searchkbd.training.teacher import CachedTeacher


@dataclass(frozen=True)
class Reporter:
    """Who is told how a training goes; each is a function that may do nothing."""

    say: Callable[[str], None] = lambda text: None
    """Something worth a line."""
    read: Callable[[int, int], None] = lambda done, total: None
    """Texts that the teacher has read of those it reads now."""
    stepped: Callable[[int, int], None] = lambda done, total: None
    """Steps taken, of all."""


@dataclass(frozen=True)
class Trained:
    """The end of a training.

    ``student``: the file of the best student; ``figures``: accuracy on development pairs by what
    is in that file; ``stopped``: "steps" when all were taken, "patience" when it stopped early.
    """

    student: Path
    features: int
    texts: int
    evaluations: tuple[Evaluation, ...]
    best: Evaluation
    figures: tuple[Figure, ...]
    dev_counts: dict[str, int]
    stopped: str
    resumed_from: int


def train(
    split: Split,
    lang: str,
    teacher: Encoder,
    config: StudentConfig,
    folder: Path,
    reporter: Reporter = Reporter(),  # noqa: B008 - frozen
    interval: float = 0,
) -> Trained:
    """Train a student of *lang* on *split*, keeping in *folder* what is needed to go on.

    There is a checkpoint at the end, and after evaluations that are *interval* seconds apart.

    Raises ValueError when nothing can be learnt, CheckpointError when *folder* holds another
    training, SearchkbdError without torch, and OSError.
    """
    require_torch()
    folder.mkdir(parents=True, exist_ok=True)
    checkpoints = Checkpoints(folder, identity(split, lang, teacher, config), interval)
    checkpoints.check()  # before the teacher reads for minutes
    cached = CachedTeacher(teacher, folder, reporter.read)
    rng = np.random.default_rng(config.seed)
    lessons = prepare(split.train, cached, config, rng, reporter.say)
    development = Development(split.dev, lang, cached)
    with deterministic():
        model = StudentModel(lessons.features, lessons.targets.shape[1], config)
        progress = checkpoints.load(model, rng) or Progress()
        resumed = progress.step
        if resumed:
            reporter.say(f"resuming after step {resumed:,} of {config.steps:,}")
        _learn(model, lessons, development, config, rng, progress, checkpoints, lang, reporter)
    student = checkpoints.best_path(progress)
    return Trained(
        student=student,
        features=len(lessons.features),
        texts=len(lessons.targets),
        evaluations=tuple(progress.evaluations),
        best=progress.best,
        figures=tuple(development.figures(StudentEncoder(student).encode)),
        dev_counts=development.counts,
        stopped="steps" if progress.step == config.steps else "patience",
        resumed_from=resumed,
    )


def _learn(
    model: StudentModel,
    lessons: Lessons,
    development: Development,
    config: StudentConfig,
    rng: np.random.Generator,
    progress: Progress,
    checkpoints: Checkpoints,
    lang: str,
    reporter: Reporter,
) -> None:
    """Go on until all steps are taken or patience has run out; fill *progress*."""
    if _ended(progress, config):
        return
    sampler = Sampler(lessons, config, rng)
    for step, loss in optimise(model, sampler, config, progress.step, reporter.stepped):
        student = model.snapshot()
        evaluation = development.evaluate(step, loss, student.encode)
        if progress.add(evaluation):
            checkpoints.keep(student, {"language": lang, "step": str(step)})
        ended = _ended(progress, config)
        if ended or checkpoints.due:
            checkpoints.save(model, rng, progress)
        reporter.say(f"{evaluation}{' (best)' if progress.best is evaluation else ''}")
        if ended:
            return


def _ended(progress: Progress, config: StudentConfig) -> bool:
    return progress.step >= config.steps or progress.since_best >= config.patience


def identity(split: Split, lang: str, teacher: Encoder, config: StudentConfig) -> dict[str, str]:
    """Return what makes a training this one and no other."""
    return {
        "language": lang,
        "pairs": _digest(split.train),
        "development pairs": _digest(pair for group in split.dev for pair in group),
        "teacher": teacher.fingerprint,
        "features": features.VERSION,
        **{name: str(value) for name, value in asdict(config).items()},
    }


def _digest(pairs: Iterable[Pair]) -> str:
    digest = hashlib.sha256()
    for pair in pairs:
        row = f"{pair.lang}\0{pair.kabardian}\0{pair.translation}\0{pair.weight}\0"
        digest.update(row.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
