"""The trainer: how many steps, which batches, what it writes."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("sentence_transformers")

import torch  # noqa: E402
from transformers import TrainerCallback  # noqa: E402

from searchkbd.encoders.transformer.files import find_model  # noqa: E402
from searchkbd.encoders.transformer.torch_body import load_model, quiet  # noqa: E402
from searchkbd.errors import SearchkbdError  # noqa: E402
from searchkbd.training.finetune.config import RECIPES, config_for  # noqa: E402
from searchkbd.training.finetune.data import TextPair  # noqa: E402
from searchkbd.training.finetune.losses import main_loss  # noqa: E402
from searchkbd.training.finetune.prepare import datasets_of  # noqa: E402
from searchkbd.training.finetune.trainer import (  # noqa: E402
    deterministic,
    make_trainer,
    precision_of,
    steps_of,
    untouched_randomness,
)

WORDS = ("Псы", "Унэ", "ФIыщIэ", "Щалэ", "Махуэ", "Хъыджэбз")


def rows(lang: str, count: int, targets: int):
    return [
        (TextPair("kbd", lang, f"{WORDS[n % 6]} {n}", f"word {n % targets}"), ())
        for n in range(count)
    ]


ROWS = {"kbd-en": rows("en", 50, 9), "kbd-ru": rows("ru", 21, 21)}


@pytest.fixture(scope="module")
def model(tiny_labse, one_torch_thread):
    return load_model(find_model(tiny_labse), "cpu")


@pytest.fixture
def trainer(model, tmp_path):
    def make(config, callbacks=(), steps=None):
        return make_trainer(
            model, datasets_of(ROWS, "I"), main_loss(model, config), config, tmp_path,
            steps=steps or steps_of(list(map(len, ROWS.values())), config), save_steps=10**6,
            log_steps=1, callbacks=callbacks,
        )  # fmt: skip

    return make


def batches(trainer) -> list[list[dict]]:
    """Return the rows of each batch of a pass."""
    loader = trainer.get_train_dataloader()
    return [[loader.dataset[row] for row in batch] for batch in loader.batch_sampler]


@pytest.mark.parametrize("mix", ["round-robin", "proportional"])
@pytest.mark.parametrize("sampler", ["default", "no-duplicates"])
def test_steps_are_those_of_the_library(trainer, mix, sampler):
    config = config_for(batch=8, epochs=3, mix=mix, sampler=sampler)
    one_pass = {"round-robin": 2 * 3, "proportional": 7 + 3}[mix]
    assert len(trainer(config).get_train_dataloader()) == one_pass
    assert steps_of([50, 21], config) == 3 * one_pass
    assert steps_of([50, 21], config_for(batch=8, epochs=0.5, mix=mix)) == math.ceil(one_pass / 2)
    assert steps_of([50, 21], config_for(max_steps=5, mix=mix)) == 5


def test_a_batch_is_of_one_language_pair_and_they_take_turns(trainer):
    found = batches(trainer(config_for(batch=8)))
    kinds = [{row["positive"] in {f"word {n}" for n in range(9)} for row in batch}
             for batch in found]  # fmt: skip
    assert len(found) == 6 and kinds[::2] == [{True}] * 3


def test_no_duplicates_puts_no_text_twice_in_a_batch(trainer):
    def repeated(sampler: str) -> int:
        return sum(
            len({row["positive"] for row in batch}) < len(batch)
            for batch in batches(trainer(config_for(batch=8, sampler=sampler)))
        )

    assert repeated("default") > 0
    assert repeated("no-duplicates") == 0


def test_the_recipe_of_the_card_reaches_the_library(trainer):
    made = trainer(RECIPES["card"])
    arguments = made.args
    assert arguments.per_device_train_batch_size == 16
    assert arguments.learning_rate == 5e-5
    assert arguments.lr_scheduler_type == "linear"
    assert arguments.get_warmup_steps(1000) == 0
    assert (arguments.weight_decay, arguments.max_grad_norm, arguments.seed) == (0, 1, 42)
    assert (arguments.adam_beta1, arguments.adam_beta2) == (0.9, 0.999)
    assert arguments.adam_epsilon == 1e-8
    assert arguments.optim == "adamw_torch"
    assert arguments.batch_sampler.value == "batch_sampler"
    assert arguments.multi_dataset_batch_sampler.value == "round_robin"
    assert (made.loss.scale, made.loss.directions) == (20, ("query_to_doc",))
    assert steps_of([3_395_988], RECIPES["card"]) == 424_500


def test_nothing_is_reported_anywhere(trainer):
    made = trainer(RECIPES["card"])
    assert made.args.report_to == [] and not made.args.push_to_hub
    names = {type(one).__name__ for one in made.callback_handler.callbacks}
    assert names == {"DefaultFlowCallback", "_OptimizerZeroGradCallback"}


def test_the_better_recipe_warms_up():
    config = RECIPES["better"]
    assert (config.loss, config.sampler, config.warmup) == ("symmetric", "no-duplicates", 0.1)
    assert config.distill > 0
    assert config_for("better", warmup=0.0, loss=None).warmup == 0


@pytest.mark.parametrize(
    "given",
    [{"loss": "x"}, {"mix": "x"}, {"batch": 1}, {"lr": 0.0}, {"warmup": 1.0}, {"max_steps": 0},
     {"distill": -1.0}, {"gate": -0.1}, {"max_tokens": 2}, {"eval_steps": 0}],
)  # fmt: skip
def test_settings_that_make_no_sense(given):
    with pytest.raises(ValueError, match=next(iter(given))):
        config_for("card", **given)


def test_precision():
    assert precision_of(config_for(), "cpu") == "fp32"
    assert precision_of(config_for(precision="bf16"), "cpu") == "bf16"
    with pytest.raises(SearchkbdError, match="--fp16 needs a GPU|needs a GPU"):
        precision_of(config_for(precision="fp16"), "cpu")


def test_a_checkpoint_has_no_pickled_object_and_no_sentence(trainer, tmp_path):
    class Save(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            control.should_save = True

    with quiet(), deterministic(1):
        trainer(config_for(batch=8), [Save()], steps=2).train()
    folder = tmp_path / "checkpoint-2"
    names = {path.name for path in folder.rglob("*")}
    assert {"model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth"} <= names
    assert "training_args.bin" not in names and "README.md" not in names
    # What the trainer reads back of these is tensors and numbers (weights_only), no objects.
    assert torch.load(folder / "optimizer.pt", weights_only=True)["state"]
    assert torch.load(folder / "scheduler.pt", weights_only=True)["last_epoch"] == 2


def test_randomness_is_left_as_it_was():
    import random

    import numpy as np

    with deterministic(7):
        expected = random.random(), np.random.rand(), torch.rand(1).item()
    with deterministic(7):
        with untouched_randomness():
            random.random(), np.random.rand(), torch.rand(1)
        assert (random.random(), np.random.rand(), torch.rand(1).item()) == expected
