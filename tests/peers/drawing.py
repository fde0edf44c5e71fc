"""Cases drawn over real pictures, the same ones every time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edged.regions import Box
from edged.vision.image import read_picture
from tests.peers.peer import PICTURES

Picture = npt.NDArray[np.uint8]
LARGEST = 2000
"""Pixels of a side; sizes are drawn so that each of their magnitudes is as likely as another."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A picture, a region of it or None for all, and numbers to choose the rest by."""

    image: Picture
    box: Box | None
    choice: int

    @property
    def region(self) -> Box:
        return self.box or Box(0, 0, self.image.shape[1], self.image.shape[0])

    def asked(self) -> tuple[Picture, list[int] | None]:
        """Picture and region as tflite-support is asked for them.

        It misreads arrays of one row or column (test_faults shows it), so that these get another one beside them.
        """
        image, box = self.image, self.box
        if 1 in image.shape[:2]:
            image, box = np.pad(image, ((0, 1), (0, 1), (0, 0))), self.region
        return image, [box.x, box.y, box.width, box.height] if box else None

    def __str__(self) -> str:
        height, width = self.image.shape[:2]
        return f"case {self.choice}: {width} x {height}, {self.box}"


def read_photographs() -> list[Picture]:
    """The pictures that scripts/peers fetches, RGB, always in the same order."""
    return [read_picture(path) for path in sorted(PICTURES.iterdir()) if path.suffix in {".jpg", ".png"}]


def draw(photographs: list[Picture], count: int, seed: int) -> Iterator[Case]:
    """*count* cases: every third one whole, the others a region, of which every fourth is at most 40 pixels wide."""
    random = np.random.default_rng(seed)
    for choice in range(count):
        photograph = photographs[random.integers(len(photographs))]
        width, height = _side(random, LARGEST), _side(random, LARGEST)
        way = cv2.INTER_AREA if width < photograph.shape[1] else cv2.INTER_LINEAR
        image = cv2.resize(photograph, (width, height), interpolation=way).astype(np.uint8)
        box = None
        if choice % 3:
            limit = 40 if choice % 4 == 0 else LARGEST
            across, down = _side(random, min(width, limit)), _side(random, min(height, limit))
            x, y = random.integers(0, width - across + 1), random.integers(0, height - down + 1)
            box = Box(int(x), int(y), across, down)
        yield Case(image, box, choice)


def _side(random: np.random.Generator, largest: int) -> int:
    return round(float(np.exp(random.uniform(0, np.log(largest)))))
