"""Format and decoding of video files and network streams, which are both read through OpenCV's FFmpeg."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edged.camera.frame_limit import check_frame_size
from edged.errors import DamagedFrame, SourceError, map_exceptions
from edged.values import Format

__all__ = ["decode_into", "format_of"]

FASTEST = 1000.0  # frames per second; a higher claim is wrong


def format_of(capture: cv2.VideoCapture, max_pixels: int, shown: str) -> Format:
    """Return the size of the frames, BGR, and their rate if it is known; *shown* is the name of the source in an error.

    Raises:
        SourceError: they have more than *max_pixels*.
    """
    fps = capture.get(cv2.CAP_PROP_FPS)
    width, height = (int(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    with map_exceptions({SourceError: SourceError}, shown):
        check_frame_size(width, height, max_pixels)
    return Format(
        width=width,
        height=height,
        fps=fps if 0.0 < fps < FASTEST else None,
    )


def decode_into(capture: cv2.VideoCapture, slot: NDArray[np.uint8], shown: str) -> None:
    """Decode the frame that was grabbed into *slot*; *shown* is the name of the source in an error.

    Raises:
        DamagedFrame: it cannot be decoded, or there is no memory for it.
        SourceError: its size is not that of *slot*.
    """
    with map_exceptions({cv2.error: DamagedFrame, MemoryError: DamagedFrame}, shown):
        decoded, picture = capture.retrieve(slot)
    if not decoded:
        raise DamagedFrame(f"{shown}: a frame cannot be decoded")
    if picture is not slot:  # OpenCV makes an array of its own when the size does not fit
        raise SourceError(f"{shown}: the size of the frames has changed")
