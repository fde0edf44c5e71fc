"""Frozen values that the stages exchange. An invalid value cannot be built."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

__all__ = [
    "FULL",
    "MAX_PIXELS",
    "MOST_PIXELS",
    "NAME_PATTERN",
    "ROTATIONS",
    "UNKNOWN",
    "WHITE",
    "AnyRegion",
    "Box",
    "Colour",
    "Delegate",
    "Format",
    "Mirror",
    "PixelFormat",
    "PixelRegion",
    "Pixels",
    "Polygon",
    "ReferenceScore",
    "Region",
    "Rotation",
    "Stamp",
    "StateAnswer",
    "StreamClock",
    "TimeSource",
    "applies_in",
    "check_name",
]

Rotation = Literal[0, 90, 180, 270]
"""Degrees clockwise."""

ROTATIONS: tuple[Rotation, ...] = (0, 90, 180, 270)

Mirror = Literal["none", "horizontal", "vertical", "both"]
"""The way in which a picture is mirrored: left and right swapped, top and bottom, or both, which turns it by 180°."""

Polygon: TypeAlias = tuple[tuple[float, float], ...]
"""The corners of a part of a picture, each from its left and from its top, in 0…1."""

TimeSource = Literal["driver", "arrival"]
"""Origin of a capture time: the camera's driver, or the arrival of the frame."""

StreamClock = Literal["pts", "rtcp"]
"""The own time of a stream: timestamps of its frames, or with them the wall clock of the camera."""

MAX_PIXELS = 1 << 25
"""The most pixels of a frame or picture (33.5 megapixels) unless configured; more are refused before memory is used."""

MOST_PIXELS = 1 << 28
"""The most that can be configured; a frame in colour is 768 MiB then."""

Colour = tuple[int, int, int]
"""Red, green and blue, each 0…255."""

WHITE: Colour = (255, 255, 255)
"""The colour that transparent pictures are laid on unless another is configured."""

NAME_PATTERN = r"[a-z0-9][a-z0-9_-]{0,63}"
"""Names of nodes, cameras, regions and references, which stand between the slashes of a topic."""


def check_name(name: str) -> str:
    """Return *name* if it is a valid name of a node, camera, region or reference.

    Raises:
        ValueError: it is not.
    """
    if not re.fullmatch(NAME_PATTERN, name, re.ASCII):
        raise ValueError(
            f"must start with a letter a-z or a digit and go on with at most 63 of a-z, 0-9, '_' and '-' (got {name!r})"
        )
    return name


def applies_in(places: Collection[str], camera: str, region: str) -> bool:
    """Whether a setting for *places* applies to that region of that camera.

    A place is a camera with all its regions (``street``) or one region (``street/path``). No places: everywhere.
    """
    return not places or camera in places or f"{camera}/{region}" in places


class PixelFormat(StrEnum):
    """Layout of the bytes of a picture.

    Packed formats are arrays of shape ``(height, width, channels)``. The planar and semi-planar 4:2:0 formats are
    ``(height * 3 // 2, width)``, one channel, as in OpenCV; YUYV is ``(height, width, 2)``. All are ``uint8``.
    """

    RGB = "rgb"
    BGR = "bgr"
    RGBA = "rgba"
    BGRA = "bgra"
    GRAY = "gray"
    NV12 = "nv12"
    NV21 = "nv21"
    I420 = "i420"
    YV21 = "i420"  # the Task Library's name for the same
    YV12 = "yv12"
    YUYV = "yuyv"

    @classmethod
    def _missing_(cls, value: object) -> PixelFormat | None:
        return cls.I420 if value == "yv21" else None


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in whole pixels of the frame as captured; ``x``, ``y`` is its top left corner."""

    x: int
    y: int
    width: int
    height: int


def _check_edge(name: str, value: float) -> None:
    if not (math.isfinite(value) and 0.0 <= value <= 1.0):
        raise ValueError(f"{name} must be in 0…1 (got {value})")


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle in 0…1 of the frame as captured, before any rotation.

    Raises:
        ValueError: an edge is not a number in 0…1, or the rectangle is empty.
    """

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    def __post_init__(self) -> None:
        for edge in ("left", "top", "right", "bottom"):
            value = getattr(self, edge)
            _check_edge(edge, value)
        if self.left >= self.right:
            raise ValueError(f"left must be less than right (got {self.left} and {self.right})")
        if self.top >= self.bottom:
            raise ValueError(f"top must be less than bottom (got {self.top} and {self.bottom})")

    def at(self, _width: int, _height: int) -> Region:
        """Return this region: it is the same in a frame of any size."""
        return self

    def to_box(self, width: int, height: int) -> Box:
        """Return this region in pixels of a frame of *width* × *height*: edges rounded half up, at least 1 × 1."""
        x, right = _span(self.left, self.right, width)
        y, bottom = _span(self.top, self.bottom, height)
        return Box(x, y, right - x, bottom - y)


