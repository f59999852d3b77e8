"""A drawing of style against content: a panel for each pair, a line for each variant, a point for other pictures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from scorer import Score

COLUMNS = 3
PANEL_INCHES = 4.2


@dataclass(frozen=True)
class Panel:
    """What stands in one of them."""

    title: str
    curves: Mapping[str, Sequence[Score]]
    points: Mapping[str, Score]


def draw(panels: Sequence[Panel], strengths: Sequence[int], path: Path) -> None:
    """Write the drawing as that file; along a curve there is a score for each strength."""
    columns = min(COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(PANEL_INCHES * columns, PANEL_INCHES * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _fill(axes, panel, strengths)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def _fill(axes: Any, panel: Panel, strengths: Sequence[int]) -> None:  # Any: matplotlib's grid of axes has no type
    axes.set(title=panel.title, xlabel="content (0: the photo)", ylabel="style (0: the painting)", yscale="log")
    for variant, scores in panel.curves.items():
        axes.plot([score.content for score in scores], [score.style for score in scores], marker=".", label=variant)
        for strength, score in zip(strengths, scores, strict=True):
            axes.annotate(str(strength), (score.content, score.style), fontsize="xx-small")
    for name, score in panel.points.items():
        axes.plot(score.content, score.style, marker="x", linestyle="none", label=name)
    axes.grid(visible=True, which="both", alpha=0.2)
    axes.legend(fontsize="x-small")
