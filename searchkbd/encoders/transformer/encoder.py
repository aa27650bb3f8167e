"""Models of sentence-transformers as encoders: LaBSE, LaBSE-kbd, and any other."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from searchkbd.encoders.base import Vectors, check_batch
from searchkbd.encoders.embedded import identified
from searchkbd.encoders.transformer.files import ModelFiles
from searchkbd.encoders.transformer.model_text import model_text
from searchkbd.encoders.transformer.precision import AUTO, BF16, FP32, check_precision

if TYPE_CHECKING:
    from searchkbd.encoders.transformer.wordpiece import Tokenizer

_FOR_GPU = 256
"""Texts from which on loading torch for the GPU pays."""

_KEPT = "keep"
"""The setting under which a model is given every palochka as it was written."""


class Body(Protocol):
    """What turns ids of pieces into vectors."""

    def vectors(self, ids: Sequence[Sequence[int]]) -> Vectors:
        """Return unit vectors float32 [len(ids), dim]."""
        ...


class SentenceTransformerEncoder:
    """A model on disk, computed by OpenVINO on the processor, or by torch.

    Nothing is loaded before the first ``encode``, and nothing is ever downloaded. torch is needed
    once, to export the model; then only on a GPU, for many texts, and for architectures that
    cannot be exported. Raises PrecisionError for a precision that there is not.
    """

    def __init__(self, files: ModelFiles, precision: str = AUTO) -> None:
        self.files = files
        self._asked = check_precision(precision)

    @property
    def name(self) -> str:
        """See ``Encoder.name``."""
        return self.files.name

    @property
    def dim(self) -> int:
        """See ``Encoder.dim``."""
        return self.files.dim

    @property
    def fingerprint(self) -> str:
        """Identity of weights, tokenizer, configuration and palochka; see ``ModelFiles``."""
        return self.files.fingerprint

    @cached_property
    def precision(self) -> str:
        """The precision that is computed in: fp32, bf16 or int8."""
        if self._asked != AUTO:
            return self._asked
        if not _has_openvino():
            return FP32
        from searchkbd.encoders.transformer.openvino_body import best_precision

        return best_precision()

    @property
    def settings(self) -> dict[str, str]:
        """See ``settings_of``."""
        return {"palochka": self.files.palochka or _KEPT, "precision": self.precision}

    def encode(self, texts: Sequence[str], langs: Sequence[str | None] | None = None) -> Vectors:
        """See ``Encoder.encode``. *langs* decides which texts have a palochka to be written as the
        model expects it. A text counts up to the model's number of tokens.
        """
        batch, codes = check_batch(texts, langs)
        if not batch:
            return np.empty((0, self.dim), np.float32)
        palochka = self.files.palochka
        if palochka is not None:
            known = identified(batch, codes)
            batch = [
                model_text(text, lang, palochka) for text, lang in zip(batch, known, strict=True)
            ]
        if self.files.lower_case:
            batch = [text.lower() for text in batch]
        on_gpu = len(batch) >= _FOR_GPU and _has_gpu()
        ids = self.tokenizer.encode(batch, bulk=on_gpu)
        return (self._on_gpu if on_gpu else self._body).vectors(ids)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """What makes ids of texts, CLS and SEP included, cut at the model's number of tokens."""
        from searchkbd.encoders.transformer.wordpiece import open_tokenizer

        return open_tokenizer(self.files.tokenizer.parent, self.files.max_tokens)

    @cached_property
    def _body(self) -> Body:
        from searchkbd.encoders.transformer.export import UnsupportedModelError, exported
        from searchkbd.encoders.transformer.openvino_body import OpenVinoBody

        if _has_openvino():
            try:
                graph = exported(self.files, self.precision)
                return OpenVinoBody(self.files, graph, self.precision)
            except UnsupportedModelError:
                pass
        return self._with_torch("cpu")

    @cached_property
    def _on_gpu(self) -> Body:
        import torch

        return self._with_torch("cuda") if torch.cuda.is_available() else self._body

    def _with_torch(self, device: str) -> Body:
        from searchkbd.encoders.transformer.torch_body import TorchBody

        precision = self.precision
        if device == "cuda" and self._asked == AUTO:
            precision = BF16
        return TorchBody(self.files, precision, device)


def _has_openvino() -> bool:
    return importlib.util.find_spec("openvino") is not None


def _has_gpu() -> bool:
    """Return whether it is worth asking torch, which takes seconds to import, for a GPU."""
    return Path("/dev/nvidia0").exists() or Path("/dev/dxg").exists()
