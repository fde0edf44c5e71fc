"""Figures of outcomes: accuracy with its interval, calibration, and how often sure answers are wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scripts.decision_quality.changes import CHANGES, GROUPS
from scripts.decision_quality.experiment import CLEAN, Outcome

__all__ = ["COLUMNS", "Interval", "accuracy", "bins", "calibration_error", "row", "wrong_when_sure"]

COLUMNS: dict[str, tuple[str, ...]] = {CLEAN: (CLEAN,), **GROUPS, "all 17": tuple(CHANGES)}
"""The columns of the table, and the changes that each is the mean of."""

BINS = 10
SURE = 0.73
ROUNDS = 1000  # of the bootstrap


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, and the interval that holds it in 95 of 100 cases, if other regions and draws were as these."""

    mean: float
    low: float
    high: float


def accuracy(outcomes: Iterable[Outcome], changes: Sequence[str]) -> Interval:
    """Return the balanced accuracy over all regions, draws and *changes*.

    The interval is the bootstrap's: regions are drawn anew, and in each of them its draws, because what decides is how
    the regions differ.
    """
    scores: dict[str, dict[int, list[float]]] = {}
    for outcome in outcomes:
        if outcome.change in changes:
            scores.setdefault(outcome.region, {}).setdefault(outcome.draw, []).append(outcome.balanced_accuracy)
    regions = [np.array([np.mean(values) for values in draws.values()]) for draws in scores.values()]
    random = np.random.default_rng(17)
    redrawn = [each[random.integers(0, len(each), (ROUNDS, len(each)))].mean(axis=1) for each in regions]
    chosen = random.integers(0, len(regions), (ROUNDS, len(regions)))
    means = np.take_along_axis(np.stack(redrawn, axis=1), chosen, axis=1).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Interval(float(np.mean([each.mean() for each in regions])), float(low), float(high))


def row(outcomes: Sequence[Outcome]) -> dict[str, Interval]:
    """Return the accuracy in each of `COLUMNS` that has outcomes."""
    known = {outcome.change for outcome in outcomes}
    return {name: accuracy(outcomes, changes) for name, changes in COLUMNS.items() if known & set(changes)}


def bins(outcomes: Iterable[Outcome]) -> npt.NDArray[np.float64]:
    """Return how sure answers were and how often right, and how many there were, in ten bins: shape ``(10, 3)``."""
    p = np.concatenate([outcome.p for outcome in outcomes])
    labels = np.concatenate([outcome.labels for outcome in outcomes])
    sure, right = np.maximum(p, 1 - p), (p >= 0.5) == (labels == 1)
    number = np.minimum(((sure - 0.5) * 2 * BINS).astype(int), BINS - 1)
    found = [
        (sure[number == each].mean(), right[number == each].mean(), (number == each).sum()) for each in set(number)
    ]
    return np.array(sorted(found))


def calibration_error(outcomes: Sequence[Outcome]) -> float:
    """Return the expected calibration error: how far, on average, answers are righter or wronger than they are sure."""
    found = bins(outcomes)
    return float(np.average(np.abs(found[:, 0] - found[:, 1]), weights=found[:, 2]))


def wrong_when_sure(outcomes: Sequence[Outcome]) -> tuple[float, float]:
    """Return the share of wrong ones among the answers outside 0.27…0.73, and the share of frames with such answers."""
    p = np.concatenate([outcome.p for outcome in outcomes])
    labels = np.concatenate([outcome.labels for outcome in outcomes])
    sure = np.maximum(p, 1 - p) >= SURE
    wrong = (p >= 0.5) != (labels == 1)
    return float(wrong[sure].mean()), float(sure.mean())
