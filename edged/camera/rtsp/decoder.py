"""FFmpeg's decoders, through PyAV: coded pictures in, pixels out."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from edged.camera.rtsp.sdp import Codec
from edged.camera.video.decoder import Converter, OrientationReader
from edged.camera.video.decoder_choice import DecoderChoice
from edged.camera.video.held_frames import HeldFrames
from edged.camera.video.messages import forward_messages
from edged.errors import DamagedFrame
from edged.vision.pixels.orientation import Orientation

__all__ = ["Decoder"]


class Decoder:
    """Decodes one stream. Nothing of FFmpeg's is written to stderr, because PyAV keeps its log off.

    Args:
        codec: FFmpeg's name of it.
        max_pixels: of a frame; the decoder allocates nothing for a larger one.
        choice: the decoder that is to be used where it can be opened; None for software.
    """

    def __init__(self, codec: Codec, max_pixels: int, choice: DecoderChoice | None = None) -> None:
        forward_messages()
        software = av.CodecContext.create(codec, "r")
        assert isinstance(software, VideoCodecContext)
        self._context = (choice or DecoderChoice("", "")).open(software, max_pixels)
        self._failure = f"a frame cannot be decoded: it is damaged, or has more than {max_pixels} pixels"
        self._held = HeldFrames(max_pixels)
        self._converter, self._orientations = Converter(), OrientationReader()
        self._orientation = Orientation.TOP_LEFT
        self._frame: VideoFrame | None = None

    @property
    def name(self) -> str:
        """FFmpeg's name of the decoder in use."""
        return self._context.name

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the newest frame; None before the first."""
        if self._frame is None:
            return None
        width, height = self._frame.width, self._frame.height
        return (height, width) if self._orientation.swaps_sides else (width, height)

    @property
    def timestamp(self) -> int | None:
        """The time of the newest frame, as its picture was pushed with; None where that is unknown."""
        return None if self._frame is None else self._frame.pts

    def push(self, content: bytes | memoryview, timestamp: int, clock_rate: int) -> bool:
        """Decode a picture. Returns whether there is a newer frame: some codecs hold pictures back to sort them.

        Raises:
            DamagedFrame: it cannot be decoded.
            SourceError: frames refer to too many others, or there is not enough memory for them.
        """
        self._held.expect(self._context.width, self._context.height)
        packet = av.Packet(content)  # type: ignore[arg-type]  # it takes any buffer, and FFmpeg copies it
        packet.pts = packet.dts = timestamp
        packet.time_base = Fraction(1, clock_rate)
        try:
            frames = self._context.decode(packet)
        except (av.FFmpegError, MemoryError) as exc:
            raise DamagedFrame(self._failure) from exc
        self._held.note(frames)
        if frames:
            self._keep(frames[-1])
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
            self._keep(frames[-1])
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
        self._converter.write(self._frame, slot, self._orientation)

    def _keep(self, frame: VideoFrame) -> None:
        self._frame = frame
        if frame.key_frame:
            self._orientation = self._orientations.read(frame) or Orientation.TOP_LEFT
