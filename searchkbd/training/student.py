"""Distilling a student from a teacher, through translations.

The teacher reads the translations of a text; the mean of their vectors is what the student must
give for the text itself (Reimers and Gurevych 2020, "Making Monolingual Sentence Embeddings
Multilingual using Knowledge Distillation"). The student learns by two losses: the cosine to that
target, and a cross-entropy that asks for the right target among those of the batch and some drawn
translations. Needs torch (the extra ``train``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from searchkbd.encoders.base import Encoder
from searchkbd.errors import SearchkbdError
from searchkbd.training.config import StudentConfig
from searchkbd.training.data import Pair
from searchkbd.training.lessons import Sampler, join_pairs, prepare
from searchkbd.training.model import Student, StudentModel

__all__ = ["Student", "StudentConfig", "join_pairs", "optimise", "require_torch", "train_student"]

Watch = Callable[[int, float, Student], None]
"""Called with the step, the mean loss since the last call, and the student so far."""


def train_student(
    pairs: Sequence[Pair],
    teacher: Encoder,
    config: StudentConfig = StudentConfig(),  # noqa: B008 - frozen
    watch: Watch | None = None,
    say: Callable[[str], None] = lambda message: None,
) -> Student:
    """Train a student on *pairs*, all steps of it, in memory.

    Equal arguments give equal weights on one machine. See ``searchkbd.training.run`` for early
    stopping and checkpoints. Raises ValueError when *pairs* is empty or leaves no features.
    """
    require_torch()
    rng = np.random.default_rng(config.seed)
    lessons = prepare(pairs, teacher, config, rng, say)
    with deterministic():
        model = StudentModel(lessons.features, lessons.targets.shape[1], config)
        for step, loss in optimise(model, Sampler(lessons, config, rng), config):
            if watch:
                watch(step, loss, model.snapshot())
    return model.snapshot()


def optimise(
    model: StudentModel,
    sampler: Sampler,
    config: StudentConfig,
    start: int = 0,
    stepped: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[tuple[int, float]]:
    """Take the steps after *start*; yield (step, mean loss) when it is time for an evaluation.

    That is after every ``config.watch_every`` steps and after the last one. The caller stops
    early by not asking for more. *stepped* is told (steps taken, steps in all) after each.
    """
    losses: list[float] = []
    for step in range(start + 1, config.steps + 1):
        losses.append(model.step(sampler.draw(), step))
        stepped(step, config.steps)
        if step % config.watch_every == 0 or step == config.steps:
            yield step, float(np.mean(losses))
            losses.clear()


@contextmanager
def deterministic() -> Iterator[None]:
    """One torch thread and no algorithm whose result varies; both restored in the end."""
    import torch

    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)


def require_torch() -> None:
    """Raise SearchkbdError, saying what to install, when torch cannot be imported."""
    try:
        import torch  # noqa: F401
    except ImportError:
        raise SearchkbdError(
            'training needs torch, which is not installed: pip install "searchkbd[train]"'
        ) from None
