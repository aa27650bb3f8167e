"""The picture of a training."""

from __future__ import annotations

import math

import numpy as np
import pytest

from searchkbd.training.finetune import plot
from searchkbd.training.finetune.log import LogRow

pytest.importorskip("matplotlib")
RED = (0xB0, 0, 0)
BLUE = (0, 0x72, 0xB2)


def rows(*langs: str, fall: float = 0.0) -> list[LogRow]:
    """A training of 100 steps, evaluated after every 20th."""
    found = []
    for step in range(0, 101, 10):
        share = step / 100
        figures = {}
        for name in langs if step % 20 == 0 else ():
            value = 0.1 + 0.8 * share if "kbd" in name else 0.9 - fall * share
            figures |= {f"{name}_accuracy@1": value, f"{name}_mrr@10": 0.5}
        loss = None if step == 0 else 2.0 - share
        found.append(LogRow(step, share, 1.0 * step, loss, 5e-5, 1.0, figures))
    return found


def pixels(path) -> np.ndarray:
    from matplotlib.image import imread

    return np.rint(imread(path)[..., :3] * 255).astype(int)


def drawn(tmp_path, found, **given) -> np.ndarray:
    path = tmp_path / "log.png"
    plot.draw(found, path, **given)
    assert sorted(tmp_path.iterdir()) == [path]
    return pixels(path)


def count(image: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((image == colour).all(axis=-1).sum())


ALL = ("kbd-ru", "ru-kbd", "ru-tr", "tr-ru")


def test_kabardian_held_languages_and_the_gate_are_drawn(tmp_path):
    image = drawn(tmp_path, rows(*ALL, fall=0.1))
    assert count(image, RED) > 500
    assert count(image, BLUE) > 1000
    assert count(drawn(tmp_path, rows(*ALL, fall=0.1), limit=None), RED) == 0


def test_panels_without_data_are_left_out(tmp_path):
    heights = [
        drawn(tmp_path, found).shape[0]
        for found in (rows(), rows("kbd-ru"), rows(*ALL), rows(*ALL, "de-en"))
    ]
    assert np.diff(heights).tolist() == [3 * plot._DPI] * 3


def test_the_same_rows_give_the_same_bytes(tmp_path):
    for name in ("a.png", "b.png"):
        plot.draw(rows(*ALL), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    plot.draw(rows(*ALL, fall=0.1), tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


def test_the_worse_direction_of_a_pair_counts():
    curves = {
        ("ru", "tr"): ([0, 10, 20], [0.90, 0.95, 0.90]),
        ("tr", "ru"): ([0, 10, 20], [0.80, 0.70, 0.85]),
        ("en", "fr"): ([0, 10, 20], [0.50, 0.50, 0.40]),
    }
    found = plot._worst(curves)
    assert list(found) == [("ru", "tr"), ("en", "fr")]
    assert found["ru", "tr"] == ([0, 10, 20], pytest.approx([0, -10, 0]))
    assert found["en", "fr"] == ([0, 10, 20], pytest.approx([0, 0, -10]))


def test_a_loss_that_is_no_number_or_negative_can_be_drawn(tmp_path):
    found = [LogRow(1, 0, 0, math.nan), LogRow(2, 0, 0, -1.0), LogRow(3, 0, 0, math.inf),
             LogRow(4, 0, 0, 2.0)]  # fmt: skip
    assert drawn(tmp_path, found).size


def test_nothing_to_draw_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="nothing to draw"):
        plot.draw([LogRow(1, 0.1, 1.0, math.nan)], tmp_path / "log.png")
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "log.png").mkdir()
    with pytest.raises(OSError):
        plot.draw(rows(), tmp_path / "log.png")
    assert sorted(tmp_path.iterdir()) == [tmp_path / "log.png"]
