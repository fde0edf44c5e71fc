"""The part of the scene that a camera shows, and its pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edged.errors import SourceError
from edged.regions import Region

__all__ = ["FrameSize", "crop_rectangle", "full_view", "sensor_mode"]

DEFAULT_WIDTH = 640
SMALLEST = 64  # of a side: what every ISP delivers


@dataclass(frozen=True, slots=True)
class FrameSize:
    """The requested width and height of a frame.

    Where only one side is given, the other follows from the shape of what is shown. Where neither is, the frame is as
    small as it can be to hold ``at_least`` so many pixels both ways; without that it is 640 wide.

    Raises:
        ValueError: a side is too small.
    """

    width: int | None = None
    height: int | None = None
    at_least: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for side in (self.width, self.height):
            if side is not None and side < SMALLEST:
                raise ValueError(f"a side of a frame must have at least {SMALLEST} pixels (got {side})")

    def pixels(self, shape: float, largest: int) -> tuple[int, int]:
        """Return width and height, both even, of a frame of the aspect ratio *shape*, at most *largest* wide."""
        width, height = self.width, self.height
        if width is None and height is None:
            wide, high = self.at_least or (DEFAULT_WIDTH, 0)
            width = round(min(max(wide, high * shape, SMALLEST, SMALLEST * shape), largest))
        if width is None:
            assert height is not None
            width = round(height * shape)
        if height is None:
            height = round(width / shape)
        return width + width % 2, height + height % 2


def full_view(modes: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return those of a sensor's *modes* that show all it can see, smallest first; empty if they do not contain it.

    Some sensors, asked for small frames, show the middle of the scene only.
    """
    known = [mode for mode in modes if "crop_limits" in mode and "size" in mode]
    if not known:
        return []
    widest = max(_area(mode["crop_limits"][2:]) for mode in known)
    return sorted(
        (mode for mode in known if _area(mode["crop_limits"][2:]) >= 0.97 * widest),
        key=lambda mode: _area(mode["size"]),
    )


def sensor_mode(modes: Sequence[Mapping[str, Any]], size: tuple[int, int], fps: float | None) -> Mapping[str, Any]:
    """Return the smallest of *modes*, which are sorted, with at least *size* pixels and *fps* frames per second.

    If none has both, the one with the most pixels that is fast enough; if none is that, the fastest.
    """
    fast = [mode for mode in modes if mode.get("fps", 0) >= (fps or 0)]
    if not fast:
        return max(modes, key=lambda mode: float(mode["fps"]))
    enough = [mode for mode in fast if mode["size"][0] >= size[0] and mode["size"][1] >= size[1]]
    return enough[0] if enough else fast[-1]


def crop_rectangle(region: Region, limits: tuple[Any, Any, Any]) -> tuple[int, int, int, int]:
    """Return *region* of the sensor's full view as x, y, width and height in its pixels; *limits* are ``ScalerCrop``'s.

    It is the same for a sensor that mirrors: that mirrors what it reads out, and the crop is cut out of it afterwards.
    So the region counts in the frame as it is delivered (libcamera's ``pipeline/rpi``, ``applyScalerCrop``).

    Raises:
        SourceError: the region is smaller than the ISP can enlarge.
    """
    (_, _, least_width, least_height), (left, top, width, height), _ = limits
    box = region.to_box(width, height)
    if box.width < least_width or box.height < least_height:
        raise SourceError(
            f"the region to crop has {box.width}×{box.height} pixels of the sensor; it must have at least "
            f"{least_width}×{least_height}"
        )
    return left + box.x, top + box.y, box.width, box.height


def _area(size: Sequence[int]) -> int:
    return size[0] * size[1]
