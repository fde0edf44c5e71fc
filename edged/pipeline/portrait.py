"""Pictures for people of one frame of a camera: its regions drawn on it, and what the model is given of each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from edged.values import FULL, Box, Format, PixelFormat, Region, Rotation
from edged.vision.resize import Resize
from edged.vision.specs import InputSpec
from edged.vision.view import ModelView, draw_boxes

__all__ = ["RgbView", "portraits"]


class RgbView:
    """Makes RGB pictures of parts of frames, pixel for pixel as captured. It belongs to one thread."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._view = ModelView(InputSpec(name="frame", index=0, height=box.height, width=box.width, dtype="uint8"))

    def of(self, frame: NDArray[np.uint8], pixels: PixelFormat) -> NDArray[np.uint8]:
        """The part of *frame*, whose layout is *pixels*: a new array of shape ``(height, width, 3)``."""
        return self._view.of(frame, pixels, self._box)


def portraits(
    camera: str,
    frame: NDArray[np.uint8],
    frame_format: Format,
    regions: Mapping[str, Region],
    rotation: Rotation,
    model_input: InputSpec,
    resize: Resize,
) -> dict[str, NDArray[np.uint8]]:
    """RGB pictures: the frame with its regions under the name *camera*, and each region's as ``camera.region``.

    The latter are what the model of *model_input* is given, before it is normalised: cropped, resized, and turned by
    *rotation*. Names of cameras and regions have no dot, so that no two pictures of any cameras have one name.
    """
    width, height = frame_format.width, frame_format.height
    boxes = {name: region.to_box(width, height) for name, region in regions.items()}
    whole = RgbView(FULL.to_box(width, height)).of(frame, frame_format.pixels)
    draw_boxes(whole, boxes)
    view = ModelView(model_input, resize)
    inputs = {name: view.of(frame, frame_format.pixels, box, rotation) for name, box in boxes.items()}
    return {camera: whole, **{f"{camera}.{name}": picture for name, picture in inputs.items()}}
