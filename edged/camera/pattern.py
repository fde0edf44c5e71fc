"""A moving test picture that edged draws itself, for trying an installation without a camera."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from edged.camera.frame_limit import check_frame_size
from edged.config.sections.camera_kinds import picture_size
from edged.values import MAX_PIXELS, Format, Stamp

if TYPE_CHECKING:
    from edged.camera.frame_needs import FrameNeeds
    from edged.config import CameraConfig

__all__ = ["PatternSource"]

DEFAULT_SIZE = (640, 480)
DEFAULT_FPS = 15.0
SMALLEST, LARGEST = 32, 8192  # pixels of a side

# The bars of a television's test card: white, yellow, cyan, green, magenta, red, blue, black, as B, G, R.
BARS = [
    (235, 235, 235),
    (16, 235, 235),
    (235, 235, 16),
    (16, 235, 16),
    (235, 16, 235),
    (16, 16, 235),
    (235, 16, 16),
    (16, 16, 16),
]
COUNTER_BITS = 32
STEP = 4  # pixels that the bars move from one frame to the next


class PatternSource:
    """A `Source` that delivers colour bars wandering to the left, at a steady rate, like a live camera.

    No two frames are alike: the top rows show the frame's number, as 32 black or white blocks, lowest bit first. The
    numbers go on after ``close`` and ``open``. Frames that are not grabbed in time are left out, as in a camera.

    Args:
        width, height: of the frames, each in 32…8192 pixels.
        fps: frames per second.
        max_pixels: of a frame; larger ones are not opened.

    Raises:
        ValueError: a side is too small or too large, or *fps* is not positive.
    """

    def __init__(
        self,
        width: int = DEFAULT_SIZE[0],
        height: int = DEFAULT_SIZE[1],
        fps: float = DEFAULT_FPS,
        *,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        if not (SMALLEST <= width <= LARGEST and SMALLEST <= height <= LARGEST):
            raise ValueError(f"a test picture has sides of {SMALLEST}…{LARGEST} pixels (got {width}x{height})")
        if not fps > 0:
            raise ValueError(f"fps must be positive (got {fps})")
        self._format = Format(width=width, height=height, fps=fps)
        self._max_pixels = max_pixels
        self._interval = 1.0 / fps
        self._due = 0.0
        self._number = -1
        self._bits = np.arange(COUNTER_BITS)
        self._woken = threading.Event()
        self._bars: NDArray[np.uint8] | None = None  # one row, twice as wide as a frame: every view is one of a picture

    @classmethod
    def from_config(cls, camera: CameraConfig, needs: FrameNeeds) -> PatternSource:
        """Return the source that *camera* asks for, not opened yet."""
        width, height = picture_size(camera.source.target) or DEFAULT_SIZE
        return cls(width, height, camera.fps or DEFAULT_FPS, max_pixels=needs.max_pixels)

    def open(self) -> Format:
        check_frame_size(self._format.width, self._format.height, self._max_pixels)
        self._bars = _bars(self._format.width)
        self._due = time.monotonic()
        return self._format

    def grab(self, timeout: float) -> Stamp | None:
        wait = self._due - time.monotonic()
        if wait > 0 and (self._woken.wait(min(wait, timeout)) or wait > timeout):
            return None
        now = time.monotonic()
        missed = int((now - self._due) / self._interval)
        self._number += 1 + missed
        self._due += (1 + missed) * self._interval
        return Stamp(time.monotonic_ns(), "arrival")

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        assert self._bars is not None, "retrieve before open"
        width = self._format.width
        left = self._number * STEP % width
        slot[...] = self._bars[left : left + width]
        self._draw_number(slot)

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        self._bars = None

    def _draw_number(self, slot: NDArray[np.uint8]) -> None:
        height, width = slot.shape[:2]
        block, rows = width // COUNTER_BITS, max(2, height // 16)
        first = slot[0, : block * COUNTER_BITS]
        levels = 255 * (self._number >> self._bits & 1)
        first.reshape(COUNTER_BITS, -1)[...] = levels[:, None]
        slot[1:rows, : len(first)] = first


def _bars(width: int) -> NDArray[np.uint8]:
    once = cv2.resize(np.array([BARS], np.uint8), (width, 1), interpolation=cv2.INTER_NEAREST)
    return np.tile(once[0], (2, 1)).astype(np.uint8, copy=False)
