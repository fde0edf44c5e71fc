"""From a driver's buffer to a frame: JPEGs are decoded, uncompressed pictures copied."""

from __future__ import annotations

import mmap
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edged.camera.jpeg import decode_jpeg, reduced
from edged.camera.v4l2.device import FrameLayout
from edged.camera.v4l2.pixels import RAW, copy_planes, planes
from edged.values import MAX_PIXELS, Format, PixelFormat
from edged.vision.pictures.decoding import MAX_FILE_BYTES

__all__ = ["FrameWriter", "JpegFrameWriter", "RawFrameWriter"]


class FrameWriter(Protocol):
    """Makes frames of ``format`` from the buffers of a stream. One with fewer than ``least`` bytes is not whole."""

    format: Format
    least: int

    def write(self, memory: mmap.mmap, used: int, slot: NDArray[np.uint8]) -> None:
        """Write the frame in the first *used* bytes of *memory* into *slot*. No view of *memory* is left behind.

        Raises:
            DamagedFrame: it is not whole, or there is no memory to decode it.
        """


class JpegFrameWriter:
    """Frames that are sent as JPEGs, decoded to BGR at 1/*reduce* of their size.

    What is longer than 64 MiB is cut, and damaged by that.
    """

    least = 4  # where the first and the last marker are

    def __init__(self, picture: FrameLayout, fps: float | None, reduce: int, max_pixels: int = MAX_PIXELS) -> None:
        size = reduced(picture.width, reduce), reduced(picture.height, reduce)
        captured = (picture.width, picture.height)
        self.format = Format(*size, PixelFormat.BGR, fps, codec="jpeg", decoder="opencv", captured_size=captured)
        self._reduce = reduce
        self._max_pixels = max_pixels
        self._copy = np.empty(min(picture.length, MAX_FILE_BYTES), np.uint8)

    def write(self, memory: mmap.mmap, used: int, slot: NDArray[np.uint8]) -> None:
        used = min(used, len(self._copy))
        # Copied first: a decoder that fails keeps hold of what it read, and a mapping that is held cannot be freed.
        self._copy.data[:used] = memoryview(memory)[:used]
        decode_jpeg(self._copy[:used], slot, self._reduce, self._max_pixels)


class RawFrameWriter:
    """Frames that are sent as they are.

    Raises:
        SourceError: the driver's buffers do not fit the size.
    """

    def __init__(self, picture: FrameLayout, fps: float | None) -> None:
        pixels = RAW[picture.fourcc]
        self.format = Format(picture.width, picture.height, pixels, fps)
        self._planes = planes(picture, pixels)
        padding = self._planes[-1].stride - self._planes[-1].length  # it is not needed after the last row
        self.least = sum(plane.rows * plane.stride for plane in self._planes) - padding

    def write(self, memory: mmap.mmap, used: int, slot: NDArray[np.uint8]) -> None:  # noqa: ARG002 - never fewer
        copy_planes(np.frombuffer(memory, np.uint8), self._planes, slot)
