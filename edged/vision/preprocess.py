"""A frame to what a model takes: crop, resize, colour, turn, normalise.

The order and the numbers are the Task Library's. YUV pictures are resized and turned as planes and become RGB last.
Everything is written into memory that was made when a geometry was first seen, and the last step writes into the
caller's array, which may be the model's input tensor.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from edged.errors import ModelError
from edged.values import PixelFormat
from edged.vision.colour import CHANNELS, TO_RGB, PlanesToRgb, chroma_size, frame_size, split_planes
from edged.vision.orientation import Orientation
from edged.vision.resize import Resize, Scratch, make_resizer
from edged.vision.rounding import round_half_away, saturate_int8

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edged.values import Box
    from edged.vision.colour import Plane
    from edged.vision.specs import InputSpec, Normalization

    Step = Callable[[NDArray[np.uint8], NDArray[Any]], object]
    """Reads the first picture, writes the second."""

__all__ = ["Preprocessor", "Resize", "pixel_values"]

_PLANS = 64
"""Geometries remembered: regions times frame sizes of a busy daemon."""

_MIRRORED = {PixelFormat.RGB: PixelFormat.BGR, PixelFormat.BGR: PixelFormat.RGB}


class Preprocessor:
    """Brings pictures into the form that one model takes. One thread uses it.

    Args:
        spec: the model's input.
        resize: ``exact``: the Task Library's own resize, to the bit; ``linear`` or ``area``: OpenCV's.

    Raises:
        ModelError: a ``float32`` input without normalisation, or an ``int8`` one with normalisation and no scale.
    """

    def __init__(self, spec: InputSpec, resize: Resize = "exact") -> None:
        self._aim = _Aim(spec, resize, pixel_values(spec), Scratch())
        self._plans: OrderedDict[tuple[object, ...], _PackedPlan | _PlanarPlan] = OrderedDict()
        self._ways: dict[tuple[object, ...], _Way] = {}
        self._out: NDArray[Any] | None = None
        self._target: NDArray[Any]

    def __call__(
        self, image: NDArray[np.uint8], pixels: PixelFormat, box: Box, orientation: Orientation, out: NDArray[Any]
    ) -> None:
        """Write the part *box* of *image*, upright, into *out* as the model takes it.

        Args:
            image: ``uint8`` of any memory layout, of the shape that *pixels* has.
            pixels: how the colours of *image* lie.
            box: in pixels of *image* as stored, before it is turned.
            orientation: how *image* is stored. Where it swaps the sides, the crop is resized to the model's height and
                width swapped and turned then, which is how the Task Library does it.
            out: ``(height, width, 3)`` or ``(1, height, width, 3)`` of the input's dtype.

        Raises:
            ValueError: *image* or *out* has another shape or dtype than it has to have, or *box* is empty or reaches
                outside *image*.
        """
        seen = (image.shape, image.strides, image.dtype, pixels, box, orientation)
        way = self._ways.get(seen)
        if way is None:
            way = self._way(image, pixels, box, orientation)
            if len(self._ways) >= _PLANS:
                self._ways.clear()
            self._ways[seen] = way
        if out is not self._out:
            self._target = self._checked(out)
            self._out = out
        target = self._target
        if way.mirrored:
            image = image[..., ::-1]
        if target.flags.c_contiguous:
            way.plan(image, box, target, scattered=way.scattered)
        else:
            whole = self._aim.scratch.array("whole", target.shape, target.dtype.type)
            way.plan(image, box, whole, scattered=way.scattered)
            np.copyto(target, whole)

    def _way(self, image: NDArray[np.uint8], pixels: PixelFormat, box: Box, orientation: Orientation) -> _Way:
        """What is done with pictures that lie in memory as *image* does, once it is sure that it can be done."""
        width, height = frame_size(image, pixels)
        if box.width < 1 or box.height < 1 or not _inside(box, width, height):
            raise ValueError(
                f"Invalid crop coordinates. The picture has {width} x {height} pixels (got a box of "
                f"{box.width} x {box.height} at {box.x}, {box.y})"
            )
        mirrored = pixels in _MIRRORED and image.strides[2] < 0
        if mirrored:
            image, pixels = image[..., ::-1], _MIRRORED[pixels]
        readable = _readable(image) if pixels in CHANNELS else image.flags.c_contiguous
        return _Way(self._plan(pixels, box, Orientation(orientation)), mirrored, not readable)

    def _checked(self, out: NDArray[Any]) -> NDArray[np.uint8]:
        spec = self._aim.spec
        shape = (spec.height, spec.width, 3)
        target = out[0] if out.ndim == 4 and out.shape[0] == 1 else out
        if target.shape != shape or target.dtype != spec.dtype:
            raise ValueError(
                f"out must be {spec.dtype} of shape {shape} or {(1, *shape)} (got {out.dtype} of shape {out.shape})"
            )
        return target

    def _plan(self, pixels: PixelFormat, box: Box, orientation: Orientation) -> _PackedPlan | _PlanarPlan:
        planar = pixels not in CHANNELS
        places = (box.x % 2, box.y % 2) if planar else ()
        key = (pixels, box.width, box.height, orientation, *places)
        plan = self._plans.get(key)
        if plan is None:
            make = _PlanarPlan if planar else _PackedPlan
            plan = self._plans[key] = make(self._aim, pixels, box, orientation)
            if len(self._plans) > _PLANS:
                self._plans.popitem(last=False)
        else:
            self._plans.move_to_end(key)
        return plan


class _Way(NamedTuple):
    """What was found out about pictures in one layout of memory, and need not be again for each of them."""

    plan: _PackedPlan | _PlanarPlan
    mirrored: bool
    scattered: bool


class _Aim(NamedTuple):
    """What all plans of a preprocessor have in common: where they lead to, and the memory on the way."""

    spec: InputSpec
    resize: Resize
    values: NDArray[Any] | None
    scratch: Scratch

    def stored_size(self, orientation: Orientation) -> tuple[int, int]:
        """Width and height that a picture is resized to before it is turned."""
        size = (self.spec.width, self.spec.height)
        return size[::-1] if orientation.swaps_sides else size


def pixel_values(spec: InputSpec) -> NDArray[Any] | None:
    """What each of the 256 pixel values becomes; None where pixels go into the model as they are.

    ``(256,)`` for all channels or ``(1, 256, 3)`` for R, G and B, of the input's dtype. ``uint8`` inputs take
    pixels as they are, whatever the metadata says: so it is in the Task Library. ``float32`` is ``(pixel - mean) *
    (1 / std)``, the reciprocal rounded first. ``int8``, which the Task Library does not know, is the normalised
    value quantised by the tensor's scale and zero point (halves away from zero, saturating), or, without
    normalisation, the pixel less 128.

    Raises:
        ModelError: the input needs normalisation, or a scale, that *spec* does not have.
    """
    if spec.dtype == "uint8":
        return None
    if spec.normalization is None:
        if spec.dtype == "float32":
            raise ModelError(
                f"Input tensor {spec.name} has type float32: it requires specifying NormalizationOptions metadata to "
                "preprocess input images, or mean and std in the settings."
            )
        return (np.arange(256) - 128).astype(np.int8)
    real = _normalised(spec.normalization)
    if spec.dtype == "float32":
        return real
    if spec.quantization is None or not spec.quantization.scale:
        raise ModelError(
            f"Input tensor {spec.name} has type int8 and normalisation: it requires a quantisation scale (got none)."
        )
    steps = real / np.float32(spec.quantization.scale)
    round_half_away(steps, np.empty_like(steps))
    steps += np.float32(spec.quantization.zero_point)
    saturate_int8(steps)
    return steps.astype(np.int8)


def _normalised(normalization: Normalization) -> NDArray[np.float32]:
    pixels = np.arange(256, dtype=np.float32)
    mean = np.asarray(normalization.mean, np.float32)
    factor = np.float32(1) / np.asarray(normalization.std, np.float32)
    if len(mean) == 1:
        return (pixels - mean) * factor
    return ((pixels[:, None] - mean) * factor)[None]


def _inside(box: Box, width: int, height: int) -> bool:
    return box.x >= 0 and box.y >= 0 and box.x + box.width <= width and box.y + box.height <= height


def _readable(picture: NDArray[np.uint8]) -> bool:
    """Whether OpenCV can read *picture* where it lies: pixels next to each other, rows downwards, gaps allowed."""
    *_, width = picture.shape[:2]
    size = picture.shape[2] if picture.ndim == 3 else 1
    strides = picture.strides
    return strides[-1] == 1 and strides[1] == size and strides[0] >= width * size


class _PackedPlan:
    """Everything that is known beforehand about crops of one size of RGB, BGR, RGBA, BGRA or gray pictures."""

    def __init__(self, aim: _Aim, pixels: PixelFormat, box: Box, orientation: Orientation) -> None:
        channels, source, target = CHANNELS[pixels], (box.width, box.height), aim.stored_size(orientation)
        upright = (aim.spec.height, aim.spec.width, 3)
        steps: list[tuple[Step, tuple[int, ...]]] = []
        if source != target:
            resizer = make_resizer(aim.resize, source, target, channels, aim.scratch)
            steps.append((resizer, _shape(*target, channels)))
        if pixels in TO_RGB:
            steps.append((partial(_convert, TO_RGB[pixels]), _shape(*target, 3)))
        if orientation is not Orientation.TOP_LEFT:
            steps.append((orientation.turn, upright))
        if aim.values is not None:
            steps.append((partial(_look_up, aim.values), upright))
        *before, (self._last, _) = steps or [(_copy, upright)]
        self._before = [(step, aim.scratch.array(f"step {i}", shape)) for i, (step, shape) in enumerate(before)]
        self._shape = _shape(*source, channels)
        self._scratch = aim.scratch

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


class _PlanarPlan:
    """Everything that is known beforehand about crops of one size, and one parity of place, of YUV pictures.

    Each plane is cut to the samples that the box touches. A box that begins at an odd pixel cuts its first colour
    sample in half: the whole one is taken, so that colours lie at most half a sample off at the edges, and nowhere
    on average. (The Task Library shifts all of them by half a sample there.)
    """

    def __init__(self, aim: _Aim, pixels: PixelFormat, box: Box, orientation: Orientation) -> None:
        self._pixels = pixels
        self._values = aim.values
        self._scratch = aim.scratch
        luma = aim.stored_size(orientation)
        chroma = chroma_size(*luma)
        down = 1 if pixels is PixelFormat.YUYV else 2
        touched = (_samples(box.x, box.width, 2), _samples(box.y, box.height, down))
        self._planes = [
            _PlanePlan("y", aim, (box.width, box.height), luma, orientation),
            _PlanePlan("u", aim, touched, chroma, orientation),
            _PlanePlan("v", aim, touched, chroma, orientation),
        ]
        self._to_rgb = PlanesToRgb(aim.spec.width, aim.spec.height, aim.scratch)
        self._rgb = aim.scratch.array("rgb", (aim.spec.height, aim.spec.width, 3))

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
        self, name: str, aim: _Aim, source: tuple[int, int], target: tuple[int, int], orientation: Orientation
    ) -> None:
        upright = target[::-1] if orientation.swaps_sides else target
        self._resize = make_resizer(aim.resize, source, target, 1, aim.scratch, plane=True)
        self._turn = orientation.turn
        self._plane = aim.scratch.array("plane", _shape(*source, 1))
        self._small = aim.scratch.array("small", _shape(*target, 1))
        self._upright = aim.scratch.array(f"upright {name}", _shape(*upright, 1))

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
    """How many samples, one for every *step* pixels, *size* pixels from *start* on touch."""
    return (start + size + step - 1) // step - start // step


def _shape(width: int, height: int, channels: int) -> tuple[int, ...]:
    return (height, width) if channels == 1 else (height, width, channels)


def _copy(picture: NDArray[np.uint8], out: NDArray[Any]) -> None:
    np.copyto(out, picture)


def _convert(code: int, picture: NDArray[np.uint8], out: NDArray[Any]) -> None:
    cv2.cvtColor(picture, code, out)


def _look_up(values: NDArray[Any], picture: NDArray[np.uint8], out: NDArray[Any]) -> None:
    cv2.LUT(picture, values, out)