FULL = Region()
"""The whole frame."""

_PIXELS = re.compile(r"([0-9]{1,5})px", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Pixels:
    """A distance from the left or from the top of a frame, in whole pixels: ``320px``."""

    count: int

    @classmethod
    def parse(cls, text: str) -> Pixels | None:
        """Return the pixels that *text* names, None if it names none."""
        found = _PIXELS.fullmatch(text)
        return cls(int(found[1])) if found else None

    def __str__(self) -> str:
        return f"{self.count}px"


@dataclass(frozen=True, slots=True)
class PixelRegion:
    """A region of which some edges are in pixels of the frame, and the others in 0…1.

    The frame is the one as captured, before any rotation, in the camera's own size, even where it is decoded smaller.

    Raises:
        ValueError: an edge is neither pixels nor a number in 0…1, or the rectangle is empty in every frame.
    """

    left: float | Pixels = 0.0
    top: float | Pixels = 0.0
    right: float | Pixels = 1.0
    bottom: float | Pixels = 1.0

    def __post_init__(self) -> None:
        for low, high in (("left", "right"), ("top", "bottom")):
            start, end = getattr(self, low), getattr(self, high)
            for edge, value in ((low, start), (high, end)):
                if not isinstance(value, Pixels):
                    _check_edge(edge, value)
            if type(start) is type(end) and start >= end:
                raise ValueError(f"{low} must be less than {high} (got {start} and {end})")

    def misfit(self, width: int, height: int) -> tuple[str, str] | None:
        """Return an edge that cannot be in a frame of *width* × *height*, and why; None if all can."""
        frame = f"the frame of {width}×{height} pixels"
        for edge, size in (("left", width), ("top", height), ("right", width), ("bottom", height)):
            place = getattr(self, edge)
            if isinstance(place, Pixels) and place.count > size:
                return edge, f"{place} is outside {frame}; write at most {size}px, or a number in 0…1"
        for low, high, size in (("left", "right", width), ("top", "bottom", height)):
            start, end = getattr(self, low), getattr(self, high)
            if _fraction(start, size) >= _fraction(end, size):
                return high, f"must be more than {low} in {frame} (got {end} and {start})"
        return None

    def at(self, width: int, height: int) -> Region:
        """Return this region in 0…1 of a frame of *width* × *height*; of a `misfit`, the nearest that is possible."""
        left, right = _ordered(_fraction(self.left, width), _fraction(self.right, width), width)
        top, bottom = _ordered(_fraction(self.top, height), _fraction(self.bottom, height), height)
        return Region(left, top, right, bottom)

    def to_box(self, width: int, height: int) -> Box:
        """Return this region in pixels of a frame of *width* × *height*, in the camera's own size: see `at`."""
        return self.at(width, height).to_box(width, height)


AnyRegion: TypeAlias = Region | PixelRegion
"""A region as it is configured. ``at`` makes a `Region` of it when the size of the frame is known."""


def _fraction(edge: float | Pixels, size: int) -> float:
    return min(edge.count / size, 1.0) if isinstance(edge, Pixels) else edge


def _ordered(low: float, high: float, size: int) -> tuple[float, float]:
    if low < high:
        return low, high
    start = min(low, 1.0 - 1.0 / size)
    return start, start + 1.0 / size


def _span(low: float, high: float, size: int) -> tuple[int, int]:
    start = min(math.floor(low * size + 0.5), size - 1)
    return start, max(math.floor(high * size + 0.5), start + 1)


@dataclass(frozen=True, slots=True)
class Format:
    """Format of an open source, as it was negotiated: the size and layout of its frames, and its rate.

    ``fps`` is frames per second; None where the source does not report it. ``codec`` is the compression in which the
    frames come, such as ``h264`` or ``jpeg``, and ``decoder`` what decodes them; None for frames that come as they are.
    ``mirror`` is how the camera itself mirrors its frames, because it was asked to. ``captured_size`` is the width and
    height as captured, where frames are decoded smaller.
    """

    width: int
    height: int
    pixels: PixelFormat = PixelFormat.BGR
    fps: float | None = None
    codec: str | None = field(default=None, compare=False)
    decoder: str | None = field(default=None, compare=False)
    mirror: Mirror = "none"
    captured_size: tuple[int, int] | None = field(default=None, compare=False)

    def region(self, region: AnyRegion) -> Region:
        """Return *region* in 0…1 of these frames."""
        return region.at(*self.own_size)

    @property
    def own_size(self) -> tuple[int, int]:
        """Width and height of the frame as captured."""
        return self.captured_size or (self.width, self.height)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the ``uint8`` array that holds one frame."""
        match self.pixels:
            case PixelFormat.GRAY:
                return (self.height, self.width)
            case PixelFormat.RGBA | PixelFormat.BGRA:
                return (self.height, self.width, 4)
            case PixelFormat.YUYV:
                return (self.height, self.width, 2)
            case PixelFormat.NV12 | PixelFormat.NV21 | PixelFormat.I420 | PixelFormat.YV12:
                return (self.height * 3 // 2, self.width)
            case _:
                return (self.height, self.width, 3)


@dataclass(frozen=True, slots=True)
class Stamp:
    """Capture time of a frame: nanoseconds on CLOCK_MONOTONIC, and the origin of that time.

    ``ts_from`` is the clock of a stream that gives its own time, whose ``source`` is ``driver``; None for others.
    """

    t_cap_ns: int
    source: TimeSource
    ts_from: StreamClock | None = None


@dataclass(frozen=True, slots=True)
class ReferenceScore:
    """Similarity of a picture to a reference: the cosine of the two vectors, -1…1, of the best of its images.

    ``label`` is the name of that image; None: its images have no names.
    """

    reference: str
    similarity: float
    label: str | None = None


UNKNOWN = "unknown"
"""The answer of a set of states that is not sure enough of any of them; no state has this name."""


@dataclass(frozen=True, slots=True)
class StateAnswer:
    """Answer of a set of states for one picture.

    ``state`` is the most probable one, or `UNKNOWN`; ``p`` has every state of the set with its probability, in their
    order. ``novelty`` is the distance from the nearest example, 1 where that is as far as examples are from each other
    at most; None: the set has no examples.
    """

    set: str
    state: str
    p: tuple[tuple[str, float], ...]
    novelty: float | None = None


_DELEGATE = re.compile(r"auto|none|xnnpack|coral(?::(?P<device>(?:usb|pci)(?::\d+)?|:\d+))?")


DelegateKind = Literal["auto", "none", "xnnpack", "coral", "external"]


@dataclass(frozen=True, slots=True, init=False)
class Delegate:
    """Choice of a TFLite delegate.

    ``kind`` is ``auto`` (the engine's own choice), ``none``, ``xnnpack``, ``coral`` or ``external``. ``device`` selects
    one of several Coral devices in the form of libedgetpu (``usb``, ``usb:1``, ``pci:0``, ``:0``; empty: the first).
    ``library`` is the path of an external delegate, which gets ``options``, a mapping or pairs, as strings.

    Raises:
        ValueError: the parts do not go together.
    """

    kind: DelegateKind
    device: str
    library: str
    options: tuple[tuple[str, str], ...]

    def __init__(
        self,
        kind: DelegateKind = "auto",
        device: str = "",
        library: str = "",
        options: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    ) -> None:
        pairs = options.items() if isinstance(options, Mapping) else options
        for name, value in (("kind", kind), ("device", device), ("library", library), ("options", tuple(pairs))):
            object.__setattr__(self, name, value)
        if (self.kind == "external") != bool(self.library):
            raise ValueError("an external delegate has a library, and only that has one")
        if self.device and self.kind != "coral":
            raise ValueError(f"only coral takes a device (got {self.kind} with {self.device!r})")

    @classmethod
    def parse(cls, text: str) -> Delegate:
        """Return the delegate named *text*: ``auto``, ``none``, ``xnnpack``, ``coral``, ``coral:usb:1``, ``coral::0``.

        Raises:
            ValueError: *text* does not name a delegate.
        """
        match = _DELEGATE.fullmatch(text)
        if match is None:
            raise ValueError(
                "must be auto, none, xnnpack, coral, or coral with a device such as coral:usb, coral:usb:1, "
                f"coral:pci:0 or coral::0 (got {text!r})"
            )
        kind = text.partition(":")[0]
        return cls(kind=kind, device=match["device"] or "")  # type: ignore[arg-type]  # the pattern leaves only kinds
