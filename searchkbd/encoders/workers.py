"""An encoder that shares its texts out to several processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from multiprocessing.connection import wait
from pathlib import Path
from types import TracebackType

import numpy as np

from searchkbd.encoders import DEFAULT, EncoderSpec, load_encoder
from searchkbd.encoders.base import Encoder, EncoderError, Vectors, check_batch, settings_of
from searchkbd.encoders.threads import blas_threads

_TURNS = 4
"""Parts of a batch that each process takes, one after another, so that all end together."""

_PART_CHARS = (4_000, 100_000)
"""Least and most characters of a part: enough to be worth sending, few enough to bound memory."""


class WorkerPool:
    """The encoder that ``load_encoder(spec)`` finds, in *workers* processes.

    The processes start with the first batch and live until ``close``, or until the process that
    made them ends, however it ends. Each takes its share of the threads. The vectors are those of
    the encoder itself. Raises as ``load_encoder`` does, and ValueError for less than one worker.

    A script that uses it has to keep its own work under ``if __name__ == "__main__"``: the
    processes are started anew and import the script.
    """

    def __init__(self, spec: str | Path | EncoderSpec = DEFAULT, *, workers: int) -> None:
        if workers < 1:
            raise ValueError(f"{workers} worker processes; at least 1 is needed")
        self._encoder = load_encoder(spec)
        self._spec = EncoderSpec.of(self._encoder)
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = ProcessPoolExecutor(
            workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start,
            initargs=(max(1, blas_threads() // workers),),
        )

    @property
    def name(self) -> str:
        """See ``Encoder.name``."""
        return self._encoder.name

    @property
    def dim(self) -> int:
        """See ``Encoder.dim``."""
        return self._encoder.dim

    @property
    def fingerprint(self) -> str:
        """See ``Encoder.fingerprint``."""
        return self._encoder.fingerprint

    @property
    def settings(self) -> dict[str, str]:
        """See ``settings_of``."""
        return settings_of(self._encoder)

    def encode(self, texts: Sequence[str], langs: Sequence[str | None] | None = None) -> Vectors:
        """See ``Encoder.encode``; raises EncoderError when a process has died, or after ``close``.
        """
        batch, codes = check_batch(texts, langs)
        if self._pool is None:
            raise EncoderError("the worker processes of this encoder are closed")
        out = np.empty((len(batch), self.dim), dtype=np.float32)
        running = []
        try:
            for part in _parts(batch, self._workers):
                part_codes = None if codes is None else codes[part]
                work = self._pool.submit(_encode, self._spec, batch[part], part_codes)
                running.append((part, work))
            for part, work in running:
                out[part] = work.result()
        except BrokenProcessPool as error:
            self.close()
            raise EncoderError(
                "a worker process of the encoder has died (killed, or out of memory); "
                f"run it again with fewer than {self._workers} workers, or with none"
            ) from error
        finally:
            for _, work in running:
                work.cancel()
        return out

    def close(self) -> None:
        """End the processes, after what they are at; again is no error."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            pool.shutdown(cancel_futures=True)

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _parts(batch: list[str], workers: int) -> Iterator[slice]:
    """Yield slices of *batch* of about equally many characters, an empty text counting as one."""
    least, most = _PART_CHARS
    total = sum(len(text) + 1 for text in batch)
    limit = min(most, max(least, total // (workers * _TURNS)))
    first = size = 0
    for at, text in enumerate(batch):
        size += len(text) + 1
        if size >= limit:
            yield slice(first, at + 1)
            first, size = at + 1, 0
    if first < len(batch):
        yield slice(first, len(batch))


def _start(threads: int) -> None:
    """Set a worker process up."""
    from threadpoolctl import threadpool_limits

    # Ctrl-C reaches every process of the terminal: the first one closes the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(threads, user_api="blas")
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A parent that is killed cannot close its workers, and they would wait for work forever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


@lru_cache(maxsize=1)
def _opened(spec: EncoderSpec) -> Encoder:
    return load_encoder(spec)


def _encode(spec: EncoderSpec, texts: list[str], langs: list[str | None] | None) -> Vectors:
    return _opened(spec).encode(texts, langs)
