"""The losses that a model is fine-tuned with: its translation must be found in the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from searchkbd.training.finetune.config import FinetuneConfig

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import nn

_BOTH_WAYS = {"directions": ("query_to_doc", "doc_to_query"), "partition_mode": "per_direction"}


def main_loss(model: SentenceTransformer, config: FinetuneConfig) -> nn.Module:
    """Return the loss of (anchor, positive, negatives …) that *config* names.

    * ``mnrl``: the cross-entropy of the scaled cosines of an anchor with all positives and
      negatives of the batch (MultipleNegativesRankingLoss; Henderson et al. 2017);
    * ``symmetric``: the mean of that and of the same from positive to anchors: a translation is
      searched for in both directions (LaBSE itself was trained so; Feng et al. 2022);
    * ``cached``, ``cached-symmetric``: the same two, whose gradients are computed by parts of
      ``mini_batch`` pairs (GradCache; Gao et al. 2021): the batch may be larger than memory.
    """
    from sentence_transformers.sentence_transformer import losses

    options = {"scale": config.scale}
    if config.loss.endswith("symmetric"):
        options.update(_BOTH_WAYS)
    if config.loss.startswith("cached"):
        return losses.CachedMultipleNegativesRankingLoss(
            model, mini_batch_size=config.mini_batch, **options
        )
    return losses.MultipleNegativesRankingLoss(model, **options)
