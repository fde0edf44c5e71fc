"""Format and decoding of video files and network streams, which are both read through OpenCV's FFmpeg."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edged.errors import DamagedFrame, SourceError
from edged.values import Format

__all__ = ["decode_into", "format_of"]

FASTEST = 1000.0  # frames per second; a higher claim is wrong


def format_of(capture: cv2.VideoCapture) -> Format:
    """Return the size of the frames, BGR, and their rate if it is known."""
    fps = capture.get(cv2.CAP_PROP_FPS)
    return Format(
        width=int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
        height=int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        fps=fps if 0.0 < fps < FASTEST else None,
    )


def decode_into(capture: cv2.VideoCapture, slot: NDArray[np.uint8], shown: str) -> None:
    """Decode the frame that was grabbed into *slot*; *shown* is the name of the source in an error.

    Raises:
        DamagedFrame: it cannot be decoded.
        SourceError: its size is not that of *slot*.
    """
    decoded, picture = capture.retrieve(slot)
    if not decoded:
        raise DamagedFrame(f"{shown}: a frame cannot be decoded")
    if picture is not slot:  # OpenCV makes an array of its own when the size does not fit
        raise SourceError(f"{shown}: the size of the frames has changed")
