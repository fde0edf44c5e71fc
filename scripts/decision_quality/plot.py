"""The findings as a picture, if matplotlib is installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from scripts.decision_quality.changes import CHANGES
from scripts.decision_quality.experiment import CLEAN, Outcome
from scripts.decision_quality.figures import COLUMNS, bins, row

__all__ = ["draw_figures"]

BLUE, ORANGE, GREY = "#1f6fb4", "#d95f02", "#777777"


def draw_figures(outcomes: Sequence[Outcome], file: Path) -> None:
    """Draw the accuracy by the number of examples, and the calibration, into the PNG *file*."""
    figure = Figure(figsize=(11, 4.4), dpi=110, layout="constrained")
    learning, calibration = figure.subplots(1, 2)
    heads = [each for each in outcomes if each.rule == "head"]
    counts = sorted({each.examples for each in heads})
    rows = [row([each for each in heads if each.examples == count]) for count in counts]
    for name in COLUMNS:
        if name in rows[0]:
            learning.plot(counts, [found[name].mean for found in rows], marker="o", label=name)
    today = row([each for each in outcomes if each.rule == "score >= 0.9"])
    for name, style in ((CLEAN, "-"), ("all 17", ":")):
        if name in today:
            learning.axhline(today[name].mean, color=GREY, linestyle=style, label=f"score >= 0.9, {name}")
    learning.set(xlabel="examples of each state", ylabel="balanced accuracy", xscale="log")
    learning.set_xticks(counts, [str(count) for count in counts])
    learning.legend(fontsize=8)
    calibration.plot((0.5, 1), (0.5, 1), color=GREY, linewidth=1)
    last = [each for each in heads if each.examples == counts[-1]]
    for name, colour, changes in ((CLEAN, BLUE, {CLEAN}), ("changed", ORANGE, set(CHANGES))):
        found = bins([each for each in last if each.change in changes])
        calibration.plot(found[:, 0], found[:, 1], marker="o", color=colour, label=name)
    calibration.set(xlabel="probability of the answer", ylabel="share of right answers")
    calibration.legend(fontsize=8)
    for axes in (learning, calibration):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    figure.savefig(file, format="png", facecolor="white")
