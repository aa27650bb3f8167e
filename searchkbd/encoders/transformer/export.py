"""A model as a graph for OpenVINO: made once by torch, kept in the cache directory, then mapped.

The word table stays outside (see ``table``): the graph takes the rows of a text's pieces, so it
is a fifth of the model, and loads without torch in a fraction of a second.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from searchkbd.encoders.base import EncoderError
from searchkbd.encoders.tensors import sync_directory
from searchkbd.encoders.transformer.files import ModelFiles
from searchkbd.encoders.transformer.graph import narrow_products, quantise_weights
from searchkbd.encoders.transformer.precision import BF16, FP32, INT8
from searchkbd.encoders.transformer.torch_body import load_model, quiet
from searchkbd.encoders.use_weights import cache_directory

if TYPE_CHECKING:
    from openvino import Model
    from sentence_transformers import SentenceTransformer

_LAYOUT = "1"
"""Changes with what ``export`` writes."""

_ARCHITECTURES = ("bert", "camembert", "electra", "roberta", "xlm-roberta")
"""Types of transformers whose first layer is a table of words, and which take its rows."""

_HEADS = frozenset({"Pooling", "Dense", "Normalize", "LayerNorm"})

_LEAST_COSINE = {FP32: 0.99999, BF16: 0.99, INT8: 0.95}
"""Cosine with torch's vector below which an export is not believed, for the probes."""

_PROBES = (
    "Нобэ дыгъуасэ нэхърэ нэхъ щIыIэщ.",
    "Где школа?",
    "This sentence is a good deal longer than the others, so that there is something to pad.",
    "Annem evde.",
)


class UnsupportedModelError(EncoderError):
    """A model that cannot be exported; torch runs it all the same."""


def exports_directory() -> Path:
    """Return the directory of exported models; it need not exist."""
    return cache_directory() / "models"


def exports(fingerprint: str | None = None) -> list[Path]:
    """Return the files of exported models, of all or of the one with *fingerprint*."""
    folder = exports_directory()
    found = sorted(folder.glob("*.xml")) + sorted(folder.glob("*.bin"))
    return [path for path in found if fingerprint in (None, path.name.partition("-")[0])]


def exported(files: ModelFiles, precision: str) -> Path:
    """Return the graph (.xml, with a .bin beside it) of a model in *precision*, making it once.

    Raises UnsupportedModelError when the architecture cannot be exported, or the export does not
    give torch's vectors; EncoderError without the packages that are needed, and OSError.
    """
    check_supported(files)
    folder = exports_directory()
    path = folder / f"{files.fingerprint}-{precision}-{_LAYOUT}.xml"
    if path.exists() and path.with_suffix(".bin").exists():
        return path
    model = load_model(files, "cpu")
    graph = _graph(model)
    if precision == BF16:
        narrow_products(graph)
    elif precision == INT8:
        quantise_weights(graph)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as aside:
        import openvino

        written = Path(aside) / path.name
        openvino.save_model(graph, written, compress_to_fp16=False)
        _compare(files, model, written, precision)
        # The description last: it is what is looked for.
        for suffix in (".bin", ".xml"):
            os.replace(written.with_suffix(suffix), path.with_suffix(suffix))
        sync_directory(folder)
    return path


def check_supported(files: ModelFiles) -> None:
    """Raise UnsupportedModelError for an architecture that cannot be exported."""
    kind = files.config.get("model_type")
    first, *rest = (module.kind for module in files.modules)
    if kind not in _ARCHITECTURES or first != "Transformer" or not set(rest) <= _HEADS:
        raise UnsupportedModelError(f"{files.name}: no export of a model of the type {kind}")


def _graph(model: SentenceTransformer) -> Model:
    """Return the graph of all modules: rows of the word table and mask in, vectors out."""
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    class Body(torch.nn.Module):
        def __init__(self, modules: list[torch.nn.Module]) -> None:
            super().__init__()
            self.transformer = modules[0].model
            self.rest = torch.nn.ModuleList(modules[1:])

        def forward(self, rows: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            out = self.transformer(inputs_embeds=rows, attention_mask=mask)
            features = {"token_embeddings": out.last_hidden_state, "attention_mask": mask}
            for module in self.rest:
                features = module(features)
            return features["sentence_embedding"]

    with quiet(), torch.no_grad():
        body = Body(list(model)).eval()
        width = body.transformer.get_input_embeddings().weight.shape[1]
        mask = torch.ones(2, 7, dtype=torch.int64)
        mask[1, 4:] = 0  # so that the way with padding is the one that is traced
        # Not openvino.convert_model, which reports each use to its maker over the network.
        front = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchScriptPythonDecoder(body, example_input=(torch.randn(2, 7, width), mask))
        graph = front.convert(front.load(decoder))
    rows, seen = graph.inputs
    graph.reshape({rows: [-1, -1, width], seen: [-1, -1]})
    return graph


def _compare(files: ModelFiles, model: SentenceTransformer, path: Path, precision: str) -> None:
    """Raise UnsupportedModelError unless the graph at *path* gives the vectors of *model*."""
    from searchkbd.encoders.transformer.openvino_body import OpenVinoBody
    from searchkbd.encoders.transformer.torch_body import TorchBody
    from searchkbd.encoders.transformer.wordpiece import open_tokenizer

    ids = open_tokenizer(files.tokenizer.parent, files.max_tokens).encode(_PROBES)
    ours = OpenVinoBody(files, path, precision).vectors(ids)
    theirs = TorchBody(files, FP32, "cpu", model).vectors(ids)
    least = float(np.sum(ours * theirs, axis=1).min())
    if not least >= _LEAST_COSINE[precision]:
        raise UnsupportedModelError(
            f"{files.name}: exported to {precision}, its vectors are not torch's "
            f"(cosine {least:.4f})"
        )
