"""Verdict on growth: what counts as flat, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from scripts.soaking.vitals import Vitals

__all__ = ["BOUNDS", "HOSTILE_BOUNDS", "LEAST_SAMPLES", "Measure", "judge"]

MIB = 1 << 20
LEAST_SAMPLES = 20


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of a flat measure after the first quarter.

    ``drift``: how much the median of the last quarter may be above the median of the second. A leak of any steady rate
    passes it sooner or later, so that a longer soak finds a smaller one; a saw tooth, such as a clip that is opened
    again, does not. ``spread``: how far apart the least and the most may be.
    """

    drift: float
    spread: float


# Memory: malloc gives each thread an arena, which grows by steps of 132 KiB and more and seldom shrinks. Which thread
# allocates at which moment is chance, so memory settles within minutes, and never completely. 2 MiB are 15 of these
# steps. Pages of files come and go with the space in the page cache, so resident memory has a wider bound.
# File descriptors: each subscriber has one for its connection. They come and go, in the same rhythm in each quarter.
# Threads: all are made at the start.
BOUNDS = {
    "own": Bounds(drift=2 * MIB, spread=12 * MIB),
    "resident": Bounds(drift=4 * MIB, spread=24 * MIB),
    "fds": Bounds(drift=1, spread=8),
    "threads": Bounds(drift=0, spread=0),
}
# A hostile camera may send a part of 16 MiB at any time, and each of three does: memory comes and goes by that much.
HOSTILE_BOUNDS = BOUNDS | {
    "own": Bounds(drift=2 * MIB, spread=50 * MIB),
    "resident": Bounds(drift=4 * MIB, spread=50 * MIB),
}
_NAMES = {
    "own": "memory of its own",
    "resident": "memory (RSS)",
    "fds": "file descriptors",
    "threads": "threads",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure, in bytes or pieces: the medians of the last three ``quarters``, and the ``spread`` over all."""

    key: str
    quarters: tuple[float, float, float]
    spread: float
    bounds: Bounds

    @property
    def name(self) -> str:
        """Name of the measure, for people."""
        return _NAMES[self.key]

    @property
    def drift(self) -> float:
        """Growth from the second quarter to the last."""
        return self.quarters[2] - self.quarters[0]

    @property
    def is_flat(self) -> bool:
        """Whether the measure is within its bounds."""
        return self.drift <= self.bounds.drift and self.spread <= self.bounds.spread


def judge(samples: Sequence[Vitals], bounds: Mapping[str, Bounds] = BOUNDS) -> list[Measure]:
    """Each measure of *samples*, which are at even distances, with its *bounds*.

    Raises:
        ValueError: there are fewer than 20, which are not enough for a verdict.
    """
    if len(samples) < LEAST_SAMPLES:
        raise ValueError(f"{len(samples)} samples are too few: {LEAST_SAMPLES} are needed")
    values: Mapping[str, Callable[[Vitals], int]] = {
        "own": lambda each: each.own,
        "resident": lambda each: each.resident,
        "fds": lambda each: each.fds,
        "threads": lambda each: each.threads,
    }
    return [_measure(key, samples, value, bounds[key]) for key, value in values.items()]


def _measure(key: str, samples: Sequence[Vitals], value: Callable[[Vitals], int], bounds: Bounds) -> Measure:
    values = [value(sample) for sample in samples]
    cuts = [len(values) * quarter // 4 for quarter in range(1, 5)]
    second, third, last = (median(values[begin:end]) for begin, end in pairwise(cuts))
    later = values[cuts[0] :]
    return Measure(key, (second, third, last), max(later) - min(later), bounds)
