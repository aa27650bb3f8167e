"""The trainer of sentence-transformers, set up: silent, without telemetry, resumable to the byte.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from searchkbd.errors import SearchkbdError
from searchkbd.training.finetune.config import FinetuneConfig

if TYPE_CHECKING:
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
    from torch import nn
    from transformers import TrainerCallback

_SAMPLERS = {"default": "batch_sampler", "no-duplicates": "no_duplicates"}
_MIXES = {"round-robin": "round_robin", "proportional": "proportional"}


def steps_of(sizes: Sequence[int], config: FinetuneConfig) -> int:
    """Return the optimiser steps of a training on datasets of *sizes* rows."""
    batches = [math.ceil(size / config.batch) for size in sizes]
    one_pass = min(batches) * len(batches) if config.mix == "round-robin" else sum(batches)
    return config.max_steps or math.ceil(config.epochs * one_pass)


def precision_of(config: FinetuneConfig, device: str) -> str:
    """Return the precision to train in on *device*; raise SearchkbdError for one it has not."""
    import torch

    on_gpu = device.startswith("cuda")
    if config.precision == "auto":
        return "bf16" if on_gpu and torch.cuda.is_bf16_supported() else "fp32"
    if config.precision == "fp16" and not on_gpu:
        raise SearchkbdError("--fp16 needs a GPU; on a CPU train with --fp32 (the default there)")
    if config.precision == "bf16" and on_gpu and not torch.cuda.is_bf16_supported():
        raise SearchkbdError("this GPU has no bf16; train with --fp16 or --fp32")
    return config.precision


def make_trainer(
    model: SentenceTransformer,
    datasets: Mapping[str, Dataset],
    losses: nn.Module | Mapping[str, nn.Module],
    config: FinetuneConfig,
    folder: Path,
    *,
    steps: int,
    save_steps: int,
    log_steps: int,
    callbacks: Sequence[TrainerCallback],
) -> SentenceTransformerTrainer:
    """Return the trainer of *model*, which keeps its checkpoints in *folder*.

    *datasets* is by name, *losses* one for all or by the same names. Nothing is reported to any
    service, and nothing is printed.
    """
    from datasets import DatasetDict
    from sentence_transformers import (
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from transformers import PrinterCallback

    from searchkbd.training.finetune.resume import save_model

    class Trainer(SentenceTransformerTrainer):
        """Without the library's model card, whose making reads all data, and without pickles."""

        def add_model_card_callback(self, default_args_dict: dict) -> None:
            pass

        def _save(self, output_dir: str | None = None, state_dict: dict | None = None) -> None:
            save_model(self.model, Path(output_dir or self.args.output_dir))

    device = model.device.type
    precision = precision_of(config, device)
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=config.batch,
        batch_sampler=_SAMPLERS[config.sampler],
        multi_dataset_batch_sampler=_MIXES[config.mix],
        learning_rate=config.lr,
        lr_scheduler_type="linear",
        warmup_steps=config.warmup,
        optim="adamw_torch",
        adam_beta1=0.9,
        adam_beta2=0.999,
        adam_epsilon=1e-8,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=device == "cpu",
        seed=config.seed,
        save_strategy="steps",
        save_steps=save_steps,
        eval_strategy="no",  # the callback evaluates
        logging_strategy="steps",
        logging_steps=log_steps,
        logging_nan_inf_filter=False,
        dataloader_pin_memory=device != "cpu",
        report_to="none",
        disable_tqdm=True,
        push_to_hub=False,
    )
    if config.gradient_checkpointing:
        model[0].auto_model.activation_checkpointing_enable({"use_reentrant": False})
    trainer = Trainer(
        model=model, args=arguments, train_dataset=DatasetDict(datasets), loss=losses,
        callbacks=list(callbacks),
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    return trainer


@contextmanager
def deterministic(seed: int) -> Iterator[None]:
    """Seed all random numbers, and on a CPU use no algorithm whose result varies."""
    import torch
    from transformers import set_seed

    strict = torch.are_deterministic_algorithms_enabled()
    # On a GPU some have no such algorithm, and the others are slower.
    torch.use_deterministic_algorithms(not torch.cuda.is_available(), warn_only=True)
    set_seed(seed)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(strict)


@contextmanager
def untouched_randomness() -> Iterator[None]:
    """Leave all random number generators as they were found, whatever is done in between."""
    import random

    import numpy as np
    import torch

    states = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        yield
    random.setstate(states[0])
    np.random.set_state(states[1])
