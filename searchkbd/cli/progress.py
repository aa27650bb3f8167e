"""Progress on standard error, only on a terminal, only when something takes a while."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

PATIENCE = 2.0
"""Seconds that pass in silence."""


@contextmanager
def byte_progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function of (bytes done, bytes in all)."""
    with counted_progress(label, "MB", scale=1e-6) as update:
        yield update


@contextmanager
def counted_progress(
    label: str, unit: str, scale: float = 1.0
) -> Iterator[Callable[[float, float | None], None]]:
    """Yield a function of (done, in all or None) that shows rate and time left."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    bar = _Bar(label, unit, scale)
    try:
        yield bar.update
    finally:
        bar.close()


class _Bar:
    """A rich progress bar that appears after PATIENCE seconds."""

    def __init__(self, label: str, unit: str, scale: float) -> None:
        self._label, self._unit, self._scale = label, unit, scale
        self._start = time.monotonic()
        self._progress = None

    def update(self, done: float, total: float | None) -> None:
        elapsed = time.monotonic() - self._start
        if self._progress is None:
            if elapsed < PATIENCE:
                return
            self._open()
        rate = done * self._scale / elapsed
        self._progress.update(
            self._task,
            completed=done,
            total=total,
            share=f"{done / total:4.0%}" if total else "",
            rate=f"{rate:,.{0 if rate >= 10 else 1}f} {self._unit}/s",
        )

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[share]}"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._progress.start()
        self._task = self._progress.add_task(self._label, total=None, share="", rate="")


class Stages:
    """One progress bar after the other: each opens when it is first told something."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._label = ""
        self._update: Callable[[float, float | None], None] = lambda done, total: None

    def __enter__(self) -> Stages:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def stage(self, label: str, unit: str) -> Callable[..., None]:
        """Return a function of (done, in all) for the bar called *label*."""

        def update(done: float, total: float | None = None) -> None:
            if self._label != label:
                # A terminal shows one bar at a time.
                self._open.close()
                self._update = self._open.enter_context(counted_progress(label, unit))
                self._label = label
            self._update(done, total)

        return update
