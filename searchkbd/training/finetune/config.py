"""How a model is fine-tuned: the settings, and the two recipes."""

from __future__ import annotations

from dataclasses import dataclass, replace

LOSSES = ("mnrl", "symmetric", "cached", "cached-symmetric")
SAMPLERS = ("default", "no-duplicates")
DIRECTIONS = ("as-is", "both")
MIXES = ("round-robin", "proportional")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")


@dataclass(frozen=True)
class FinetuneConfig:
    """How a model is fine-tuned. The defaults are the recipe of the card of LaBSE-kbd v0.2.

    AdamW (0.9, 0.999, 1e-8) and a rate that falls linearly to 0 belong to both recipes.
    """

    loss: str = "mnrl"
    """One of LOSSES: which text has to be found among those of the batch (see ``losses``)."""
    sampler: str = "default"
    """One of SAMPLERS: whether a text may be twice in a batch."""
    directions: str = "as-is"
    """One of DIRECTIONS: whether the second text of a pair is an anchor too."""
    scale: float = 20.0
    """Factor of the cosines in the cross-entropy (inverse temperature)."""
    batch: int = 16
    """Pairs a step, all of one language pair."""
    mini_batch: int = 32
    """Pairs that a cached loss holds in memory at a time; the result does not depend on it."""
    epochs: float = 2
    """Passes over the data; with the mix round-robin one ends with the smallest language pair."""
    max_steps: int | None = None
    """Steps after which to stop at the latest; the rate falls to 0 over these."""
    lr: float = 5e-5
    """Highest learning rate."""
    warmup: float = 0.0
    """Share of the steps over which the rate rises from 0."""
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    """Length to which longer gradients are cut."""
    max_tokens: int = 256
    """Tokens of a text that are read, in training and by the finished model."""
    precision: str = "auto"
    """One of PRECISIONS: numbers of the forward pass; auto is bf16 on a GPU that has it."""
    gradient_checkpointing: bool = False
    """Compute activations twice instead of keeping them: less memory, a third more time."""
    hard_negatives: int = 0
    """Near texts that are no translation, mined for each pair (see ``negatives``)."""
    distill: float = 0.0
    """Weight of the loss that holds the other languages in place (see ``distillation``)."""
    palochka_pieces: bool = False
    """Add the letters with palochka to the vocabulary (see ``pieces``)."""
    mix: str = "round-robin"
    """One of MIXES: how language pairs take turns."""
    eval_steps: int | None = None
    """Steps between two evaluations; None is a twentieth of all, 1,000 at most."""
    gate: float = 0.5
    """Points of accuracy@1 that pairs of the held languages (see ``gate``) may lose; inf: any."""
    seed: int = 42


RECIPES = {
    "card": FinetuneConfig(),
    "better": replace(
        FinetuneConfig(), loss="symmetric", sampler="no-duplicates", warmup=0.1, distill=1.0
    ),
}
"""``card``: as LaBSE-kbd v0.2 was made; ``better``: what is known to help besides."""


def config_for(recipe: str = "card", **given: object) -> FinetuneConfig:
    """Return the settings of a recipe with what is *given* (not None) in their place.

    Raises KeyError for an unknown recipe and ValueError for a setting that makes no sense.
    """
    changes = {name: value for name, value in given.items() if value is not None}
    return _checked(replace(RECIPES[recipe], **changes))


def _checked(config: FinetuneConfig) -> FinetuneConfig:
    for name, known in (
        ("loss", LOSSES), ("sampler", SAMPLERS), ("directions", DIRECTIONS),
        ("mix", MIXES), ("precision", PRECISIONS),
    ):  # fmt: skip
        if getattr(config, name) not in known:
            raise ValueError(f"{name} {getattr(config, name)!r} is none of {', '.join(known)}")
    for name in ("scale", "epochs", "lr", "max_grad_norm"):
        if not getattr(config, name) > 0:
            raise ValueError(f"{name} must be more than 0")
    if config.batch < 2:
        raise ValueError("a batch needs 2 pairs: the others are what a translation is told from")
    counts = (config.mini_batch, config.max_steps, config.eval_steps)
    if min(1 if count is None else count for count in counts) < 1 or config.max_tokens < 3:
        raise ValueError("mini_batch, max_steps, eval_steps and max_tokens must be positive")
    if not 0 <= config.warmup < 1:
        raise ValueError("warmup is a share of the steps, from 0 to 1")
    if min(config.distill, config.weight_decay, config.hard_negatives, config.gate) < 0:
        raise ValueError("distill, weight_decay, hard_negatives and gate cannot be negative")
    return config
