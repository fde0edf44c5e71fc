"""The choice among the pixel formats of a device."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from edged.camera.v4l2.device import Mode
from edged.camera.v4l2.pixels import JPEG, RAW, WORKING, frame_bytes
from edged.errors import SourceError

__all__ = ["PIXEL_NAMES", "FormatRequest", "choose"]

PIXEL_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"mjpg": JPEG} | {pixels.value: (name,) for name, pixels in RAW.items()}
)
"""The formats that a configuration may ask for, and the four letters of each."""

DEFAULT_SIZE = (640, 480)
USUAL_FPS = 30.0  # where neither the request nor the driver gives a rate
SHARE_OF_LINK = 0.2  # of a USB link that one camera may take uncompressed; frames beside it come late or broken


@dataclass(frozen=True, slots=True)
class FormatRequest:
    """A request to a device; None leaves it to the choice.

    Raises:
        ValueError: something that cannot be asked for.
    """

    width: int | None = None
    height: int | None = None
    fps: float | None = None
    pixels: str | None = None

    def __post_init__(self) -> None:
        if (self.width is None) != (self.height is None):
            raise ValueError(f"width and height go together (got {self.width} and {self.height})")
        if any(side is not None and side < 1 for side in (self.width, self.height)):
            raise ValueError(f"width and height must be at least 1 (got {self.width} and {self.height})")
        if self.fps is not None and not self.fps > 0.0:
            raise ValueError(f"fps must be greater than 0 (got {self.fps})")
        if self.pixels is not None and self.pixels not in PIXEL_NAMES:
            raise ValueError(f"pixels must be one of {', '.join(PIXEL_NAMES)} (got {self.pixels!r})")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height to ask for."""
        return (self.width, self.height) if self.width and self.height else DEFAULT_SIZE


def choose(
    names: Sequence[str], modes: Callable[[str], Sequence[Mode]], request: FormatRequest, link_speed: float | None
) -> str:
    """Return the one of the formats *names* to ask for; *modes* gives the sizes and rates of one, only if needed.

    *link_speed* is that of USB, in Mbit/s; None off USB. Uncompressed frames cost no decoding, JPEGs save the bus: they
    are preferred on USB where uncompressed frames would take more than a fifth of the link, and where only they have
    the size or the rate.

    Raises:
        SourceError: none of them can be taken, or the one that is requested is not offered.
    """
    offered = ", ".join(names) or "nothing"
    if request.pixels is not None:
        asked = [name for name in names if name in PIXEL_NAMES[request.pixels]]
        if not asked:
            raise SourceError(f"it does not offer {request.pixels}; it offers {offered}")
        return asked[0]
    raw = next((name for name in RAW if name in names), None)
    jpeg = next((name for name in JPEG if name in names), None)
    candidates = [name for name in (jpeg, raw) if name is not None]
    if not candidates:
        raise SourceError(f"it offers {offered}, none of which works here; these do: {', '.join(WORKING)}")
    if raw is None or jpeg is None:
        return candidates[0]
    jpeg_is_better = raw == "GREY" or _jpeg_is_better(modes(jpeg), modes(raw), raw, request, link_speed)
    return jpeg if jpeg_is_better else raw


def _jpeg_is_better(
    jpeg: Sequence[Mode], raw: Sequence[Mode], raw_name: str, request: FormatRequest, link_speed: float | None
) -> bool:
    jpeg_mode, raw_mode = _nearest(jpeg, request.size), _nearest(raw, request.size)
    if jpeg_mode.covers(*request.size) and not raw_mode.covers(*request.size):
        return True  # the size is there as JPEG only
    fastest_jpeg, fastest_raw = (max(mode.rates, default=USUAL_FPS) for mode in (jpeg_mode, raw_mode))
    fps = min(request.fps or USUAL_FPS, max(fastest_jpeg, fastest_raw))
    if fastest_raw < min(fps, fastest_jpeg):
        return True  # uncompressed it is slower
    bytes_per_second = frame_bytes(RAW[raw_name], raw_mode.width, raw_mode.height) * fps
    return link_speed is not None and bytes_per_second > SHARE_OF_LINK * link_speed * 1e6 / 8


def _nearest(modes: Sequence[Mode], size: tuple[int, int]) -> Mode:
    """Return the mode that the driver is likely to take for this size, at this size where it scales to it."""
    width, height = size
    exact = next((mode for mode in modes if mode.covers(width, height)), None)
    if exact is not None or not modes:
        return Mode(width, height, exact.rates if exact else ())
    return min(modes, key=lambda mode: abs(mode.width - width) + abs(mode.height - height))
