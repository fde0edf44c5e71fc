"""The limit on the memory that a decoder holds in frames, because others may refer to them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from av.video.frame import VideoFrame

from edged.camera.frame_limit import LARGE, check_memory
from edged.errors import SourceError

__all__ = ["HeldFrames"]

LEAST = 64 << 20  # bytes; 20 frames of 1920 × 1080, and codecs refer to 16 at most
BYTES_OF_A_PIXEL = 12  # of max_pixels: 8 frames of the largest size at 12 bits a pixel, which most cameras use
WINDOW = 32  # frames, in which each buffer that is in use comes round


class HeldFrames:
    """Counts the buffers that the last frames came in; a decoder takes another one only where it holds all others.

    Pictures that are never shown do not come out, and are not counted. So the memory that is left is looked at, too.
    """

    def __init__(self, max_pixels: int) -> None:
        self._most = max(LEAST, BYTES_OF_A_PIXEL * max_pixels)
        self._kind = ("", 0, 0)
        self._buffers: deque[int] = deque(maxlen=WINDOW)
        self._room = 0  # packets until the memory is looked at again: each may take that of one frame

    def expect(self, width: int, height: int) -> None:
        """Prepare for a packet of frames of *width* × *height*, as far as is known; it may take memory.

        Raises:
            SourceError: there is none for it. The decoder has to be given up, because only that frees what it holds.
        """
        if width * height <= LARGE:
            return
        self._room -= 1
        if self._room < 1:
            self._room = min(check_memory(width, height), WINDOW)

    def note(self, frames: Iterable[VideoFrame]) -> None:
        """Take note of *frames* that came out.

        Raises:
            SourceError: the decoder holds too many, and has to be given up.
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
