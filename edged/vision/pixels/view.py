"""A picture as a model gets it: the pixels of its input before they are normalised."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edged.regions import FULL
from edged.vision.pixels.orientation import Orientation
from edged.vision.pixels.preprocess import Preprocessor
from edged.vision.specs import InputSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from edged.regions import Box, Region
    from edged.values import Format, PixelFormat, Rotation
    from edged.vision.pixels.fit import Fit
    from edged.vision.pixels.resize import Resize

__all__ = ["ModelView", "RgbView", "draw_boxes", "frame_pictures"]

GREEN = (46, 204, 113)  # RGB


class ModelView:
    """Makes pictures, for people, of the input of the model of *spec*. It belongs to one thread.

    The pixels are those of a model that takes them as they are; a float model gets the same ones, normalised.
    """

    def __init__(self, spec: InputSpec, resize: Resize = "exact", fit: Fit = "stretch") -> None:
        self._spec = replace(spec, dtype="uint8", quantization=None, normalization=None)
        self._preprocess = Preprocessor(self._spec, resize, fit)

    def of(self, image: NDArray[np.uint8], pixels: PixelFormat, box: Box, rotation: Rotation = 0) -> NDArray[np.uint8]:
        """Return *box* of *image*, whose layout is *pixels*, as the model gets it: RGB, ``(height, width, 3)``.

        Raises:
            ValueError: *image* is not of that layout, or *box* reaches outside it.
        """
        seen = np.zeros((self._spec.height, self._spec.width, 3), np.uint8)
        self._preprocess(image, pixels, box, Orientation.from_rotation(rotation), seen)
        return seen


def draw_boxes(picture: NDArray[np.uint8], boxes: Mapping[str, Box]) -> None:
    """Draw *boxes* with their names on *picture*, RGB of shape ``(height, width, 3)``."""
    line = max(1, round(max(picture.shape[:2]) / 400))
    for name, box in boxes.items():
        corner = (box.x + box.width - 1, box.y + box.height - 1)
        cv2.rectangle(picture, (box.x, box.y), corner, GREEN, line)
        place = (box.x + 2 * line, max(box.y, 0) + 12 * line)
        cv2.putText(picture, name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.35 * line, GREEN, line, cv2.LINE_AA)


class RgbView:
    """Makes RGB pictures of parts of frames, pixel for pixel as captured. It belongs to one thread."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._view = ModelView(InputSpec(name="frame", index=0, height=box.height, width=box.width, dtype="uint8"))

    def of(self, frame: NDArray[np.uint8], pixels: PixelFormat) -> NDArray[np.uint8]:
        """Return the part of *frame*, whose layout is *pixels*: a new array of shape ``(height, width, 3)``."""
        return self._view.of(frame, pixels, self._box)


def frame_pictures(
    camera: str,
    frame: NDArray[np.uint8],
    frame_format: Format,
    regions: Mapping[str, Region],
    rotation: Rotation,
    model_input: InputSpec,
    resize: Resize,
    fit: Fit = "stretch",
) -> dict[str, NDArray[np.uint8]]:
    """Return RGB pictures: the frame with its regions under the name *camera*, and each region's as ``camera.region``.

    The latter are what the model of *model_input* is given, before it is normalised: cropped, resized, and turned by
    *rotation*. Names of cameras and regions have no dot, so that no two pictures of any cameras have one name.
    """
    width, height = frame_format.width, frame_format.height
    boxes = {name: region.to_box(width, height) for name, region in regions.items()}
    whole = RgbView(FULL.to_box(width, height)).of(frame, frame_format.pixels)
    draw_boxes(whole, boxes)
    view = ModelView(model_input, resize, fit)
    inputs = {name: view.of(frame, frame_format.pixels, box, rotation) for name, box in boxes.items()}
    return {camera: whole, **{f"{camera}.{name}": picture for name, picture in inputs.items()}}
