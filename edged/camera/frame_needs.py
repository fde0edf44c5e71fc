"""The needs of the model: the least size of the frames of a camera, their rate, and the most pixels of a frame."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from edged.regions import FULL, AnyRegion, Pixels
from edged.values import MAX_PIXELS, WHITE, Colour
from edged.vision.pixels.reduction import crop_size, largest_reduction

if TYPE_CHECKING:
    from edged.config import CameraConfig
    from edged.vision.pixels.reduction import Decode

__all__ = ["FrameNeeds"]

SLOWEST_SENSOR = 10.0  # frames per second: what is capped below is dropped to; a sensor that slow shows the past


@dataclass(frozen=True, slots=True)
class FrameNeeds:
    """The regions of a camera, and the pixels that each has to have for the model.

    ``crop`` is the width and height of a region that becomes the model's input without being enlarged; None where
    frames may be as large as the camera likes. ``is_reduced``: JPEGs are decoded as small as that allows. ``fps`` are
    frames per second to ask a sensor for; None where it may choose. A frame has at most ``max_pixels``, before it is
    reduced. Transparent pictures are laid on ``background``.
    """

    regions: tuple[AnyRegion, ...]
    crop: tuple[int, int] | None
    is_reduced: bool
    fps: float | None
    max_pixels: int = MAX_PIXELS
    background: Colour = WHITE

    @classmethod
    def of(
        cls,
        camera: CameraConfig,
        decode: Decode,
        input_size: tuple[int, int] | None,
        max_pixels: int = MAX_PIXELS,
        background: Colour = WHITE,
    ) -> FrameNeeds:
        """Return the needs of *camera*, for a model whose input has the width and height *input_size*."""
        is_slow = camera.fps is not None and camera.fps < SLOWEST_SENSOR
        return cls(
            regions=tuple(region.region for region in camera.regions.values()),
            crop=crop_size(input_size, camera.rotation) if input_size else None,
            is_reduced=decode == "reduced",
            fps=None if is_slow else camera.fps,
            max_pixels=max_pixels,
            background=background,
        )

    @property
    def reduction(self) -> Callable[[int, int], int] | None:
        """Returns, of a JPEG's width and height, the largest fraction to decode it at; None: at its full size."""
        if self.crop is None or not self.is_reduced:
            return None
        return partial(largest_reduction, regions=list(self.regions), least=self.crop)

    def least_frame(self, *, is_cropped: bool) -> tuple[int, int] | None:
        """Return width and height of the smallest frame in which every region has enough pixels; None if any will do.

        With *is_cropped* the frame is the region.
        """
        if self.crop is None:
            return None
        width, height = self.crop
        shown = (FULL,) if is_cropped else self.regions
        return (
            max(_least_side(width, region.left, region.right) for region in shown),
            max(_least_side(height, region.top, region.bottom) for region in shown),
        )


def _least_side(size: int, low: float | Pixels, high: float | Pixels) -> int:
    """Return the least side of a frame in which a region from *low* to *high* has *size* pixels, or its own ones."""
    if isinstance(low, Pixels) or isinstance(high, Pixels):
        return max(edge.count for edge in (low, high) if isinstance(edge, Pixels))
    return math.ceil(size / (high - low))
