"""Holding languages in place: a second loss, the way that their texts went from the base model.

After Reimers and Gurevych 2020 (*Making Monolingual Sentence Embeddings Multilingual using
Knowledge Distillation*, EMNLP): mean squared distance to a frozen teacher, which here is the base
model itself, for texts of the languages that it knows well. The main loss moves Kabardian towards
them; this one keeps them from moving towards Kabardian, or away from each other.

The texts are not those of the batch: most fine-tuning has few pairs with English, French or
Turkish, and a text recognised in a batch would tie the loss to the layout of its columns. At each
step the loss draws some of a set of held texts by the generator of PyTorch, which the trainer's
checkpoints save and restore; so neither data, sampler nor the number of steps change, any main
loss can be wrapped, cached ones too, and a training that was stopped goes on with the same draws.

The teacher's vectors are computed once, before the first step, into files that are mapped:
a second model of 1.9 GB would have to be in memory otherwise, and be run at each step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import nn

from searchkbd.encoders.base import Vectors
from searchkbd.encoders.tensors import TensorFileError, map_tensors, write_tensors
from searchkbd.training.finetune.data import TextPair
from searchkbd.training.finetune.gate import HELD

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor

MAX_TEXTS = 100_000
"""Held texts at most: 154 MB of vectors of 768 numbers."""

CHUNK = 2048
"""Texts of one file of vectors, and the most that are read again after a crash."""

_PREFIX = "held-"


@dataclass(frozen=True)
class HeldTexts:
    """Texts, and where the base model puts them: float16 ``[CHUNK, dim]`` each, mapped files."""

    texts: tuple[str, ...]
    chunks: tuple[NDArray[np.float16], ...]

    def vectors(self, rows: Sequence[int]) -> Vectors:
        """Return float32 ``[len(rows), dim]``."""
        return np.stack([self.chunks[row // CHUNK][row % CHUNK] for row in rows]).astype(np.float32)


def texts_to_hold(
    pairs: Iterable[TextPair],
    more: Iterable[tuple[str, str]] = (),
    *,
    langs: Collection[str] = HELD,
    limit: int = MAX_TEXTS,
    seed: int = 0,
) -> dict[str, list[str]]:
    """Return the different texts in each of *langs*, empty where there are none: of *pairs*, and
    *more* of them, each with its language before it.

    Of more than *limit* each language gives as many, drawn at random; what one lacks, others may
    have. The same pairs and seed give the same texts.
    """
    found: dict[str, dict[str, None]] = {lang: {} for lang in langs}
    for pair in pairs:
        for lang, text in ((pair.lang_a, pair.text_a), (pair.lang_b, pair.text_b)):
            if lang in found:
                found[lang][text] = None
    for lang, text in more:
        if lang in found:
            found[lang][text] = None
    rng = np.random.default_rng([seed, 2])
    out: dict[str, list[str]] = {}
    left = limit
    smallest_first = sorted(found, key=lambda lang: (len(found[lang]), lang))
    for at, lang in enumerate(smallest_first):
        texts = list(found[lang])
        share = left // (len(smallest_first) - at)
        if len(texts) > share:
            texts = [texts[row] for row in np.sort(rng.choice(len(texts), share, replace=False))]
        left -= len(texts)
        out[lang] = texts
    return {lang: out[lang] for lang in langs}


def hold_in_place(
    model: SentenceTransformer,
    texts: Iterable[str],
    folder: Path,
    *,
    fingerprint: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> HeldTexts:
    """Return *texts*, as the model reads them, with the vectors of *model*, the base as it is now.

    Vectors are read from *folder* where they lie there from before: files are named after their
    texts and *fingerprint*, which must tell the base, the tokenizer and the precision. A damaged
    file is made again. Raises OSError when the folder cannot be written.
    """
    texts = tuple(texts)
    folder.mkdir(parents=True, exist_ok=True)
    dim = model.get_embedding_dimension()
    chunks = []
    for start in range(0, len(texts), CHUNK):
        part = texts[start : start + CHUNK]
        path = folder / f"{_PREFIX}{_key(part, fingerprint)}.safetensors"
        try:
            vectors = map_tensors(path).take("vectors", "f2", len(part), dim)
        except (OSError, TensorFileError):
            fresh = model.encode(list(part), normalize_embeddings=True, show_progress_bar=False)
            write_tensors(path, {"vectors": fresh.astype(np.float16)})
            vectors = map_tensors(path).take("vectors", "f2", len(part), dim)
        chunks.append(vectors)
        progress(start + len(part), len(texts))
    return HeldTexts(texts, tuple(chunks))


class DistilledLoss(nn.Module):
    """*loss* plus ``weight`` × the mean squared distance of held texts from the base model.

    *count* of *held* are drawn a step. The distance is that of unit vectors, squared and summed
    over the dimensions (0 to 4), which is the paper's term and does not depend on their number.
    While the model is evaluated this is *loss* alone. ``forward`` returns both terms by name; the
    trainer adds them up, and logs them beside their sum.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        loss: nn.Module,
        held: HeldTexts,
        *,
        weight: float,
        count: int,
    ) -> None:
        super().__init__()
        if not held.texts or count < 1 or not weight > 0:
            raise ValueError("distillation needs texts, of which some are drawn, and a weight")
        # Both names are those that the trainer looks for when it wraps the model.
        self.model = model
        self.loss = loss
        self.held = held
        self.weight = weight
        self.count = min(count, len(held.texts))

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor | None):
        """Return the terms ``ranking`` and ``distillation``, both scalar."""
        ranking = self.loss(sentence_features, labels)
        if not self.model.training:
            return ranking
        return {"ranking": ranking, "distillation": self.weight * self._distance()}

    def _distance(self) -> Tensor:
        import torch

        rows = torch.randint(len(self.held.texts), (self.count,)).tolist()
        features = self.model.preprocess([self.held.texts[row] for row in rows])
        device = next(self.model.parameters()).device
        features = {
            name: value.to(device) if isinstance(value, torch.Tensor) else value
            for name, value in features.items()
        }
        student = self.model(features)["sentence_embedding"].float()
        student = nn.functional.normalize(student, dim=1)
        teacher = torch.from_numpy(self.held.vectors(rows)).to(student)
        return (student - teacher).square().sum(dim=1).mean()

    def get_config_dict(self) -> dict[str, object]:
        """Return what the library's records of a training show of this loss."""
        return {"weight": self.weight, "texts": len(self.held.texts), "drawn": self.count}


def _key(texts: Sequence[str], fingerprint: str) -> str:
    digest = hashlib.sha256(fingerprint.encode())
    for text in texts:
        digest.update(b"\0" + text.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]
