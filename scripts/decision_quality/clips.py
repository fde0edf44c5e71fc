"""Clips with labelled regions, and their frames."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edged.regions import Region
from scripts.decision_quality.changes import Picture, Scene

__all__ = ["STREET", "LabelledRegion", "frame_rate", "read_labels", "read_scenes"]

STREET = Path(__file__).parent / "street.json"
"""The labels of four regions of vtest.avi, of OpenCV's samples."""


@dataclass(frozen=True, slots=True)
class LabelledRegion:
    """A region of a clip, and which of two states it is in, in every *step*-th frame.

    ``pool`` are the numbers of frames to choose examples from, and ``test`` those of later ones to decide about.
    """

    name: str
    clip: Path
    region: Region
    states: tuple[str, str]
    step: int
    labels: str
    pool: tuple[int, ...]
    test: tuple[int, ...]

    @property
    def frames(self) -> range:
        """Return the numbers of all labelled frames."""
        return range(0, len(self.labels) * self.step, self.step)

    def label(self, frame: int) -> int | None:
        """Return 0 or 1, for the state; None where a person could not decide."""
        mark = self.labels[frame // self.step]
        return None if mark == "?" else int(mark)

    def labels_of(self, frames: Sequence[int]) -> list[int]:
        """Return the labels of *frames*, all of which have one."""
        labels = [self.label(frame) for frame in frames]
        return [label for label in labels if label is not None]


def read_labels(file: Path, clips: Path) -> list[LabelledRegion]:
    """Return the regions in *file*, whose clips are in the folder *clips*."""
    return [
        LabelledRegion(
            name,
            clips / found["clip"],
            Region(*found["box"]),
            (found["states"][0], found["states"][1]),
            found["step"],
            found["labels"],
            tuple(found["pool"]),
            tuple(found["test"]),
        )
        for name, found in json.loads(file.read_text()).items()
    ]


def read_scenes(region: LabelledRegion, wanted: Collection[int]) -> Iterator[tuple[int, Scene]]:
    """Yield the frames of *region* whose numbers are *wanted*, with their numbers, in the order of the clip."""
    places = {frame: number / max(1, len(region.test) - 1) for number, frame in enumerate(region.test)}
    for number, frame in _frames(region.clip, wanted):
        height, width = frame.shape[:2]
        box = region.region.to_box(width, height)
        yield number, Scene(frame, box, places.get(number, 0.0), np.random.default_rng(number))


def frame_rate(clip: Path) -> float:
    """Return the frames per second of *clip*."""
    return float(cv2.VideoCapture(str(clip)).get(cv2.CAP_PROP_FPS))


def _frames(clip: Path, wanted: Collection[int]) -> Iterator[tuple[int, Picture]]:
    capture = cv2.VideoCapture(str(clip))
    last = max(wanted, default=-1)
    for number in range(last + 1):
        if not capture.grab():
            raise SystemExit(f"{clip}: ends at frame {number}, and the labels go on to {last}")
        if number in wanted:
            yield number, cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2RGB).astype(np.uint8)
