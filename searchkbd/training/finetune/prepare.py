"""What a training is given: rows of texts with their hard negatives, and the loss."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from searchkbd.encoders.tensors import write_atomically
from searchkbd.encoders.transformer.description import ModelFiles
from searchkbd.encoders.transformer.model_text import model_text
from searchkbd.errors import SearchkbdError
from searchkbd.training.finetune.config import FinetuneConfig
from searchkbd.training.finetune.data import TextPair, columns, digest, in_directions
from searchkbd.training.finetune.losses import main_loss

if TYPE_CHECKING:
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from torch import nn

    from searchkbd.training.finetune.pieces import AddedPieces

NEGATIVES = "negatives.json"

Row = tuple[TextPair, Sequence[str]]
"""A pair, anchor first, and its hard negatives."""

Progress = Callable[[int, int], None]


def training_rows(
    pairs: Sequence[TextPair],
    base: ModelFiles,
    config: FinetuneConfig,
    folder: Path,
    progress: Progress,
) -> dict[str, list[Row]]:
    """Return the rows to train on by direction (``kbd-ru``).

    Hard negatives are mined once and kept in *folder*. All rows of a direction must have as many,
    so a pair for which there are none is left out. Raises SearchkbdError when that is all.
    """
    directed = in_directions(pairs, config.directions)
    if not config.hard_negatives:
        return {name: [(pair, ()) for pair in found] for name, found in directed.items()}
    flat = [pair for found in directed.values() for pair in found]
    negatives = _negatives(flat, base, config, folder, progress)
    rows: dict[str, list[Row]] = {}
    start = 0
    for name, found in directed.items():
        own = negatives[start : start + len(found)]
        start += len(found)
        if not any(own):
            raise SearchkbdError(
                f"no hard negatives for {name}: all its texts are translations of each other; "
                "give more pairs, or leave --hard-negatives away"
            )
        rows[name] = [
            (pair, texts) for pair, texts in zip(found, own, strict=True) if texts
        ]
    return rows


def _negatives(
    pairs: Sequence[TextPair],
    base: ModelFiles,
    config: FinetuneConfig,
    folder: Path,
    progress: Progress,
) -> list[Sequence[str]]:
    """Return the hard negatives of each of *pairs*, mined or of the last run."""
    from searchkbd.training.finetune.negatives import with_hard_negatives

    path = folder / NEGATIVES
    told = [digest(pairs), base.fingerprint, base.palochka, config.hard_negatives, config.seed]
    key = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    try:
        kept = json.loads(path.read_bytes())
        if kept["of"] == key:
            return kept["negatives"]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not mined yet, or torn: mined again
    mined = with_hard_negatives(
        pairs, base.directory, count=config.hard_negatives, palochka=base.palochka,
        seed=config.seed, progress=progress,
    )  # fmt: skip
    found = [list(texts) for _, texts in mined]
    write_atomically(path, json.dumps({"of": key, "negatives": found}).encode())
    return found


def datasets_of(rows: dict[str, list[Row]], palochka: str | None) -> dict[str, Dataset]:
    """Return the columns anchor, positive, negative_1 … of each direction, in memory."""
    from datasets import Dataset

    return {name: Dataset.from_dict(columns(found, palochka)) for name, found in rows.items()}


def training_loss(
    model: SentenceTransformer,
    pairs: Sequence[TextPair],
    hold: Sequence[tuple[str, str]],
    base: ModelFiles,
    config: FinetuneConfig,
    folder: Path,
    progress: Progress,
) -> nn.Module:
    """Return the loss, with distillation by the texts of *pairs* and of *hold* (language and text)
    when *config* says so; *model* must be the base still.

    Raises SearchkbdError when there is no text to distil by.
    """
    loss = main_loss(model, config)
    if not config.distill:
        return loss
    from searchkbd.training.finetune.distillation import (
        DistilledLoss,
        hold_in_place,
        texts_to_hold,
    )
    from searchkbd.training.finetune.gate import HELD

    texts = [
        model_text(text, lang, base.palochka)
        for lang, found in texts_to_hold(pairs, hold, seed=config.seed).items()
        for text in found
    ]
    if not texts:
        raise SearchkbdError(
            f"nothing to hold in place by distillation: there are no texts in {', '.join(HELD)}; "
            "give some with --hold FILE, or train with --distill 0"
        )
    fingerprint = f"{base.fingerprint} {model.max_seq_length}"
    held = hold_in_place(model, texts, folder, fingerprint=fingerprint, progress=progress)
    return DistilledLoss(model, loss, held, weight=config.distill, count=config.batch)


def add_pieces(
    model: SentenceTransformer,
    rows: dict[str, list[Row]],
    palochka: str | None,
    config: FinetuneConfig,
) -> AddedPieces | None:
    """Add the letters with palochka to the vocabulary of *model* when *config* says so."""
    if not config.palochka_pieces:
        return None
    from searchkbd.training.finetune.pieces import add_palochka_pieces

    texts = (
        model_text(text, lang, palochka)
        for found in rows.values()
        for pair, _ in found
        for lang, text in ((pair.lang_a, pair.text_a), (pair.lang_b, pair.text_b))
    )
    return add_palochka_pieces(model, texts, palochka)
