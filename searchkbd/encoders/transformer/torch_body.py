"""A model run by sentence-transformers and torch: on a GPU, and where there is no export."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from searchkbd.encoders.base import EncoderError, Vectors
from searchkbd.encoders.transformer.batches import batches, padded
from searchkbd.encoders.transformer.files import ModelFiles
from searchkbd.encoders.transformer.precision import BF16, INT8, PrecisionError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_GPU_TOKENS = 16_384


class TorchBody:
    """Ids of pieces to vectors; *precision* is fp32 or bf16 (bfloat16 products, float32 sums)."""

    def __init__(
        self,
        files: ModelFiles,
        precision: str,
        device: str,
        model: SentenceTransformer | None = None,
    ) -> None:
        """Load the model onto *device*, unless it is there already as *model*.

        Raises PrecisionError for int8, EncoderError when the model cannot be loaded or its
        packages are missing.
        """
        if precision == INT8:
            raise PrecisionError(
                f"{files.name}: int8 is for processors and models that OpenVINO can run; "
                "use --precision auto"
            )
        self.device = device
        self._bf16 = precision == BF16
        self._dim = files.dim
        self._model = load_model(files, device) if model is None else model
        self._pad = pad_id(files)

    def vectors(self, ids: Sequence[Sequence[int]]) -> Vectors:
        """Return unit vectors float32 [len(ids), dim]."""
        import torch

        out = np.empty((len(ids), self._dim), np.float32)
        lengths = list(map(len, ids))
        limit = {} if self.device == "cpu" else {"tokens": _GPU_TOKENS, "max_texts": 2048}
        with (
            torch.inference_mode(),
            torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self._bf16),
        ):
            for places in batches(lengths, **limit):
                matrix, mask = padded([ids[place] for place in places], self._pad)
                features = {
                    "input_ids": torch.from_numpy(matrix).to(self.device),
                    "attention_mask": torch.from_numpy(mask).to(self.device),
                }
                found = self._model(features)["sentence_embedding"].float()
                out[places] = torch.nn.functional.normalize(found, dim=1).cpu().numpy()
        return out


def require_packages(files: ModelFiles) -> None:
    """Raise EncoderError unless the packages that load a model are installed."""
    if any(importlib.util.find_spec(name) is None for name in ("torch", "sentence_transformers")):
        raise EncoderError(
            f"the model {files.name} needs sentence-transformers and torch; install them: "
            "pip install 'searchkbd[transformers]'"
        )


def load_model(files: ModelFiles, device: str) -> SentenceTransformer:
    """Return the model of sentence-transformers, from its files alone: no network, no code, no
    pickle. Raises EncoderError when packages are missing, or the files are damaged."""
    require_packages(files)
    from sentence_transformers import SentenceTransformer

    try:
        with quiet():
            model = SentenceTransformer(
                str(files.directory), device=device, local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True, "dtype": "float32"},
            )  # fmt: skip
    except Exception as error:  # whatever the libraries raise for files that are not as they think
        raise EncoderError(f"{files.directory}: cannot be loaded ({error})") from error
    model.max_seq_length = files.max_tokens
    return model.eval()


def pad_id(files: ModelFiles) -> int:
    """Return the id of the piece that fills a batch up."""
    value = files.config.get("pad_token_id")
    return value if isinstance(value, int) else 0


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' bars and remarks, meant for those who develop with them, off stderr."""
    import transformers

    verbosity = transformers.logging.get_verbosity()
    bars = transformers.logging.is_progress_bar_enabled()
    logger = logging.getLogger("sentence_transformers")
    level = logger.level
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        transformers.logging.set_verbosity(verbosity)
        if bars:
            transformers.logging.enable_progress_bar()
