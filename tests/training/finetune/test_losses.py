"""The losses, against their formulas."""

from __future__ import annotations

import pytest

pytest.importorskip("sentence_transformers")

import torch  # noqa: E402

from searchkbd.encoders.transformer.files import find_model  # noqa: E402
from searchkbd.encoders.transformer.torch_body import load_model  # noqa: E402
from searchkbd.training.finetune.config import LOSSES, config_for  # noqa: E402
from searchkbd.training.finetune.losses import main_loss  # noqa: E402

ANCHORS = ["Уи махуэ фIыуэ!", "ФIыщIэ ин пхузощI.", "Фыкъеблагъэ ди деж!", "Псы"]
POSITIVES = ["Good day!", "Thank you very much.", "Welcome to our place!", "Water"]
NEGATIVES = ["Water", "House", "Good day!", "Bread"]


@pytest.fixture(scope="module")
def model(tiny_labse, one_torch_thread):
    return load_model(find_model(tiny_labse), "cpu")  # in evaluation mode: no dropout


def gradient(model, name: str, columns, **given) -> tuple[float, torch.Tensor]:
    """Return the loss, and its gradient by the table of pieces."""
    model.zero_grad()
    loss = main_loss(model, config_for(loss=name, **given))
    value = loss([model.preprocess(column) for column in columns], None)
    value.backward()
    table = model[0].auto_model.embeddings.word_embeddings.weight
    return value.item(), table.grad.clone()


def cosines(model, left, right, scale: float) -> torch.Tensor:
    return torch.from_numpy(scale * model.encode(left) @ model.encode(right).T)


def cross_entropy(scores: torch.Tensor) -> float:
    return torch.nn.functional.cross_entropy(scores, torch.arange(len(scores))).item()


def test_mnrl_is_the_cross_entropy_of_the_scaled_cosines(model):
    value, _ = gradient(model, "mnrl", [ANCHORS, POSITIVES], scale=7.0)
    assert value == pytest.approx(cross_entropy(cosines(model, ANCHORS, POSITIVES, 7.0)), abs=1e-5)


def test_negatives_stand_beside_all_positives(model):
    value, _ = gradient(model, "mnrl", [ANCHORS, POSITIVES, NEGATIVES])
    scores = cosines(model, ANCHORS, POSITIVES + NEGATIVES, 20.0)
    assert value == pytest.approx(cross_entropy(scores), abs=1e-5)


def test_symmetric_is_the_mean_of_both_directions(model):
    value, _ = gradient(model, "symmetric", [ANCHORS, POSITIVES])
    scores = cosines(model, ANCHORS, POSITIVES, 20.0)
    mean = (cross_entropy(scores) + cross_entropy(scores.T)) / 2
    assert value == pytest.approx(mean, abs=1e-5)


@pytest.mark.parametrize("name", ["mnrl", "symmetric"])
def test_a_cached_loss_is_the_same_loss_with_the_same_gradient(model, name):
    cached = "cached" if name == "mnrl" else "cached-symmetric"
    columns = [ANCHORS, POSITIVES, NEGATIVES]
    value, grad = gradient(model, name, columns)
    other, by_parts = gradient(model, cached, columns, mini_batch=3)
    assert other == pytest.approx(value, abs=1e-5)
    assert torch.allclose(by_parts, grad, atol=1e-6)
    assert grad.abs().max() > 1e-4


def test_every_loss_is_less_for_right_pairs_than_for_shuffled_ones(model):
    for name in LOSSES:
        right, _ = gradient(model, name, [ANCHORS, ANCHORS])
        wrong, _ = gradient(model, name, [ANCHORS, ANCHORS[1:] + ANCHORS[:1]])
        assert right < wrong
