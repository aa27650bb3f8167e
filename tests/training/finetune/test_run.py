"""Fine-tuning for real: a tiny model learns, and goes on after being stopped as if it had not."""

from __future__ import annotations

import json
import shutil
import socket
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("sentence_transformers")

from tiny_labse import make_tiny_labse  # noqa: E402

from searchkbd.corpus.options import ReadOptions  # noqa: E402
from searchkbd.encoders.base import EncoderError  # noqa: E402
from searchkbd.encoders.transformer.files import find_model  # noqa: E402
from searchkbd.errors import SearchkbdError  # noqa: E402
from searchkbd.resources import PHRASEBOOK  # noqa: E402
from searchkbd.training.checkpoint import CheckpointError  # noqa: E402
from searchkbd.training.finetune.config import config_for  # noqa: E402
from searchkbd.training.finetune.data import TextPair, read_text_pairs  # noqa: E402
from searchkbd.training.finetune.log import read_log  # noqa: E402
from searchkbd.training.finetune.resume import Checkpoints, Judged, best_of  # noqa: E402
from searchkbd.training.finetune.run import Data, finetune  # noqa: E402
from searchkbd.training.run import Reporter  # noqa: E402

SMALL = {"batch": 8, "lr": 1e-3, "max_steps": 20, "eval_steps": 6, "gate": float("inf")}


class Stopped(Exception):
    """What stands for a kill: nothing is done after it."""


pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refused(*args, **kwargs):
        raise AssertionError("nothing may be asked for over a network")

    monkeypatch.setattr(socket.socket, "connect", refused)


@pytest.fixture(scope="module")
def phrases() -> list[TextPair]:
    return read_text_pairs([str(PHRASEBOOK)], ReadOptions(), print)


@pytest.fixture(scope="module")
def base(tiny_labse):
    return find_model(tiny_labse, "I")


@pytest.fixture(scope="module")
def few(phrases) -> Data:
    """40 pairs each of three language pairs, so that passes end within a few steps, and 12."""
    train = [
        pair for langs in ("kbd-ru", "kbd-en", "ru-en")
        for pair in [one for one in phrases if one.langs == langs][:40]
    ]  # fmt: skip
    dev = [one for one in phrases if one.langs == "kbd-ru"][100:112]
    held = [one for one in phrases if one.langs == "ru-en"][100:112]
    return Data(train, dev, held)


def weights(done) -> dict[str, bytes]:
    return {path.relative_to(done.model).as_posix(): path.read_bytes()
            for path in done.model.rglob("*.safetensors")}  # fmt: skip


def stop_at(step: int) -> Reporter:
    def stepped(done: int, total: int) -> None:
        if done == step:
            raise Stopped

    return Reporter(stepped=stepped)


@pytest.fixture(scope="module")
def without_dropout(tmp_path_factory):
    """A model of two random layers does not learn through dropout in some hundred steps."""
    model = make_tiny_labse(tmp_path_factory.mktemp("base"), vocabulary=2500)
    config = json.loads((model / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (model / "config.json").write_text(json.dumps(config))
    return find_model(model, "I")


def learnt(base, phrases, folder, *, shuffled: bool = False):
    """Train on most pairs of the phrasebook; measure by Kabardian–English pairs held aside.

    Their texts were seen with texts of other languages, the pairs were not.
    """
    langs = ("kbd-en", "kbd-ru", "ru-en", "kbd-fr", "en-fr")
    pairs = [one for one in phrases if one.langs in langs]
    own = [one for one in pairs if one.langs == "kbd-en"]
    dev = [own[row] for row in np.random.default_rng(0).choice(len(own), 60, replace=False)]
    train = [one for one in pairs if one not in dev]
    if shuffled:
        train = [replace(one, text_b=other.text_b)
                 for langs in langs for rows in [[one for one in train if one.langs == langs]]
                 for one, other in zip(rows, rows[7:] + rows[:7], strict=True)]  # fmt: skip
    config = config_for(
        loss="symmetric", batch=32, lr=1e-3, warmup=0.1, max_steps=250, eval_steps=250,
        gate=float("inf"),
    )  # fmt: skip
    return finetune(Data(train, dev), base, config, folder)


def test_it_learns_to_find_pairs_that_were_held_aside(without_dropout, phrases, tmp_path):
    done = learnt(without_dropout, phrases, tmp_path)
    # On other processors the figures are a little other ones.
    assert done.baseline.accuracy < 0.15
    assert done.figures.accuracy > max(0.25, 4 * done.baseline.accuracy)
    rows = read_log(done.log)
    assert rows[0].step == 0 and rows[0].figures == pytest.approx(done.baseline.columns(), rel=1e-5)
    assert rows[-1].step == 250 and rows[-1].loss < rows[1].loss / 1.5
    assert sum(one.pairs for one in done.counts) == 5 * 245 - 60


def test_a_wrong_signal_teaches_nothing(without_dropout, phrases, tmp_path):
    done = learnt(without_dropout, phrases, tmp_path, shuffled=True)
    assert done.figures.accuracy < 0.15


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="card"),
        pytest.param(
            {"recipe": "better", "palochka_pieces": True, "hard_negatives": 1, "seed": 5},
            id="better",
        ),
        pytest.param(
            {"loss": "cached-symmetric", "mini_batch": 3, "gradient_checkpointing": True,
             "directions": "both", "mix": "proportional", "precision": "bf16"},
            id="cached",
        ),
    ],
)  # fmt: skip
def test_stopped_it_ends_with_the_same_bytes(base, few, tmp_path, given):
    config = config_for(**{"recipe": "card", **SMALL, **given})
    whole = finetune(few, base, config, tmp_path / "whole")
    parts = tmp_path / "parts"
    # To go on within the first pass (of 15 steps), at its end, and within the second.
    for step in (7, 16, 19):
        with pytest.raises(Stopped):
            finetune(few, base, config, parts, save_steps=3, reporter=stop_at(step))
    done = finetune(few, base, config, parts, save_steps=3)
    assert done.resumed_from == 18
    assert weights(done) == weights(whole) and len(weights(done)) == 2
    assert (done.figures, done.judged) == (whole.figures, whole.judged)
    assert [(row.step, row.loss, row.learning_rate, row.figures) for row in read_log(done.log)] == [
        (row.step, row.loss, row.learning_rate, row.figures) for row in read_log(whole.log)
    ]
    assert len(list(parts.glob("best-*"))) == len(list(parts.glob("checkpoint-*"))) == 1


