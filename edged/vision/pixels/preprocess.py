"""Preprocessing from a frame to the model's input: crop, resize, colour, turn, normalise.

Everything is written into memory that was made when a geometry was first seen, and the last step writes into the
array *out*, which may be the model's input tensor.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from edged.values import PixelFormat
from edged.vision.pixels.colour import CHANNELS, frame_size
from edged.vision.pixels.fit import Fit, Placement, place
from edged.vision.pixels.orientation import Orientation
from edged.vision.pixels.pixel_values import pixel_values
from edged.vision.pixels.plans import PackedPlan, PlanarPlan, Target
from edged.vision.pixels.resize import Resize, Scratch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edged.regions import Box
    from edged.vision.specs import InputSpec

__all__ = ["Preprocessor", "Resize"]

_PLANS = 64
"""Geometries remembered: regions times frame sizes of a busy daemon."""

_MIRRORED = {PixelFormat.RGB: PixelFormat.BGR, PixelFormat.BGR: PixelFormat.RGB}


class Preprocessor:
    """Brings pictures into the form that one model takes. One thread uses it.

    Args:
        spec: the model's input.
        resize: ``exact``: the Task Library's own resize, to the bit; ``linear`` or ``area``: OpenCV's.
        fit: what becomes of a box of other proportions than the input: see `Fit`.

    Raises:
        ModelError: a ``float32`` input without normalisation, or an ``int8`` one with normalisation and no scale.
    """

    def __init__(self, spec: InputSpec, resize: Resize = "exact", fit: Fit = "stretch") -> None:
        self._destination = Target(spec, resize, pixel_values(spec), Scratch())
        self._fit = fit
        self._plans: OrderedDict[tuple[object, ...], PackedPlan | PlanarPlan] = OrderedDict()
        self._bound_plans: dict[tuple[object, ...], _BoundPlan] = {}

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
        key = (image.shape, image.strides, image.dtype, pixels, box, orientation)
        bound = self._bound_plans.get(key)
        if bound is None:
            bound = self._bind_plan(image, pixels, box, orientation)
            if len(self._bound_plans) >= _PLANS:
                self._bound_plans.clear()
            self._bound_plans[key] = bound
        bound(image, out)

    def _bind_plan(
        self, image: NDArray[np.uint8], pixels: PixelFormat, box: Box, orientation: Orientation
    ) -> _BoundPlan:
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
        spec, upright = self._destination.spec, Orientation(orientation)
        placement = place(self._fit, box, (spec.width, spec.height), upright)
        plan = self._plan(pixels, placement, upright)
        return _BoundPlan(self._destination, plan, placement, mirrored=mirrored, scattered=not readable)

    def _plan(self, pixels: PixelFormat, placement: Placement, orientation: Orientation) -> PackedPlan | PlanarPlan:
        box = placement.box
        planar = pixels not in CHANNELS
        places = (box.x % 2, box.y % 2) if planar else ()
        key = (pixels, box.width, box.height, orientation, *places)
        plan = self._plans.get(key)
        if plan is None:
            make = PlanarPlan if planar else PackedPlan
            plan = self._plans[key] = make(self._destination.of_size(*placement[3:]), pixels, box, orientation)
            if len(self._plans) > _PLANS:
                self._plans.popitem(last=False)
        else:
            self._plans.move_to_end(key)
        return plan


class _BoundPlan:
    """A plan for pictures in one layout of memory: what is computed once, and not for each of them."""

    def __init__(
        self,
        destination: Target,
        plan: PackedPlan | PlanarPlan,
        placement: Placement,
        *,
        mirrored: bool,
        scattered: bool,
    ) -> None:
        self._destination = destination
        self._plan = plan
        self._box, left, top, width, height = placement
        right, bottom, whole = left + width, top + height, slice(None)
        self._part = slice(top, bottom), slice(left, right)
        # Of a letterbox: above and below, or at the left and the right.
        bars = [(slice(top), whole), (slice(bottom, None), whole), (whole, slice(left)), (whole, slice(right, None))]
        self._bars = bars if (width, height) != (destination.spec.width, destination.spec.height) else []
        self._mirrored = mirrored
        self._scattered = scattered

    def __call__(self, image: NDArray[np.uint8], out: NDArray[Any]) -> None:
        """Write the box of *image*, upright, into *out* as the model takes it.

        *image* lies in memory as the one that this was made for. *out* is ``(height, width, 3)`` or
        ``(1, height, width, 3)`` of the input's dtype.

        Raises:
            ValueError: *out* has another shape or dtype.
        """
        target = self._checked(out)
        if self._mirrored:
            image = image[..., ::-1]
        for bar in self._bars:
            target[bar] = self._destination.bar
        part = target[self._part] if self._bars else target
        if part.flags.c_contiguous:
            self._plan(image, self._box, part, scattered=self._scattered)
        else:
            whole = self._destination.scratch.array("whole", part.shape, part.dtype.type)
            self._plan(image, self._box, whole, scattered=self._scattered)
            np.copyto(part, whole)

    def _checked(self, out: NDArray[Any]) -> NDArray[Any]:
        spec = self._destination.spec
        shape = (spec.height, spec.width, 3)
        target = out[0] if out.ndim == 4 and out.shape[0] == 1 else out
        if target.shape != shape or target.dtype != spec.dtype:
            raise ValueError(
                f"out must be {spec.dtype} of shape {shape} or {(1, *shape)} (got {out.dtype} of shape {out.shape})"
            )
        return target


def _inside(box: Box, width: int, height: int) -> bool:
    return box.x >= 0 and box.y >= 0 and box.x + box.width <= width and box.y + box.height <= height


def _readable(picture: NDArray[np.uint8]) -> bool:
    """Return whether OpenCV can read *picture* in place: pixels next to each other, rows downwards, gaps allowed."""
    *_, width = picture.shape[:2]
    size = picture.shape[2] if picture.ndim == 3 else 1
    strides = picture.strides
    return strides[-1] == 1 and strides[1] == size and strides[0] >= width * size
