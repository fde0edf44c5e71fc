"""Plans for crops of one size and layout: the steps from their pixels to the input of a model.

The order and the numbers are the Task Library's. YUV pictures are resized and turned as planes and become RGB last.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from edged.values import PixelFormat
from edged.vision.pixels.colour import CHANNELS, TO_RGB, PlanesToRgb, chroma_size, split_planes
from edged.vision.pixels.fit import BAR
from edged.vision.pixels.orientation import Orientation
from edged.vision.pixels.resize import Resize, Scratch, make_resizer

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edged.regions import Box
    from edged.vision.pixels.colour import Plane
    from edged.vision.specs import InputSpec

    Step = Callable[[NDArray[np.uint8], NDArray[Any]], object]
    """Reads the first picture, writes the second."""

__all__ = ["PackedPlan", "PlanarPlan", "Target"]


class Target(NamedTuple):
    """The part that all plans of a preprocessor share: the input that they write, and the memory for their steps.

    ``values`` are what the pixel values become (`pixel_values`), or None.
    """

    spec: InputSpec
    resize: Resize
    values: NDArray[Any] | None
    scratch: Scratch

    @property
    def bar(self) -> Any:
        """The value of the pixels of a letterbox's bars: a number, or one for each channel."""
        if self.values is None:
            return BAR
        return self.values[BAR] if self.values.ndim == 1 else self.values[0, BAR]

    def of_size(self, width: int, height: int) -> Target:
        """Return the same for a part of the input of that size."""
        return self._replace(spec=replace(self.spec, width=width, height=height))

    def stored_size(self, orientation: Orientation) -> tuple[int, int]:
        """Return width and height that a picture is resized to before it is turned."""
        size = (self.spec.width, self.spec.height)
        return size[::-1] if orientation.swaps_sides else size


class PackedPlan:
    """Everything that is computed beforehand for crops of one size of RGB, BGR, RGBA, BGRA or gray pictures."""

    def __init__(self, destination: Target, pixels: PixelFormat, box: Box, orientation: Orientation) -> None:
        channels, source, target = CHANNELS[pixels], (box.width, box.height), destination.stored_size(orientation)
        upright = (destination.spec.height, destination.spec.width, 3)
        steps: list[tuple[Step, tuple[int, ...]]] = []
        if source != target:
            resizer = make_resizer(destination.resize, source, target, channels, destination.scratch)
            steps.append((resizer, _shape(*target, channels)))
        if pixels in TO_RGB:
            steps.append((partial(_convert, TO_RGB[pixels]), _shape(*target, 3)))
        if orientation is not Orientation.TOP_LEFT:
            steps.append((orientation.turn, upright))
        if destination.values is not None:
            steps.append((partial(_look_up, destination.values), upright))
        *before, (self._last, _) = steps or [(_copy, upright)]
        self._before = [(step, destination.scratch.array(f"step {i}", shape)) for i, (step, shape) in enumerate(before)]
        self._shape = _shape(*source, channels)
        self._scratch = destination.scratch

    def __call__(self, image: NDArray[np.uint8], box: Box, out: NDArray[Any], *, scattered: bool) -> None:
        picture = image[box.y : box.y + box.height, box.x : box.x + box.width]
        if len(self._shape) == 2 and picture.ndim == 3:
            picture = picture[..., 0]
        if scattered:
            np.copyto(crop := self._scratch.array("crop", self._shape), picture)
            picture = crop
        for step, result in self._before:
            step(picture, result)
            picture = result
        self._last(picture, out)


class PlanarPlan:
    """Everything that is computed beforehand for crops of one size, and one parity of place, of YUV pictures.

    Each plane is cut to the samples that the box touches. A box that begins at an odd pixel cuts its first colour
    sample in half: the whole one is taken, so that colours lie at most half a sample off at the edges, and nowhere
    on average. (The Task Library shifts all of them by half a sample there.)
    """

    def __init__(self, destination: Target, pixels: PixelFormat, box: Box, orientation: Orientation) -> None:
        self._pixels = pixels
        self._values = destination.values
        self._scratch = destination.scratch
        luma = destination.stored_size(orientation)
        chroma = chroma_size(*luma)
        down = 1 if pixels is PixelFormat.YUYV else 2
        touched = (_samples(box.x, box.width, 2), _samples(box.y, box.height, down))
        self._planes = [
            _PlanePlan("y", destination, (box.width, box.height), luma, orientation),
            _PlanePlan("u", destination, touched, chroma, orientation),
            _PlanePlan("v", destination, touched, chroma, orientation),
        ]
        self._to_rgb = PlanesToRgb(destination.spec.width, destination.spec.height, destination.scratch)
        self._rgb = destination.scratch.array("rgb", (destination.spec.height, destination.spec.width, 3))

    def __call__(self, image: NDArray[np.uint8], box: Box, out: NDArray[Any], *, scattered: bool) -> None:
        if scattered:
            np.copyto(frame := self._scratch.array("frame", image.shape), image)
            image = frame
        planes = split_planes(image, self._pixels)
        y, u, v = (plan(plane, box) for plan, plane in zip(self._planes, planes, strict=True))
        if self._values is None:
            self._to_rgb(y, u, v, out)
        else:
            self._to_rgb(y, u, v, self._rgb)
            _look_up(self._values, self._rgb, out)


class _PlanePlan:
    """One plane of a YUV picture: taken out, resized and turned."""

    def __init__(
        self, name: str, destination: Target, source: tuple[int, int], target: tuple[int, int], orientation: Orientation
    ) -> None:
        upright = target[::-1] if orientation.swaps_sides else target
        self._resize = make_resizer(destination.resize, source, target, 1, destination.scratch, plane=True)
        self._turn = orientation.turn
        self._plane = destination.scratch.array("plane", _shape(*source, 1))
        self._small = destination.scratch.array("small", _shape(*target, 1))
        self._upright = destination.scratch.array(f"upright {name}", _shape(*upright, 1))

    def __call__(self, plane: Plane, box: Box) -> NDArray[np.uint8]:
        x, y = box.x // plane.across, box.y // plane.down
        rows, columns = self._plane.shape
        picture = plane.picture[y : y + rows, x : x + columns]
        if picture.ndim == 3:
            cv2.extractChannel(picture, plane.channel, self._plane)
            picture = self._plane
        self._resize(picture, self._small)
        self._turn(self._small, self._upright)
        return self._upright


def _samples(start: int, size: int, step: int) -> int:
    """Return the number of samples, one for every *step* pixels, that *size* pixels from *start* on touch."""
    return (start + size + step - 1) // step - start // step


def _shape(width: int, height: int, channels: int) -> tuple[int, ...]:
    return (height, width) if channels == 1 else (height, width, channels)


def _copy(picture: NDArray[np.uint8], out: NDArray[Any]) -> None:
    np.copyto(out, picture)


def _convert(code: int, picture: NDArray[np.uint8], out: NDArray[Any]) -> None:
    cv2.cvtColor(picture, code, out)


def _look_up(values: NDArray[Any], picture: NDArray[np.uint8], out: NDArray[Any]) -> None:
    cv2.LUT(picture, values, out)
