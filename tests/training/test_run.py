"""A whole training on the phrasebook: what it reaches, how it stops, how it goes on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from searchkbd.corpus.read import read_corpus
from searchkbd.encoders import features
from searchkbd.encoders.features import Features
from searchkbd.encoders.student import StudentEncoder
from searchkbd.resources import PHRASEBOOK
from searchkbd.training.checkpoint import FILE, CheckpointError, discard
from searchkbd.training.config import StudentConfig, config_for
from searchkbd.training.dev import Evaluation
from searchkbd.training.pairs import hold_out, pair_up
from searchkbd.training.run import Reporter, train

pytest.importorskip("torch", reason="training needs the extra train")

CONFIG = StudentConfig(
    steps=40, batch=64, negatives=64, joined=0, min_count=1, watch_every=40, max_features=4000
)
SHORT = replace(CONFIG, steps=12, batch=16, negatives=16, watch_every=3, max_features=500)
CHANCE = 1 / 20
"""20 groups are held out."""


@pytest.fixture(scope="module")
def split():
    groups = pair_up(read_corpus(PHRASEBOOK), "kbd", ["ru"], lambda reject: None).groups
    return hold_out(groups, seed=0)


@pytest.fixture
def trained(split, embedded, tmp_path):
    """Train: trained(config, folder name, …)."""

    def trained(config=CONFIG, folder="work", split=split, **more):
        return train(split, "kbd", embedded, config, tmp_path / folder, **more)

    return trained


def learnt(result) -> bool:
    """The check: translations that were not trained on are found, far more than by chance."""
    return result.best.accuracy > 10 * CHANCE


def test_a_tiny_student_beats_chance_by_far(trained, split):
    assert len(split.dev) == 20 and len(split.train) == 225
    result = trained()
    assert learnt(result), result.best
    # What was measured is in the file, and the file alone is enough.
    at_1 = [figure.accuracy.at_1 for figure in result.figures]
    assert abs(np.mean(at_1) - result.best.accuracy) < 0.1
    texts = [pair.kabardian for pair in split.train[:5]]
    assert StudentEncoder(result.student).encode(texts).shape == (5, 512)


def random_features(texts, rng):
    return Features(rng.integers(0, 2**63, 8 * len(texts)).astype(np.uint64),
                    np.arange(len(texts) + 1) * 8)  # fmt: skip


def confused_features(texts, rng):
    """The features of another text at each call."""
    order = rng.permutation(len(texts))
    return REAL([texts[row] for row in order])


def constant_features(texts, rng):
    return Features(np.ones(len(texts), np.uint64), np.arange(len(texts) + 1))


REAL = features.key_features


@pytest.mark.parametrize("broken", [random_features, confused_features, constant_features])
def test_with_a_broken_feature_extractor_it_does_not(trained, monkeypatch, broken):
    # The same chance in every run of this test, another one in every call.
    rng = np.random.default_rng(0)
    monkeypatch.setattr(features, "key_features", lambda texts: broken(texts, rng))
    result = trained()
    assert not learnt(result)
    assert result.best.accuracy <= 4 * CHANCE


class Stop(Exception):
    pass


def stopped_after(step: int) -> Reporter:
    def stepped(done: int, total: int) -> None:
        if done == step:
            raise Stop

    return Reporter(stepped=stepped)


@pytest.mark.parametrize("step", [1, 3, 4, 8, 12])
def test_stopped_anywhere_it_goes_on_to_the_same_bytes(trained, step):
    whole = trained(SHORT, "whole")
    with pytest.raises(Stop):
        trained(SHORT, "parts", reporter=stopped_after(step))
    again = trained(SHORT, "parts")
    assert again.resumed_from == (step - 1) // 3 * 3
    assert again.evaluations == whole.evaluations
    assert again.student.read_bytes() == whole.student.read_bytes()
    # And once more, when nothing is left to do.
    done = trained(SHORT, "parts")
    assert done.resumed_from == 12 and done.student == again.student


def test_checkpoints_that_are_not_due_are_not_written(trained, tmp_path):
    whole = trained(SHORT, "whole")
    with pytest.raises(Stop):
        trained(SHORT, reporter=stopped_after(12), interval=1e9)
    assert not (tmp_path / "work" / FILE).exists()
    again = trained(SHORT, interval=1e9)
    assert again.resumed_from == 0
    assert again.student.read_bytes() == whole.student.read_bytes()


def test_a_disk_that_fills_up_leaves_the_checkpoint_before(trained, monkeypatch):
    from searchkbd.training import checkpoint

    whole = trained(SHORT, "whole")
    write, calls = checkpoint.write_tensors, []

    def full(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        write(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write_tensors", full)
        with pytest.raises(OSError, match="No space"):
            trained(SHORT)
    again = trained(SHORT)
    assert again.resumed_from == 6
    assert again.student.read_bytes() == whole.student.read_bytes()


def test_the_teacher_reads_once(split, embedded, tmp_path):
    class Counting:
        name, dim, fingerprint, texts = "embedded", 512, embedded.fingerprint, 0

        def encode(self, texts, langs=None):
            self.texts += len(texts)
            return embedded.encode(texts, langs)

    teacher = Counting()
    train(split, "kbd", teacher, SHORT, tmp_path / "work")
    read = teacher.texts
    discard(tmp_path / "work")
    train(split, "kbd", teacher, SHORT, tmp_path / "work")
    assert 0 < read == teacher.texts


def test_seeds(trained):
    files = [trained(replace(SHORT, seed=seed), str(n)).student for n, seed in enumerate((0, 0, 1))]
    first, same, other = (file.read_bytes() for file in files)
    assert first == same != other


def test_another_training_is_not_gone_on_with(trained, split):
    trained(SHORT)
    with pytest.raises(CheckpointError, match="other steps, seed;.*--restart"):
        trained(replace(SHORT, steps=13, seed=2))
    with pytest.raises(CheckpointError, match="other pairs;"):
        trained(SHORT, split=replace(split, train=split.train[1:]))
    with pytest.raises(CheckpointError, match="other development pairs;"):
        trained(SHORT, split=replace(split, dev=split.dev[1:]))


@pytest.mark.parametrize("damage", [
    lambda path: path.write_bytes(path.read_bytes()[:-100]),
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(path.read_bytes().replace(b"checkpoint-1", b"checkpoint-9")),
    lambda path: path.write_bytes(path.read_bytes().replace(b'"squares"', b'"sqvares"')),
    lambda path: next(path.parent.glob("best-*")).unlink(),
])  # fmt: skip
def test_a_damaged_checkpoint_is_refused(trained, tmp_path, damage):
    trained(SHORT)
    path = tmp_path / "work" / FILE
    damage(path)
    with pytest.raises(CheckpointError, match=f"{FILE}: damaged .*--restart"):
        trained(SHORT)
    discard(tmp_path / "work")
    assert trained(SHORT).resumed_from == 0


def test_it_stops_early_and_keeps_the_best(trained, monkeypatch):
    from searchkbd.training import dev

    accuracies = iter([0.1, 0.5, 0.3, 0.5, 0.2, 0.9])
    monkeypatch.setattr(
        dev.Development, "evaluate",
        lambda self, step, loss, encode: Evaluation(step, loss, next(accuracies), 0.5),
    )  # fmt: skip
    config = replace(SHORT, steps=60, patience=3)
    result = trained(config)
    assert [one.step for one in result.evaluations] == [3, 6, 9, 12, 15]
    assert (result.best.step, result.stopped) == (6, "patience")
    assert [path.name for path in result.student.parent.glob("best-*")] == [result.student.name]
    monkeypatch.undo()
    # Run again it does not go on, but gives the same.
    assert trained(config).student == result.student


def test_more_found_is_better_and_then_nearer():
    base = Evaluation(1, 1.0, 0.5, 0.3)
    assert replace(base, accuracy=0.6, cosine=0.1).better_than(base)
    assert replace(base, cosine=0.4).better_than(base)
    assert not replace(base, accuracy=0.4, cosine=0.9).better_than(base)
    assert not base.better_than(replace(base, loss=9.0))


def test_settings_shrink_with_the_data_and_yield_to_the_user():
    full = StudentConfig()
    large = config_for(250_000)
    assert large == replace(full, watch_every=full.steps // 20)
    small = config_for(200, seed=3, batch=None)
    assert small.batch == 50 and small.negatives == 100 and small.min_count == 1
    assert small.joined == 1600 and small.seed == 3 and small.steps < full.steps
    assert config_for(200, steps=7, batch=9).steps == 7
    assert config_for(200, steps=7, batch=9).batch == 9


def test_torch_is_left_as_it_was(trained):
    import torch

    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    trained(SHORT)
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before
