"""Where a fine-tuning stands, on disk: the trainer's checkpoints, and the best model so far.

``checkpoint-STEP`` holds what the trainer wrote; it counts once ``whole.json`` is in it, which
is written last and lists the files with their sizes. ``best-STEP`` is a model; the newest
checkpoint's stays until the next checkpoint is whole. So whenever the process is killed, there is
a whole checkpoint and the best model of its time.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from searchkbd.encoders.tensors import sync_directory, write_atomically
from searchkbd.training.checkpoint import CheckpointError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MARK = "whole.json"

_FORMAT = 1
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_BEST = "best-"
_NAMED = 4  # differences that a message tells
_MAX_MARK = 64 << 20  # bytes
_RESTART = "start anew with --restart, or choose another --out"


@dataclass(frozen=True)
class Judged:
    """An evaluation, in what decides which model is the best.

    ``accuracy``: mean accuracy@1 (0 to 1) of what is learnt; ``passed``: whether the gate let it
    through; ``fall``: points that the language pair that lost most lost, 0 when none did.
    """

    step: int
    accuracy: float
    passed: bool
    fall: float

    @property
    def rank(self) -> tuple[bool, float, float]:
        """Greater is better: first what passes, by accuracy; then the one that lost least."""
        return (self.passed, self.accuracy if self.passed else -self.fall, self.accuracy)


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint: its folder, its step, and the evaluations until then."""

    folder: Path
    step: int
    judged: tuple[Judged, ...]

    @property
    def best(self) -> Judged | None:
        """The best evaluation, the first of equals."""
        return best_of(self.judged)


def best_of(judged: tuple[Judged, ...] | list[Judged]) -> Judged | None:
    """Return the best of evaluations, the first of equals; None when there are none."""
    return max(judged, key=lambda one: one.rank, default=None)


class Checkpoints:
    """The checkpoints of one training in *folder*.

    *identity* says what training it is: one of another identity is refused.
    """

    def __init__(self, folder: Path, identity: Mapping[str, str]) -> None:
        self.folder = folder
        self._identity = dict(identity)

    def last(self) -> Checkpoint | None:
        """Return the newest whole checkpoint; raise CheckpointError when it is damaged, or of
        another training."""
        marks = sorted(self._marks(), reverse=True)
        return self._read(*marks[0]) if marks else None

    def best_path(self, step: int) -> Path:
        """Return the directory of the best model, of the evaluation after *step*."""
        return self.folder / f"{_BEST}{step}"

    def keep(self, model: SentenceTransformer, step: int) -> None:
        """Save *model* as the best one so far, and remove those that no checkpoint needs."""
        last = self.last()
        needed = last.best.step if last and last.best else None
        path = self.best_path(step)
        aside = path.with_name(f".{path.name}.tmp")
        _remove(aside)
        _remove(path)  # of a run that went further than its last checkpoint
        save_model(model, aside)
        os.replace(aside, path)
        self._clean({step, needed})

    def mark(self, step: int, judged: list[Judged]) -> None:
        """Declare ``checkpoint-STEP`` whole, and remove all that it makes needless."""
        folder = self.folder / f"checkpoint-{step}"
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        for path in files:
            _sync(path)
        state = {
            "format": _FORMAT,
            "identity": self._identity,
            "step": step,
            "judged": [asdict(one) for one in judged],
            "files": {path.relative_to(folder).as_posix(): path.stat().st_size for path in files},
        }
        write_atomically(folder / MARK, json.dumps(state).encode())
        sync_directory(folder)
        sync_directory(self.folder)
        for path in self.folder.glob("checkpoint-*"):
            if path != folder:
                _remove(path)
        best = best_of(judged)
        self._clean({best.step} if best else set())

    def prepare(self) -> Checkpoint | None:
        """Remove what a killed run left unfinished and return the checkpoint to go on from."""
        last = self.last()
        for path in self.folder.glob("checkpoint-*"):
            if last is None or path != last.folder:
                _remove(path)
        for path in [*self.folder.glob(".best-*.tmp"), *self.folder.glob(".*.old")]:
            shutil.rmtree(path)
        return last

    def _clean(self, steps: set[int | None]) -> None:
        """Remove the best models of other steps than *steps*."""
        kept = {self.best_path(step) for step in steps if step is not None}
        for path in self.folder.glob(f"{_BEST}*"):
            if path not in kept:
                _remove(path)

    def _marks(self) -> list[tuple[int, Path]]:
        return [
            (int(found[1]), path)
            for path in self.folder.glob("checkpoint-*")
            if (found := _CHECKPOINT.fullmatch(path.name)) and (path / MARK).is_file()
        ]

    def _read(self, step: int, folder: Path) -> Checkpoint:
        path = folder / MARK
        try:
            if path.stat().st_size > _MAX_MARK:
                raise ValueError("too large")
            state = json.loads(path.read_bytes())
            if state["format"] != _FORMAT:
                raise ValueError(f"format {state['format']!r}, not {_FORMAT}")
            self._check_identity(path, state["identity"])
            judged = tuple(Judged(**one) for one in state["judged"])
            for name, size in state["files"].items():
                if (folder / name).stat().st_size != size:
                    raise ValueError(f"{name} has not {size:,} bytes")
            if state["step"] != step:
                raise ValueError(f"of step {state['step']}")
            found = Checkpoint(folder, step, judged)
            if found.best and not self.best_path(found.best.step).is_dir():
                raise ValueError(f"{self.best_path(found.best.step).name} is missing")
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise CheckpointError(f"{path}: damaged ({error}); {_RESTART}") from error
        return found

    def _check_identity(self, path: Path, other: Mapping[str, str]) -> None:
        changed = [name for name, value in self._identity.items() if other.get(name) != value]
        if changed:
            more = ", …" if len(changed) > _NAMED else ""
            raise CheckpointError(
                f"{path.parent}: of a training with other {', '.join(changed[:_NAMED])}{more}; run "
                f"the command with which it was begun to go on with that one, or {_RESTART}"
            )


def save_model(model: SentenceTransformer, folder: Path) -> None:
    """Save *model* as a directory of sentence-transformers, without the library's card, which
    would show sentences of the training data."""
    model.save_pretrained(str(folder), create_model_card=False)
    for path in folder.rglob("*"):
        if path.is_file():
            _sync(path)


def _remove(path: Path) -> None:
    """Remove a folder, its name first: what is half removed must not be taken for whole."""
    if path.exists():
        aside = path.with_name(f".{path.name.lstrip('.')}.old")
        shutil.rmtree(aside, ignore_errors=True)
        os.replace(path, aside)
        shutil.rmtree(aside)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
