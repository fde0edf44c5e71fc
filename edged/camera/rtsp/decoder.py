"""FFmpeg's decoders, through PyAV: coded pictures in, pixels out."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from edged.camera.rtsp.sdp import Codec
from edged.errors import DamagedFrame

__all__ = ["Decoder"]


class Decoder:
    """Decodes one stream. Nothing of FFmpeg's is written to stderr, because PyAV keeps its log off.

    Args:
        codec: FFmpeg's name of it.
        max_pixels: of a frame; the decoder allocates nothing for a larger one.
    """

    def __init__(self, codec: Codec, max_pixels: int) -> None:
        context = av.CodecContext.create(codec, "r")
        assert isinstance(context, VideoCodecContext)
        context.thread_count = 1  # the processor is the model's
        context.options = {"max_pixels": str(max_pixels)}
        self._context = context
        self._failure = f"a frame cannot be decoded: it is damaged, or has more than {max_pixels} pixels"
        self._reformatter = VideoReformatter()
        self._frame: VideoFrame | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the newest frame; None before the first."""
        return None if self._frame is None else (self._frame.width, self._frame.height)

    @property
    def timestamp(self) -> int | None:
        """The time of the newest frame, as its picture was pushed with; None where that is unknown."""
        return None if self._frame is None else self._frame.pts

    def push(self, content: bytes | memoryview, timestamp: int, clock_rate: int) -> bool:
        """Decode a picture. Returns whether there is a newer frame: some codecs hold pictures back to sort them.

        Raises:
            DamagedFrame: it cannot be decoded.
        """
        packet = av.Packet(content)  # type: ignore[arg-type]  # it takes any buffer, and FFmpeg copies it
        packet.pts = packet.dts = timestamp
        packet.time_base = Fraction(1, clock_rate)
        try:
            frames = self._context.decode(packet)
        except (av.FFmpegError, MemoryError) as exc:
            raise DamagedFrame(self._failure) from exc
        if frames:
            self._frame = frames[-1]
        return bool(frames)

    def decode_alone(self, content: bytes | memoryview, timestamp: int, clock_rate: int) -> None:
        """Decode a key frame now, whatever was decoded before it. Raises as `push`."""
        self.forget()
        is_there = self.push(content, timestamp, clock_rate)
        if not is_there:  # it is held back, to be sorted among others
            try:
                frames = self._context.decode(None)
            except (av.FFmpegError, MemoryError) as exc:
                raise DamagedFrame(self._failure) from exc
            if not frames:
                raise DamagedFrame(self._failure)
            self._frame = frames[-1]
            self.forget()

    def forget(self) -> None:
        """Begin anew: the next picture that is pushed is a key frame."""
        self._context.flush_buffers()

    def write_into(self, slot: NDArray[np.uint8]) -> None:
        """Write the newest frame into *slot* as BGR, scaled if its size is another one.

        Raises:
            DamagedFrame: it cannot be converted.
        """
        assert self._frame is not None, "write_into before push"
        height, width = slot.shape[:2]
        try:
            plane = self._reformatter.reformat(self._frame, width, height, "bgr24", threads=1).planes[0]
        except (av.FFmpegError, MemoryError) as exc:
            raise DamagedFrame("a frame cannot be converted to BGR") from exc
        # A view of FFmpeg's own memory, whose lines may be longer than the picture is wide.
        pixels: NDArray[np.uint8] = np.ndarray(slot.shape, np.uint8, memoryview(plane), strides=(plane.line_size, 3, 1))
        np.copyto(slot, pixels)