def test_dropout_is_on_and_another_seed_ends_elsewhere(base, few, tmp_path):
    one = finetune(few, base, config_for(**SMALL | {"max_steps": 2}), tmp_path / "one")
    other = finetune(few, base, config_for(**SMALL | {"max_steps": 2, "seed": 1}), tmp_path / "two")
    assert weights(one) != weights(other)


def test_finished_it_is_not_trained_again(base, few, tmp_path):
    config = config_for(**SMALL | {"max_steps": 4})
    first = finetune(few, base, config, tmp_path)
    again = finetune(few, base, config, tmp_path, reporter=stop_at(1))
    assert again.resumed_from == 4 and weights(again) == weights(first)


@pytest.fixture
def begun(base, few, tmp_path):
    """A folder with a checkpoint after step 2, and the settings of its training."""
    config = config_for(**SMALL)
    with pytest.raises(Stopped):
        finetune(few, base, config, tmp_path, save_steps=2, reporter=stop_at(3))
    return tmp_path, config


def test_another_training_is_refused_and_told_apart(base, few, begun):
    folder, config = begun
    with pytest.raises(CheckpointError, match="other lr; run the command.*--restart"):
        finetune(few, base, replace(config, lr=2e-3), folder)
    with pytest.raises(CheckpointError, match="other pairs, scale;"):
        finetune(replace(few, train=few.train[1:]), base, replace(config, scale=19.0), folder)
    with pytest.raises(CheckpointError, match="other base, palochka;"):
        finetune(few, replace(base, palochka=None), config, folder)


def test_a_torn_checkpoint_is_not_gone_on_from(base, few, begun):
    folder, config = begun
    path = folder / "checkpoint-2" / "optimizer.pt"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match="damaged .optimizer.pt has not .*--restart"):
        finetune(few, base, config, folder)


def test_an_unfinished_checkpoint_does_not_count(base, few, begun):
    folder, config = begun
    shutil.copytree(folder / "checkpoint-2", folder / "checkpoint-9")
    (folder / "checkpoint-9" / "whole.json").unlink()
    (folder / ".best-9.tmp").mkdir()
    with pytest.raises(Stopped):
        finetune(few, base, config, folder, reporter=stop_at(3))
    assert [path.name for path in folder.glob("checkpoint-*")] == ["checkpoint-2"]
    assert not list(folder.glob(".best*"))


def test_the_best_passes_the_gate_if_any_does():
    good, better, failed = (Judged(1, 0.3, True, 0.0), Judged(2, 0.4, True, 0.2),
                            Judged(3, 0.9, False, 4.0))  # fmt: skip
    assert best_of([good, better, failed]) is better
    assert best_of([failed, Judged(4, 0.2, False, 3.0)]).step == 4
    assert best_of([good, Judged(5, 0.3, True, 0.0)]) is good
    assert best_of([]) is None


def test_a_best_model_is_kept_until_a_checkpoint_has_a_better_one(base, tmp_path, tiny_labse):
    from searchkbd.encoders.transformer.torch_body import load_model

    model = load_model(base, "cpu")
    checkpoints = Checkpoints(tmp_path, {"is": "this"})
    judged = [Judged(1, 0.1, True, 0.0)]
    checkpoints.keep(model, 1)
    (tmp_path / "checkpoint-1").mkdir()
    checkpoints.mark(1, judged)
    judged.append(Judged(2, 0.2, True, 0.0))
    checkpoints.keep(model, 2)
    checkpoints.keep(model, 3)
    assert sorted(path.name for path in tmp_path.glob("best-*")) == ["best-1", "best-3"]
    assert checkpoints.last().best == judged[0]
    (tmp_path / "checkpoint-3").mkdir()
    checkpoints.mark(3, [*judged, Judged(3, 0.3, True, 0.0)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best-3", "checkpoint-3"]


def test_what_cannot_be_trained(base, few, tmp_path):
    with pytest.raises(SearchkbdError, match="no pairs to train on"):
        finetune(Data([], few.dev), base, config_for(), tmp_path)
    with pytest.raises(EncoderError, match="reads 512 tokens; give it --max-tokens 512"):
        finetune(few, base, config_for(max_tokens=600), tmp_path)
    german = [TextPair("kbd", "de", f"псы {n}", f"Wasser {n}") for n in range(9)]
    with pytest.raises(SearchkbdError, match="nothing to hold in place.*--distill 0"):
        finetune(Data(german, german), base, config_for("better"), tmp_path)


def test_a_loss_that_is_no_number_ends_it(base, few, tmp_path):
    with pytest.raises(SearchkbdError, match="diverged.*lower --lr"):
        finetune(few, base, config_for(**SMALL | {"lr": 1e30}), tmp_path)
