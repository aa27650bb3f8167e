"""Where a training stands, on disk: one safetensors file with a JSON state in its metadata."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from searchkbd.encoders.student import save_student
from searchkbd.encoders.tensors import TensorFile, map_tensors, write_tensors
from searchkbd.errors import SearchkbdError
from searchkbd.training.dev import Evaluation
from searchkbd.training.model import Student, StudentModel

FILE = "checkpoint.safetensors"
_BEST = "best-"
_FORMAT = "searchkbd-checkpoint-1"
_NAMED = 4  # differences that a message tells
_RESTART = "start anew with --restart, or choose another --out"


class CheckpointError(SearchkbdError):
    """A checkpoint cannot be gone on from: it is damaged, or of another training."""


@dataclass
class Progress:
    """The evaluations so far, of which the best is the one whose student is kept."""

    evaluations: list[Evaluation] = field(default_factory=list)
    best: Evaluation | None = None

    @property
    def step(self) -> int:
        """Steps taken."""
        return self.evaluations[-1].step if self.evaluations else 0

    @property
    def since_best(self) -> int:
        """Evaluations after the best one."""
        return sum(one.step > self.best.step for one in self.evaluations) if self.best else 0

    def add(self, evaluation: Evaluation) -> bool:
        """Add the newest evaluation; return whether it is the best."""
        self.evaluations.append(evaluation)
        if self.best is None or evaluation.better_than(self.best):
            self.best = evaluation
            return True
        return False


class Checkpoints:
    """The checkpoint of one training in *folder*.

    *identity* says what training it is (settings, data, teacher …): one of another identity is
    refused. The best student has its own file, named after its step, which is written before and
    removed after the checkpoint that needs it: whenever the process is killed, the checkpoint
    and its best student are whole.

    A checkpoint may have some hundred megabytes, so there is one in *interval* seconds at most.
    """

    def __init__(
        self, folder: Path, identity: Mapping[str, str], interval: float = 0
    ) -> None:
        self._folder = folder
        self._identity = dict(identity)
        self._interval = interval
        self._saved = time.monotonic()
        self._best: tuple[Student, Mapping[str, str]] | None = None
        self.path = folder / FILE

    def best_path(self, progress: Progress) -> Path:
        """Return the file (format: ``encoders.student``) of the best student."""
        return self._folder / f"{_BEST}{progress.best.step:08}.safetensors"

    def keep(self, student: Student, metadata: Mapping[str, str]) -> None:
        """Keep a copy of the best student for the next ``save``."""
        self._best = student.copy(), metadata

    @property
    def due(self) -> bool:
        """Whether it is time to save."""
        return time.monotonic() - self._saved >= self._interval

    def save(self, model: StudentModel, rng: np.random.Generator, progress: Progress) -> None:
        """Write the best student and the checkpoint. Raises OSError, and those before stay."""
        if self._best is not None:
            student, metadata = self._best
            save_student(self.best_path(progress), student.packed(), metadata)
            self._best = None
        state = {
            "identity": self._identity,
            "evaluations": [asdict(one) for one in progress.evaluations],
            "best": progress.best.step,
            "rng": rng.bit_generator.state,
        }
        metadata = {"format": _FORMAT, "state": json.dumps(state)}
        write_tensors(self.path, model.state(), metadata)
        for path in self._folder.glob(f"{_BEST}*.safetensors"):
            if path != self.best_path(progress):
                path.unlink(missing_ok=True)
        self._saved = time.monotonic()

    def check(self) -> bool:
        """Return whether there is a checkpoint; raise CheckpointError if not one to go on from."""
        return self._read() is not None

    def load(self, model: StudentModel, rng: np.random.Generator) -> Progress | None:
        """Bring *model* and *rng* to where the training was; None when there is no checkpoint.

        Raises CheckpointError, which says what to do, for one that is damaged or not this one's.
        """
        found = self._read()
        if found is None:
            return None
        file, state, progress = found
        try:
            model.load_state(file.arrays)
            rng.bit_generator.state = state["rng"]
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged(error) from error
        return progress

    def _read(self) -> tuple[TensorFile, dict, Progress] | None:
        if not self.path.exists():
            return None
        try:
            file = map_tensors(self.path)
            if file.metadata.get("format") != _FORMAT:
                raise ValueError(f"format {file.metadata.get('format')!r}, not {_FORMAT!r}")
            state = json.loads(file.metadata["state"])
            self._check_identity(state["identity"])
            evaluations = [Evaluation(**one) for one in state["evaluations"]]
            (best,) = [one for one in evaluations if one.step == state["best"]]
            progress = Progress(evaluations, best)
            map_tensors(self.best_path(progress))
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._damaged(error) from error
        return file, state, progress

    def _damaged(self, error: Exception) -> CheckpointError:
        return CheckpointError(f"{self.path}: damaged ({error}); {_RESTART}")

    def _check_identity(self, other: Mapping[str, str]) -> None:
        changed = [name for name, value in self._identity.items() if other.get(name) != value]
        if changed:
            more = ", …" if len(changed) > _NAMED else ""
            raise CheckpointError(
                f"{self.path}: of a training with other {', '.join(changed[:_NAMED])}{more}; run "
                f"the command with which it was begun to go on with that one, or {_RESTART}"
            )


def discard(folder: Path) -> None:
    """Remove the checkpoint and best students in *folder*; the teacher's vectors stay."""
    for path in [folder / FILE, *folder.glob(f"{_BEST}*.safetensors")]:
        path.unlink(missing_ok=True)
