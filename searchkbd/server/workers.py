"""Several processes that serve at one socket, and the one that watches them."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from types import FrameType

_log = logging.getLogger("searchkbd")

_TICK = 0.2  # seconds until a signal is acted upon
_PAUSE = 1.0  # seconds before a process that has ended is started again
_FAILED = 3  # the exit code of one that could not start


def run_workers(count: int, work: Callable[[], None], grace: float) -> bool:
    """Run *work* in *count* processes until told to stop (SIGINT, SIGTERM), then end them.

    One that dies is replaced; ``False``: one could not start, and the others were ended. *work*
    is sent to the processes, and ends by itself within *grace* seconds of a SIGTERM, or is killed.
    """
    return _Workers(count, work).run(grace)


class _Workers:
    def __init__(self, count: int, work: Callable[[], None]) -> None:
        self._work = work
        self._count = count
        self._processes: list[SpawnProcess] = []
        self._told = False

    def run(self, grace: float) -> bool:
        before = {sig: signal.signal(sig, self._stop) for sig in (signal.SIGINT, signal.SIGTERM)}
        try:
            while len(self._processes) < self._count:
                self._start()
            able = self._watch()
            self._end(grace)
            return able
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)

    def _stop(self, sig: int, frame: FrameType | None) -> None:
        if self._told and sig == signal.SIGINT:
            for process in self._processes:
                process.kill()
            os._exit(2)
        self._told = True

    def _start(self) -> None:
        process = multiprocessing.get_context("spawn").Process(target=_worker, args=(self._work,))
        # Control-C is sent to all of them; one that has no handler yet would print a traceback.
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            process.start()
        finally:
            signal.signal(signal.SIGINT, handler)
        self._processes.append(process)

    def _watch(self) -> bool:
        """Replace those that die until told to stop; return whether all could start."""
        while not self._told:
            wait([process.sentinel for process in self._processes], timeout=_TICK)
            ended = [process for process in self._processes if process.exitcode is not None]
            if any(process.exitcode == _FAILED for process in ended):
                return False
            if not ended or self._told:
                continue
            for process in ended:
                _log.error("process %d ended (%d); another begins", process.pid, process.exitcode)
                self._processes.remove(process)
            time.sleep(_PAUSE)
            for _ in ended:
                self._start()
        return True

    def _end(self, grace: float) -> None:
        for process in self._processes:
            process.terminate()
        end = time.monotonic() + grace
        for process in self._processes:
            process.join(max(0.0, end - time.monotonic()))
            if process.exitcode is None:
                process.kill()
                process.join()


def _worker(work: Callable[[], None]) -> None:
    """What one of the processes does."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        work()
    except Exception as error:
        _log.error("%s", error)
        os._exit(_FAILED)


def _end_with_parent() -> None:
    """End this process, as gracefully as ever, when the one that watches it was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
