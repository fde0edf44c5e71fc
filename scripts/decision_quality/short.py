"""The short form: the path of the demo's clip, all changes, and bounds that the figures must keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edged.states.picture_health import NOVEL
from scripts.decision_quality.changes import CHANGES
from scripts.decision_quality.clips import STREET, LabelledRegion, read_labels
from scripts.decision_quality.experiment import CLEAN, Outcome
from scripts.decision_quality.figures import accuracy

__all__ = ["broken_bounds", "short_regions"]

REGION = "street/path"  # in which both states are seen often enough in both parts of the demo's clip
LABELLED = 120  # of the demo's clip, which is the begin of vtest.avi
BLOCK = 10  # labelled frames, four seconds: examples are chosen from one block, and tested in the next
MOST_POOL, MOST_TEST = 8, 12  # frames of each state

LEAST_CLEAN, LEAST_CHANGED, LEAST_AFTER_EACH, LEAST_COVERED = 0.93, 0.93, 0.82, 0.99


def short_regions(demo: Path) -> list[LabelledRegion]:
    """Return the region of the clip in the folder *demo*.

    Examples and tests take turns, because the first half of so short a clip shows too little: the figures are no
    measure of how well edged decides, and only show when it decides worse than before.
    """
    return [_shortened(each, demo / "street.mp4") for each in read_labels(STREET, demo) if each.name == REGION]


def _shortened(region: LabelledRegion, clip: Path) -> LabelledRegion:
    short = replace(region, clip=clip, labels=region.labels[:LABELLED])
    blocks = [frame // (region.step * BLOCK) for frame in short.frames]
    pool, test = (
        [frame for frame, block in zip(short.frames, blocks, strict=True) if block % 2 == turn] for turn in (0, 1)
    )
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
    covered = np.concatenate([each["covered"] for each in novelty])
    found = {
        "accuracy as it is": (accuracy(heads, (CLEAN,)).mean, LEAST_CLEAN),
        "accuracy after all changes": (accuracy(heads, tuple(CHANGES)).mean, LEAST_CHANGED),
        **{f"accuracy after {change}": (accuracy(heads, (change,)).mean, LEAST_AFTER_EACH) for change in CHANGES},
        "share of novel frames, when covered": (float((covered > NOVEL).mean()), LEAST_COVERED),
    }
    broken = ((name, value, least) for name, (value, least) in found.items() if value < least)
    return [f"{name}: {value:.3f}, and must be {least} or more" for name, value, least in broken]
