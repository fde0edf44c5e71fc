"""The short form: the demo's clip, a few changes, and bounds that the figures must keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scripts.deciding.clips import STREET, LabelledRegion, read_labels
from scripts.deciding.experiment import CLEAN, Outcome
from scripts.deciding.figures import accuracy

__all__ = ["SHORT_CHANGES", "broken_bounds", "short_regions"]

SHORT_CHANGES = ("exposure -1.5", "noise", "moved 3 %", "infrared", "covered")
REGIONS = ("street/path", "street/crossing")  # in which both states are seen in both parts of the demo's clip
LABELLED = 120  # of the demo's clip, which is the begin of vtest.avi
MOST_POOL, MOST_TEST = 12, 20  # frames of each state

LEAST_CLEAN, LEAST_CHANGED, LEAST_COVERED = 0.93, 0.88, 0.95


def short_regions(demo: Path) -> list[LabelledRegion]:
    """Return the regions of the clip in the folder *demo*: examples from its first half, tests from its second."""
    return [_shortened(each, demo / "street.mp4") for each in read_labels(STREET, demo) if each.name in REGIONS]


def _shortened(region: LabelledRegion, clip: Path) -> LabelledRegion:
    short = replace(region, clip=clip, labels=region.labels[:LABELLED])
    half = LABELLED // 2 * region.step
    pool = [frame for frame in short.frames if frame < half]
    test = [frame for frame in short.frames if frame >= half]
    return replace(short, pool=_some(short, pool, MOST_POOL), test=_some(short, test, MOST_TEST))


def _some(region: LabelledRegion, frames: Sequence[int], most: int) -> tuple[int, ...]:
    """Return at most so many of *frames* for each state, at equal distances."""
    chosen: list[int] = []
    for label in (0, 1):
        mine = [frame for frame in frames if region.label(frame) == label]
        places = np.unique(np.linspace(0, len(mine) - 1, most).round().astype(int))
        chosen += [mine[place] for place in places]
    return tuple(sorted(chosen))


def broken_bounds(outcomes: Sequence[Outcome], novelty: Sequence[Mapping[str, npt.NDArray[np.float64]]]) -> list[str]:
    """Return a sentence for each bound that is broken."""
    heads = [each for each in outcomes if each.rule == "head"]
    changes = [change for change in SHORT_CHANGES if change != "covered"]
    found = {
        "as it is": (accuracy(heads, (CLEAN,)).mean, LEAST_CLEAN),
        **{f"after {change}": (accuracy(heads, (change,)).mean, LEAST_CHANGED) for change in changes},
    }
    covered = float(np.mean([(each["covered"] > 1).mean() for each in novelty]))
    broken = [
        f"{name}: {value:.3f}, and must be {least} or more" for name, (value, least) in found.items() if value < least
    ]
    if covered < LEAST_COVERED:
        broken.append(f"covered: novel in {covered:.0%} of the frames, and must be so in {LEAST_COVERED:.0%} or more")
    return broken
