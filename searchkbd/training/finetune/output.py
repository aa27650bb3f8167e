"""From the best model to the directory DIR: model, card, log, picture, ``searchkbd.json``."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from searchkbd.encoders.directory import WORK
from searchkbd.encoders.tensors import sync_directory, write_atomically
from searchkbd.encoders.transformer.description import (
    CONFIG,
    FORMAT,
    MODULES,
    OWN,
    ModelFiles,
    holds_model,
)
from searchkbd.mining.units import language_order
from searchkbd.training.finetune.run import LOG, Finetuned
from searchkbd.training.release import OutputError

if TYPE_CHECKING:
    from searchkbd.training.finetune.config import FinetuneConfig
    from searchkbd.training.finetune.record import DataFile, RunRecord

PICTURE = "log.png"

# A directory with one of these is taken for a model, so they come last: config.json is what
# makes it a whole one.
_LAST = (MODULES, CONFIG)


def check_output(out: Path, restart: bool) -> None:
    """Refuse a directory that holds other things, or a finished model unless *restart*."""
    if not out.exists():
        return
    if not out.is_dir():
        raise OutputError(f"{out}: a file, not a directory; choose another --out")
    names = sorted(path.name for path in out.iterdir())
    if WORK in names or not names:
        return
    if not (holds_model(out) and OWN in names):
        shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        raise OutputError(
            f"{out}: holds other things ({shown}) and no model of searchkbd; choose an empty "
            "directory"
        )
    if not restart:
        raise OutputError(
            f"{out}: already holds a model; train another in its place with --restart, or choose "
            "another --out"
        )


def discard(out: Path) -> None:
    """Give up an unfinished training in *out*."""
    if (out / WORK).exists():
        shutil.rmtree(out / WORK)


def record_of(
    done: Finetuned,
    base: ModelFiles,
    config: FinetuneConfig,
    *,
    name: str,
    files: Sequence[DataFile],
    dev_files: Sequence[DataFile],
    built_in_held: bool,
    license: str | None,
    command: str,
) -> RunRecord:
    """Return what the model card of *done* tells."""
    from searchkbd.training.finetune.record import RunRecord, versions

    measured = {lang for one in done.figures.directions for lang in one.langs}
    trained = {lang for one in done.counts for lang in (one.lang_a, one.lang_b)}
    return RunRecord(
        name=name,
        languages=tuple(sorted(trained | measured, key=language_order)),
        palochka=base.palochka,
        base=base.repo or base.directory.name,
        base_on_hub=base.repo is not None,
        base_revision=base.revision,
        architecture=done.architecture,
        dim=done.dim,
        max_tokens=config.max_tokens,
        vocabulary=done.vocabulary,
        files=tuple(files),
        dev_files=tuple(dev_files),
        counts=done.counts,
        config=replace(config, precision=done.precision),
        steps=done.steps,
        best_step=done.best.step,
        device=done.device,
        before=done.baseline,
        after=done.figures,
        verdict=done.verdict,
        built_in_held=built_in_held,
        remarks=done.remarks,
        command=command,
        versions=versions(),
        license=license,
    )


def release(out: Path, done: Finetuned, record: RunRecord) -> None:
    """Put the model into *out* and remove what only training needed.

    Killed at any point, *out* holds no model yet and the same command finishes it. Raises OSError.
    """
    from searchkbd.training.finetune.card import write_card
    from searchkbd.training.finetune.log import read_log
    from searchkbd.training.finetune.plot import draw

    for name in _LAST:
        (out / name).unlink(missing_ok=True)  # of the model that was here before
    files = sorted(
        (path for path in done.model.rglob("*") if path.is_file()),
        key=lambda path: (path.parent == done.model and path.name in _LAST, path.name == CONFIG),
    )
    own = {"format": FORMAT, "palochka": record.palochka, "languages": list(record.languages)}
    write_atomically(out / OWN, (json.dumps(own, ensure_ascii=False) + "\n").encode())
    _place(done.log, out / LOG)
    gate = record.config.gate
    draw(read_log(done.log), out / PICTURE, limit=gate if math.isfinite(gate) else None)
    write_card(out, record)
    for path in files:
        target = out / path.relative_to(done.model)
        target.parent.mkdir(parents=True, exist_ok=True)
        _place(path, target)
    sync_directory(out)
    shutil.rmtree(out / WORK)


def _place(source: Path, target: Path) -> None:
    """Make *target* the file *source*, which stays; without another copy where that is possible."""
    temporary = target.with_name(f".{target.name}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError:  # file systems without hard links
        shutil.copyfile(source, temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
    os.chmod(temporary, 0o644)  # the library's are for their owner only
    os.replace(temporary, target)
