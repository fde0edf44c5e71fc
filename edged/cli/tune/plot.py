"""The findings of ``edged tune`` as a picture. The only module that imports matplotlib."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edged.cli.text import some
from edged.events import Thresholds
from edged.events.proposal import Proposal
from edged.events.tuning import Tuning

__all__ = ["draw"]

BLUE, ORANGE, GREEN, GREY = "#1f6fb4", "#d95f02", "#2ca25f", "#777777"
UNITS = ((2 * 86_400, 86_400, "days"), (2 * 3600, 3600, "hours"), (300, 60, "minutes"), (0, 1, "seconds"))


def draw(tuning: Tuning, path: Path) -> None:
    """Draw the scores over time, the events, and the distribution of the scores into the PNG *path*.

    Raises:
        OSError: it cannot be written.
    """
    figure = Figure(figsize=(11, 4.2), dpi=110, layout="constrained")  # not pyplot, which needs a display
    over_time, distribution = figure.subplots(1, 2, sharey=True, width_ratios=(4, 1))
    scores = np.frombuffer(tuning.series.scores)
    _draw_scores(over_time, tuning, scores)
    _draw_distribution(distribution, tuning, scores)
    for axes in (over_time, distribution):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
        if tuning.thresholds is not None:
            axes.axhline(tuning.thresholds.enter, color=GREEN, linewidth=1.2)
            axes.axhline(tuning.thresholds.leave, color=GREEN, linewidth=1.2, linestyle="--")
    if tuning.thresholds is not None:
        _name_thresholds(distribution, tuning.thresholds)
    figure.savefig(path, format="png", facecolor="white")


def _draw_scores(axes: Axes, tuning: Tuning, scores: NDArray[np.float64]) -> None:
    series = tuning.series
    size, unit = next((size, unit) for least, size, unit in UNITS if series.seconds >= least)
    seconds = np.frombuffer(series.at_us, np.int64) / 1e6
    breaks = [number for number in series.breaks if number < len(scores)]
    axes.plot(np.insert(seconds, breaks, np.nan) / size, np.insert(scores, breaks, np.nan), color=BLUE, linewidth=1.2)
    for event in tuning.events:
        axes.axvspan(event.begin / size, event.end / size, color=GREEN, alpha=0.15, linewidth=0)
    events = f": {some(len(tuning.events), 'event')}" if tuning.thresholds is not None else ""
    axes.set_title(f"{tuning.reference} in {series.place}{events}", loc="left", fontsize=11)
    axes.set(xlabel=unit, ylabel="similarity", xlim=(0, max(series.seconds, 1e-3) / size))


def _draw_distribution(axes: Axes, tuning: Tuning, scores: NDArray[np.float64]) -> None:
    counts, edges = np.histogram(scores, 80, (scores.min() - 0.005, scores.max() + 0.005))
    if isinstance(tuning.proposal, Proposal):
        belongs_above = edges[:-1] >= tuning.proposal.valley
        axes.stairs(np.where(belongs_above, counts, 0), edges, orientation="horizontal", fill=True, color=BLUE)
        axes.stairs(np.where(belongs_above, 0, counts), edges, orientation="horizontal", fill=True, color=ORANGE)
    else:
        axes.stairs(counts, edges, orientation="horizontal", fill=True, color=GREY)
    axes.set_title("how often each score", loc="left", fontsize=11)
    axes.set(xlabel="frames")


def _name_thresholds(axes: Axes, thresholds: Thresholds) -> None:
    for name, value, side in (("enter", thresholds.enter, "bottom"), ("leave", thresholds.leave, "top")):
        place = axes.get_yaxis_transform()  # x in 0…1 of the axes, y a score
        axes.text(1, value, f"{name} {value:g}", transform=place, ha="right", va=side, color=GREEN, fontsize=9)
