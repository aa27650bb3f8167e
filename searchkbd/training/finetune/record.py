"""What is known of a finished training, for its model card."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from searchkbd.corpus.read import HUB
from searchkbd.encoders.transformer.model_text import model_text
from searchkbd.training.finetune.config import FinetuneConfig
from searchkbd.training.finetune.data import TextPair
from searchkbd.training.finetune.evaluators import DevFigures
from searchkbd.training.finetune.gate import Verdict

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SAMPLE = 1_000
"""Pairs of a language pair whose tokens are counted, the first ones."""

_PACKAGES = (
    "searchkbd", "sentence-transformers", "transformers", "torch", "accelerate", "datasets",
    "tokenizers",
)  # fmt: skip
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of pairs: its name without a folder, and its SHA-256 (None: not a local file)."""

    name: str
    sha256: str | None = None

    @classmethod
    def of(cls, path: str) -> DataFile:
        """Return what is told of *path*, a file or ``hf:owner/name``. Raises OSError."""
        if path.startswith(HUB):
            return cls(path)
        total = hashlib.sha256()
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                total.update(block)
        return cls(os.path.basename(path), total.hexdigest())


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of a text, those of its ends counted, as many as the model reads at most."""

    least: int
    mean: float
    most: int


@dataclass(frozen=True, slots=True)
class PairCount:
    """How many pairs of two languages there were, and the tokens of either side."""

    lang_a: str
    lang_b: str
    pairs: int
    tokens_a: Tokens
    tokens_b: Tokens


@dataclass(frozen=True)
class RunRecord:
    """A training and its model.

    ``name``: of the model; ``languages``: those trained on and measured; ``base``: the name of the
    base model, a repository of the hub where ``base_on_hub``; ``architecture``: its modules,
    printed; ``files``, ``dev_files``: trained on, and measured by where not held out;
    ``best_step`` of ``steps``: where the model is from; ``before``, ``after``: figures of the base
    and of the model; ``remarks``: what the gate cannot see; ``command``: without paths of the
    machine; ``license``: an identifier of the hub, or any name; ``built_in_held``: whether the
    gate had the phrasebook's pairs.
    """

    name: str
    languages: tuple[str, ...]
    palochka: str | None
    base: str
    base_on_hub: bool
    base_revision: str | None
    architecture: str
    dim: int
    max_tokens: int
    vocabulary: int
    files: tuple[DataFile, ...]
    dev_files: tuple[DataFile, ...]
    counts: tuple[PairCount, ...]
    config: FinetuneConfig
    steps: int
    best_step: int
    device: str
    before: DevFigures
    after: DevFigures
    verdict: Verdict
    remarks: tuple[str, ...]
    command: str
    versions: Mapping[str, str]
    license: str | None = None
    built_in_held: bool = False


def architecture(model: SentenceTransformer) -> str:
    """Return the modules of *model* as they print themselves."""
    return str(model)


def count_pairs(
    model: SentenceTransformer, pairs: Iterable[TextPair], palochka: str | None
) -> tuple[PairCount, ...]:
    """Count *pairs* by language pair, and the tokens of the first SAMPLE of each."""
    counts: dict[tuple[str, str], int] = {}
    first: dict[tuple[str, str], list[TextPair]] = {}
    for pair in pairs:
        langs = pair.lang_a, pair.lang_b
        counts[langs] = counts.get(langs, 0) + 1
        if counts[langs] <= SAMPLE:
            first.setdefault(langs, []).append(pair)
    return tuple(
        PairCount(
            a, b, counts[a, b],
            _tokens(model, [model_text(pair.text_a, a, palochka) for pair in first[a, b]]),
            _tokens(model, [model_text(pair.text_b, b, palochka) for pair in first[a, b]]),
        )
        for a, b in sorted(counts)
    )  # fmt: skip


def _tokens(model: SentenceTransformer, texts: list[str]) -> Tokens:
    found = model.tokenizer(texts, truncation=True, max_length=model.max_seq_length)["input_ids"]
    lengths = [len(ids) for ids in found]
    return Tokens(min(lengths), sum(lengths) / len(lengths), max(lengths))


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a training depends on."""
    found = {"Python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # run from a checkout that is not installed
    return found


