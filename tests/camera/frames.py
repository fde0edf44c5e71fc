"""A camera of any pixel format whose frames the test chooses."""

from __future__ import annotations

import time
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from edged.errors import EndOfStream
from edged.values import Format, PixelFormat, Stamp

__all__ = ["ChosenFrames", "noise", "rgb_of"]

_TO_RGB = {
    PixelFormat.BGR: cv2.COLOR_BGR2RGB,
    PixelFormat.RGBA: cv2.COLOR_RGBA2RGB,
    PixelFormat.BGRA: cv2.COLOR_BGRA2RGB,
    PixelFormat.GRAY: cv2.COLOR_GRAY2RGB,
    PixelFormat.NV12: cv2.COLOR_YUV2RGB_NV12,
    PixelFormat.NV21: cv2.COLOR_YUV2RGB_NV21,
    PixelFormat.I420: cv2.COLOR_YUV2RGB_I420,
    PixelFormat.YV12: cv2.COLOR_YUV2RGB_YV12,
    PixelFormat.YUYV: cv2.COLOR_YUV2RGB_YUYV,
}


def noise(frame_format: Format, seed: int) -> NDArray[np.uint8]:
    """A frame of bytes at random."""
    return np.random.default_rng(seed).integers(0, 256, frame_format.shape, dtype=np.uint8)


def rgb_of(frame: NDArray[np.uint8], pixels: PixelFormat) -> NDArray[np.uint8]:
    """*frame* as RGB, by OpenCV's own conversion: what other programs see."""
    if pixels is PixelFormat.RGB:
        return frame
    return np.asarray(cv2.cvtColor(frame, _TO_RGB[pixels]), np.uint8)


class ChosenFrames:
    """A `Source` that delivers *frames* of *frame_format*, and ends."""

    def __init__(self, frame_format: Format, frames: Iterable[NDArray[np.uint8]]) -> None:
        self.format = frame_format
        self._frames = iter(frames)
        self._frame: NDArray[np.uint8] | None = None

    def open(self) -> Format:
        return self.format

    def grab(self, timeout: float) -> Stamp | None:
        self._frame = next(self._frames, None)
        if self._frame is None:
            raise EndOfStream("the last frame was delivered")
        return Stamp(time.monotonic_ns(), "driver")

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        assert self._frame is not None
        slot[...] = self._frame

    def wake(self) -> None: ...

    def close(self) -> None: ...
