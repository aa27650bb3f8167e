"""The heat map: its numbers, its file."""

from __future__ import annotations

import re

import numpy as np
import pytest

from searchkbd.evaluation.heatmap import PlotError, check_plot, matrix, write_heatmap
from searchkbd.evaluation.results import Estimate, Evaluation


def row(source, target, value, distractors=0, scoring="cosine") -> Evaluation:
    figure = Estimate(value, value, value)
    return Evaluation("f", source, target, scoring, 9, 9, distractors, *[figure] * 4)


ROWS = [
    row("kbd", "ru", 0.5), row("kbd", "ru", 1.0), row("ru", "kbd", 0.25),
    row("kbd", "ru", 0.125, scoring="margin"), row("kbd", "ru", 0.375, distractors=20),
]  # fmt: skip


def test_cells_are_means_over_files():
    found = matrix(ROWS, ["kbd", "ru"], distracted=False)
    assert np.array_equal(found, [[np.nan, 0.75], [0.25, np.nan]], equal_nan=True)
    found = matrix(ROWS, ["kbd", "ru"], distracted=True)
    assert np.array_equal(found, [[np.nan, 0.375], [np.nan, np.nan]], equal_nan=True)


def test_an_svg_says_what_it_shows_and_is_reproducible(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("matplotlib").rcParams, "svg.fonttype", "none")
    for name in ("a.svg", "b.svg"):
        write_heatmap(tmp_path / name, ROWS, "embedded")
    drawn = (tmp_path / "a.svg").read_text("utf-8")
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", drawn)
    for wanted in ("0.750", "0.250", "0.375", "Kabardian", "Russian", "no distractors"):
        assert wanted in texts, texts
    assert any("20 distractors" in text for text in texts)
    assert "0.125" not in texts
    assert drawn == (tmp_path / "b.svg").read_text("utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.svg", "b.svg"]


@pytest.mark.parametrize(
    ("name", "start"), [("a.png", b"\x89PNG"), ("a.PDF", b"%PDF"), ("a.svg", b"<?xml")]
)
def test_the_suffix_tells_the_format(tmp_path, name, start):
    (tmp_path / name).write_bytes(b"old")
    write_heatmap(tmp_path / name, ROWS[:3], "embedded")
    assert (tmp_path / name).read_bytes().startswith(start)


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    def fail(self, path, **more):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Figure, "savefig", fail)
    (tmp_path / "a.png").write_bytes(b"old")
    with pytest.raises(OSError, match="No space"):
        write_heatmap(tmp_path / "a.png", ROWS, "embedded")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == b"old"


def test_files_that_cannot_be_plots(tmp_path):
    (tmp_path / "d.png").mkdir()
    cases = {
        "a.gif": r"\.png, \.svg, \.pdf", "a": "ends in", "d.png": "is a directory",
        "no/a.png": "there is no directory",
    }  # fmt: skip
    for name, said in cases.items():
        with pytest.raises(PlotError, match=said):
            check_plot(tmp_path / name)
