"""Small videos for tests, as recorders, phones and cameras make them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

__all__ = ["CORNERS", "LEVELS", "corners", "make_clip"]

LEVELS = 12
CORNERS = {
    "top left": (0, 0, 255),
    "top right": (0, 255, 0),
    "bottom left": (255, 0, 0),
    "bottom right": (200, 200, 200),
}
"""The colours, as BGR, of the corners of the picture that `corners` draws."""


def corners(width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """A picture with another colour in each quarter."""
    picture = np.empty((height, width, 3), np.uint8)
    down, right = height // 2, width // 2
    picture[:down, :right], picture[:down, right:] = CORNERS["top left"], CORNERS["top right"]
    picture[down:, :right], picture[down:, right:] = CORNERS["bottom left"], CORNERS["bottom right"]
    return picture


def make_clip(
    path: Path,
    *,
    size: tuple[int, int] = (64, 48),
    frames: int = LEVELS,
    codec: str = "libx264",
    container: str | None = None,
    gop: int = 5,
    matrix: list[int] | None = None,
    picture: NDArray[np.uint8] | None = None,
    times: list[int] | None = None,
    options: dict[str, str] | None = None,
    file_options: dict[str, str] | None = None,
) -> Path:
    """Write a video of 25 frames a second; frame *n* is gray of the level 16 × n + 8, or *picture*.

    *times* are those of the frames in units of 40 ms, *matrix* is the display matrix.
    """
    with av.open(path, "w", format=container, options=file_options) as file:
        stream = file.add_stream(codec, rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        context = stream.codec_context
        context.time_base, context.gop_size, context.options = Fraction(1, 25), gop, options or {}
        if matrix is not None:
            stream.set_display_matrix(matrix)
        for n in range(frames):
            pixels = np.full((size[1], size[0], 3), (16 * n + 8) % 256, np.uint8) if picture is None else picture
            frame = av.VideoFrame.from_ndarray(pixels, format="bgr24")
            frame.pts = times[n] if times is not None else n
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path
