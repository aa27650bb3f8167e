"""The picture of a training: loss, what is learnt, and what must not be lost."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import cycle
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from searchkbd.evaluation.measures import require
from searchkbd.text.languages import NAMES
from searchkbd.training.finetune.evaluators import KABARDIAN
from searchkbd.training.finetune.gate import HELD, LIMIT
from searchkbd.training.finetune.log import LogRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ACCURACY = "_accuracy@1"
# Okabe and Ito's palette, told apart by the colour-blind too; its yellow is too pale for lines.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_HELD_MARKS = "osv^DP"
_DPI = 130

_Langs = tuple[str, str]
_Curve = tuple[list[int], list[float]]


def draw(rows: Sequence[LogRow], path: Path, *, limit: float | None = LIMIT) -> None:
    """Draw the log *rows* into the PNG file *path*; it is there whole or not at all.

    Three panels: the loss; accuracy@1 of the pairs with Kabardian, the first evaluation (of the
    base model) dashed; the change since then of the pairs of held languages, by the direction
    that lost most, and the gate's *limit* in points (None: no gate). A panel without data is left
    out. The same rows give the same bytes. Raises ValueError for a log with nothing to draw,
    MissingPackageError without matplotlib, OSError when *path* cannot be written.
    """
    require("matplotlib")
    loss = [(row.step, row.loss) for row in rows if row.loss is not None and isfinite(row.loss)]
    curves = _curves(rows)
    own = {langs: curve for langs, curve in curves.items() if KABARDIAN in langs}
    held = _worst({a: curve for a, curve in curves.items() if set(a) <= set(HELD)})
    others = {a: curve for a, curve in curves.items() if a not in own and not set(a) <= set(HELD)}
    panels = [
        (draw_panel, data)
        for draw_panel, data in (
            (_draw_loss, loss), (_draw_accuracy, own), (_draw_change, held),
            (_draw_accuracy, others),
        )
        if data
    ]  # fmt: skip
    if not panels:
        raise ValueError("the log holds nothing to draw")

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 1 + 3 * len(panels)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (draw_panel, data) in zip(axes, panels, strict=True):
        draw_panel(axis, data, limit)
        axis.grid(color="0.9")
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel("step")
    aside = path.with_name(f".{path.name}.partial.png")
    try:
        figure.savefig(aside, format="png", dpi=_DPI)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _curves(rows: Sequence[LogRow]) -> dict[_Langs, _Curve]:
    """Return steps and accuracies@1 of each direction."""
    found: dict[_Langs, _Curve] = {}
    for row in rows:
        for name, value in row.figures.items():
            direction, figure, _ = name.partition(_ACCURACY)
            if figure and name.endswith(_ACCURACY):
                source, target = direction.split("-")
                steps, values = found.setdefault((source, target), ([], []))
                steps.append(row.step)
                values.append(value)
    return found


def _worst(curves: dict[_Langs, _Curve]) -> dict[_Langs, _Curve]:
    """Return, for each language pair, the points by which its worse direction changed."""
    found: dict[_Langs, _Curve] = {}
    for (source, target), (steps, values) in curves.items():
        points = [100 * (value - values[0]) for value in values]
        other = found.get((target, source))
        if other is None:
            found[source, target] = steps, points
        else:
            worse = map(min, other[1], points)
            found[target, source] = steps, list(worse)
    return found


def _draw_loss(axis: Axes, loss: list[tuple[int, float]], limit: float | None) -> None:
    steps, values = zip(*loss, strict=True)
    axis.plot(steps, values, color="0.25", linewidth=1.4)
    if min(values) > 0:
        axis.set_yscale("log")
    axis.set_title("loss", loc="left", fontsize=10)


def _draw_accuracy(axis: Axes, curves: dict[_Langs, _Curve], limit: float | None) -> None:
    """A colour for each language pair; solid from the first language, dotted into it."""
    colours: dict[frozenset[str], str] = {}
    palette = cycle(_COLOURS)
    for langs, (steps, values) in curves.items():
        pair = frozenset(langs)
        back = pair in colours
        colour = colours.setdefault(pair, next(palette) if not back else "")
        axis.plot(
            steps, values, color=colour, linewidth=2.4, linestyle=":" if back else "-",
            marker="o", markersize=3.5, label=_arrow(langs),
        )  # fmt: skip
        axis.axhline(values[0], color=colour, linewidth=0.9, linestyle="--", alpha=0.6)
    own = any(KABARDIAN in langs for langs in curves)
    what = f"pairs with {NAMES[KABARDIAN]}" if own else "other pairs"
    axis.set_title(f"accuracy@1, {what} (dashed: before training)", loc="left", fontsize=10)
    axis.set_ylim(-0.02, 1.02)
    _legend(axis)


def _draw_change(axis: Axes, curves: dict[_Langs, _Curve], limit: float | None) -> None:
    # Lines lie on one another when nothing is lost, so their marks differ.
    for (langs, (steps, points)), colour, mark in zip(
        curves.items(), cycle(_COLOURS), cycle(_HELD_MARKS)
    ):
        axis.plot(
            steps, points, color=colour, linewidth=1.3, marker=mark, markersize=4,
            label="–".join(langs),
        )  # fmt: skip
    axis.axhline(0, color="0.3", linewidth=0.9, linestyle="--", label="before training")
    if limit is not None:
        axis.axhline(-limit, color="#B00000", linewidth=1.6, label=f"gate, −{limit:g} points")
    axis.set_title(
        "accuracy@1 of the held languages: points since before training, worse direction",
        loc="left", fontsize=10,
    )  # fmt: skip
    _legend(axis)


def _arrow(langs: _Langs) -> str:
    return "→".join(langs)


def _legend(axis: Axes) -> None:
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8, frameon=False)
