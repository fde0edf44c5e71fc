"""The limit on the memory that a decoder holds in frames, because others may refer to them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from av.video.frame import VideoFrame

from edged.errors import SourceError

__all__ = ["HeldFrames"]

LEAST = 64 << 20  # bytes; 20 frames of 1920 × 1080, and codecs refer to 16 at most
BYTES_OF_A_PIXEL = 12  # of max_pixels: 8 frames of the largest size at 12 bits a pixel, which most cameras use
WINDOW = 32  # frames, in which each buffer that is in use comes round


class HeldFrames:
    """Counts the buffers that the last frames came in; a decoder takes another one only where it holds all others.

    Pictures that are never shown do not come out, and are not counted.
    """

    def __init__(self, max_pixels: int) -> None:
        self._most = max(LEAST, BYTES_OF_A_PIXEL * max_pixels)
        self._kind = ("", 0, 0)
        self._buffers: deque[int] = deque(maxlen=WINDOW)

    def note(self, frames: Iterable[VideoFrame]) -> None:
        """Take note of *frames* that came out.

        Raises:
            SourceError: the decoder holds too many. It has to be given up, because only that frees them.
        """
        for frame in frames:
            kind = (frame.format.name, frame.width, frame.height)
            if kind != self._kind:  # a decoder frees what had another size
                self._kind = kind
                self._buffers.clear()
            self._buffers.append(frame.planes[0].buffer_ptr)
            size = frame.width * frame.height * frame.format.padded_bits_per_pixel // 8
            if len(set(self._buffers)) * size > self._most:
                raise SourceError(
                    f"its frames of {frame.width}×{frame.height} pixels refer to too many others: "
                    f"these take more than {self._most >> 20} MiB"
                )
