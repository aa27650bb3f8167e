"""An exported model run by OpenVINO: on a processor, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np

from searchkbd.encoders.base import EncoderError, Vectors
from searchkbd.encoders.threads import blas_threads
from searchkbd.encoders.transformer.batches import batches, padded
from searchkbd.encoders.transformer.files import ModelFiles
from searchkbd.encoders.transformer.graph import GROUP
from searchkbd.encoders.transformer.precision import BF16, FP32, INT8
from searchkbd.encoders.transformer.table import open_table

if TYPE_CHECKING:
    from openvino import CompiledModel

_FEW = 1024
"""Tokens up to which all threads share one batch: one after another, they would wait for each
other's."""


_PAD = 0
"""Any piece: what it gives is masked."""


class OpenVinoBody:
    """Ids of pieces to vectors, by the graph at *path* (see ``export``)."""

    def __init__(
        self, files: ModelFiles, path: Path, precision: str, *, inference: str = "f32"
    ) -> None:
        """*inference* is OpenVINO's own precision: what is narrow is so in the graph already."""
        self._path = path
        self._precision = precision
        self._inference = inference
        self._dim = files.dim
        self._table = open_table(files.weights)

    def vectors(self, ids: Sequence[Sequence[int]]) -> Vectors:
        """Return unit vectors float32 [len(ids), dim]."""
        lengths = list(map(len, ids))
        if sum(lengths) <= _FEW and "_streams" not in self.__dict__:
            model, threads = self._shared, 1
        else:  # once it is there, for few texts too: another one would take as much memory
            model, threads = self._streams, blas_threads()
        parts = list(batches(lengths))
        requests = [model.create_infer_request() for _ in range(min(threads, len(parts)))]
        free = SimpleQueue()
        for request in requests:
            free.put(request)

        def run(places: np.ndarray) -> np.ndarray:
            request = free.get()
            try:
                return request.infer(self._inputs(ids, places))[0].copy()
            finally:
                free.put(request)

        out = np.empty((len(ids), self._dim), np.float32)
        # Threads of Python's, not the library's queue: the products run without the lock anyway,
        # and a queue of its own may wait for that lock forever when it is taken down.
        with ThreadPoolExecutor(max(1, len(requests))) as pool:
            for places, found in zip(parts, pool.map(run, parts), strict=True):
                out[places] = found
        out /= np.linalg.norm(out, axis=1, keepdims=True).clip(1e-12)
        return out

    def _inputs(self, ids: Sequence[Sequence[int]], places: np.ndarray) -> list[np.ndarray]:
        matrix, mask = padded([ids[place] for place in places], _PAD)
        return [self._table.rows(matrix), mask]

    @cached_property
    def _shared(self) -> CompiledModel:
        """The model for one batch at a time."""
        return self._compiled(1)

    @cached_property
    def _streams(self) -> CompiledModel:
        """The model for a batch a thread at a time, which leaves no thread waiting."""
        return self._compiled(blas_threads())

    def _compiled(self, streams: int) -> CompiledModel:
        import openvino

        settings = {
            "INFERENCE_PRECISION_HINT": self._inference,
            "NUM_STREAMS": str(streams),
            "INFERENCE_NUM_THREADS": blas_threads(),
        }
        if self._precision == INT8:
            settings["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = GROUP
        try:
            return openvino.Core().compile_model(self._path, "CPU", settings)
        except RuntimeError as error:
            raise EncoderError(
                f"{self._path}: cannot be used ({str(error).splitlines()[-1]}); delete it, and it "
                "is made anew"
            ) from error


def best_precision() -> str:
    """Return the precision that this processor is fastest in without losing neighbours."""
    import openvino

    able = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return BF16 if "BF16" in able else FP32
