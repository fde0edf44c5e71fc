"""Thresholds that fit, found in scores: some from while a thing was there, and some from while it was not.

Such scores fall into two groups with a valley between them. Their density is estimated with an adaptive Gaussian kernel
(B. W. Silverman, Density Estimation for Statistics and Data Analysis, 1986: equation 3.31 for the width, halved, which
makes it see valleys; section 5.3, after I. S. Abramson, for the adapting, which keeps it from seeing them in the thin
ends of one group). The deepest valley is where the density is smallest beside the lower one of the highest points to
its left and right. A narrow group beside a broad one does not move it, as it moves a threshold between their means.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEWEST", "Group", "NoProposal", "Proposal", "propose"]

FEWEST = 60
"""Scores that a proposal takes at least."""

DEEP = 0.33  # of the lower hill: what is less deep comes about by chance in one group
LEAST_SHARE, LEAST_COUNT = 0.02, 12  # a group smaller than that may be a few strange frames
BAND = 6.0  # times the trembling: a score in the middle does not cross both thresholds by it, 3 times to each side
LEAST_BAND = 0.01
BINS = 1024
DIGITS = 3

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Group:
    """Scores that belong together: which ``share`` of all they are, 0…1, and where their middle nine tenths lie."""

    share: float
    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class NoProposal:
    """The reason why no thresholds can be proposed, and what would help."""

    reason: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """Thresholds, and the figures that they come from.

    ``there`` and ``away`` are the two groups, ``valley`` is the score between them that is rarest, and ``noise`` the
    standard deviation of the score from one frame to the next while the thing is there.
    """

    enter: float
    leave: float
    there: Group
    away: Group
    valley: float
    noise: float


def propose(scores: Scores) -> Proposal | NoProposal:
    """Thresholds for *scores*, finite and in the order of time."""
    if len(scores) < FEWEST:
        return NoProposal(f"there are only {len(scores)} scores; it takes {FEWEST} at least")
    valley = _valley(scores)
    if valley is None:
        return NoProposal(
            f"the scores form one group, around {np.median(scores):.3f}: the recording seems to show the thing all the "
            "time, or never. Record until it has come and gone several times"
        )
    there, away = _group(scores, scores >= valley), _group(scores, scores < valley)
    noise = _noise(scores, scores >= valley)
    band = max(LEAST_BAND, BAND * noise)
    # Not so high that half of it is missed, and not so low that what is away often looks as if it were still there.
    enter, leave = min(valley + band / 2, there.median), max(valley - band / 2, away.high)
    if enter - leave < band / 2:
        return NoProposal(
            f"the scores form two groups, around {away.median:.3f} and {there.median:.3f}, but from one frame to the "
            f"next they tremble by {noise:.3f}, which is too much for groups so near. A smaller region, or more "
            "pictures of the reference, may separate them"
        )
    enter, leave = round(enter, DIGITS), round(leave, DIGITS)
    return Proposal(enter, leave, there, away, valley, noise)


def _valley(scores: Scores) -> float | None:
    """Return the middle of the deepest valley in the density of *scores*; None if none is deep."""
    width = _kernel_width(scores)
    if width < 1e-6:  # they are all the same
        return None
    places = np.linspace(scores.min() - 4 * width, scores.max() + 4 * width, BINS)
    density = _density(scores, width, places)
    hills = np.minimum(np.maximum.accumulate(density), np.maximum.accumulate(density[::-1])[::-1])
    depth = density / hills
    below = np.searchsorted(np.sort(scores), places) / len(scores)
    least = max(LEAST_SHARE, LEAST_COUNT / len(scores))
    depth[(below < least) | (below > 1 - least)] = np.inf
    if not depth.min() <= DEEP:
        return None
    floor = np.flatnonzero(depth <= depth.min() + 0.02)
    widest = max(np.split(floor, np.flatnonzero(np.diff(floor) > 1) + 1), key=len)
    return float(places[widest].mean())


def _kernel_width(scores: Scores) -> float:
    quarter, three_quarters = np.percentile(scores, [25, 75])
    spread = min(scores.std(), (three_quarters - quarter) / 1.34) or scores.std()
    return float(0.5 * 0.9 * spread * len(scores) ** -0.2)


def _density(scores: Scores, width: float, places: Scores) -> Scores:
    """Return the density of *scores* at *places*, which are evenly spaced; up to a factor, and never quite 0."""
    step = places[1] - places[0]
    counts, _ = np.histogram(scores, len(places), (places[0] - step / 2, places[-1] + step / 2))
    held = counts > 0  # each such place stands for the scores in it
    counts, centres = counts[held], places[held]
    pilot = _kernels(centres, centres, np.full(len(centres), width)) @ counts
    usual = np.exp(np.average(np.log(pilot), weights=counts))
    widths = np.maximum(width * np.sqrt(usual / pilot), step)
    density: Scores = _kernels(places, centres, widths) @ counts + np.finfo(np.float64).tiny
    return density


def _kernels(places: Scores, centres: Scores, widths: Scores) -> Scores:
    """Return the height at each of *places* (rows) of a bell of area 1 around each of *centres* (columns)."""
    heights: Scores = np.exp(-0.5 * ((places[:, None] - centres) / widths) ** 2) / widths
    return heights


def _group(scores: Scores, members: NDArray[np.bool_]) -> Group:
    low, median, high = np.percentile(scores[members], [5, 50, 95])
    return Group(float(members.mean()), float(low), float(median), float(high))


def _noise(scores: Scores, members: NDArray[np.bool_]) -> float:
    """From the differences of neighbours that are both *members*: what drifts slowly does not count.

    The median of their sizes is 0.6745 of the standard deviation of a difference, which is √2 times that of a score.
    """
    steps = np.abs(np.diff(scores))[members[1:] & members[:-1]]
    return float(np.median(steps) / 0.6745 / np.sqrt(2)) if len(steps) else 0.0
