"""Frozen values that the stages exchange. An invalid value cannot be built."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from edged.regions import AnyRegion, Region

__all__ = [
    "MAX_PIXELS",
    "MOST_PIXELS",
    "NAME_PATTERN",
    "ROTATIONS",
    "UNKNOWN",
    "WHITE",
    "Colour",
    "Delegate",
    "Format",
    "Mirror",
    "PixelFormat",
    "ReferenceScore",
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
