"""The heat map: accuracy@1 from every language into every other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from searchkbd.errors import SearchkbdError
from searchkbd.evaluation.evaluator import COSINE
from searchkbd.evaluation.measures import require
from searchkbd.evaluation.pairs import language_order
from searchkbd.evaluation.results import Evaluation
from searchkbd.text.languages import NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".png", ".svg", ".pdf")
_DARK = 0.55  # numbers are white on what is darker than this


class PlotError(SearchkbdError, ValueError):
    """A plot cannot be written to this file."""


def check_plot(path: Path) -> None:
    """Raise, before any work is done, when *path* cannot become a plot.

    PlotError for a suffix that is no picture's or a place where no file can be;
    MissingPackageError without matplotlib.
    """
    if path.suffix.lower() not in FORMATS:
        raise PlotError(f"{path}: a plot is a file that ends in {', '.join(FORMATS)}")
    if path.is_dir():
        raise PlotError(f"{path} is a directory")
    if not path.parent.is_dir():
        raise PlotError(f"{path}: there is no directory {path.parent}")
    require("matplotlib")


def matrix(
    rows: Iterable[Evaluation], langs: Sequence[str], distracted: bool
) -> NDArray[np.float64]:
    """Return float64 ``[len(langs), len(langs)]``: accuracy@1 by cosine, sources down, targets
    across, the mean over files, NaN where nothing was measured."""
    sums = np.zeros((len(langs), len(langs)))
    counts = np.zeros_like(sums)
    for row in rows:
        if row.scoring == COSINE and (row.distractors > 0) == distracted:
            at = langs.index(row.source), langs.index(row.target)
            sums[at] += row.accuracy_at_1.value
            counts[at] += 1
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def write_heatmap(path: Path, rows: Sequence[Evaluation], encoder: str) -> None:
    """Draw accuracy@1 of *rows* into *path*; the file is there whole or not at all.

    One map of the searches without distractors and, where there are some, one of those with.
    Raises as :func:`check_plot` does, and OSError when the file cannot be written.
    """
    check_plot(path)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    langs = sorted({lang for row in rows for lang in row.langs}, key=language_order)
    most = max((row.distractors for row in rows), default=0)
    titles = ["no distractors"] + ([f"up to {most:,} distractors"] if most else [])
    side = 1.6 + 0.75 * len(langs)
    figure = Figure(figsize=(side * len(titles) + 0.8, side + 0.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(titles), squeeze=False)[0]
    for axis, title, distracted in zip(axes, titles, (False, True), strict=False):
        image = _draw(axis, matrix(rows, langs, distracted), [NAMES.get(a, a) for a in langs])
        axis.set_title(title, fontsize=10)
    figure.colorbar(image, ax=axes, shrink=0.8, label="accuracy@1")
    figure.suptitle(f"Finding the translation, by cosine: {encoder}", fontsize=11)
    _save(figure, path)


def _draw(axis: Axes, values: NDArray[np.float64], names: list[str]):
    axis.set_facecolor("0.92")
    image = axis.imshow(values, vmin=0, vmax=1, cmap="Blues")
    axis.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(len(names)), names)
    axis.set_xlabel("found in")
    axis.set_ylabel("searched from")
    axis.tick_params(length=0)
    edges = np.arange(len(names) + 1) - 0.5
    axis.set_xticks(edges, minor=True)
    axis.set_yticks(edges, minor=True)
    axis.grid(which="minor", color="white", linewidth=2)
    axis.tick_params(which="minor", length=0)
    axis.spines[:].set_visible(False)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = "white" if value > _DARK else "black"
            axis.text(column, row, f"{value:.3f}", ha="center", va="center", color=colour)
    return image


def _save(figure, path: Path) -> None:
    suffix = path.suffix.lower()
    aside = path.with_name(f".{path.name}.partial{suffix}")
    # No date in the file: the same figures give the same file.
    dated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    from matplotlib import rc_context

    try:
        with rc_context({"svg.hashsalt": "searchkbd"}):
            figure.savefig(aside, format=suffix[1:], dpi=150, metadata=dated.get(suffix))
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
