"""FFmpeg's decoders, through PyAV: coded pictures in, pixels out."""

from __future__ import annotations

import av
import numpy as np
from av.sidedata.sidedata import SideData
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from edged.camera.video.codec_name import codec_name
from edged.camera.video.held_frames import HeldFrames
from edged.camera.video.messages import forward_messages
from edged.camera.video.orientation import orientation_of_matrix
from edged.errors import DamagedFrame
from edged.vision.pixels.orientation import Orientation

__all__ = ["Converter", "OrientationReader", "PacketDecoder"]


class PacketDecoder:
    """Decodes the packets of one stream with *context*, which allocates nothing for frames of over *max_pixels*."""

    def __init__(self, context: VideoCodecContext, max_pixels: int) -> None:
        forward_messages()
        self._context = context
        self._max_pixels = max_pixels
        self._held = HeldFrames(max_pixels)

    @property
    def codec(self) -> str:
        """The name of the compression, see `codec_name`."""
        return codec_name(self._context.codec.canonical_name)

    @property
    def name(self) -> str:
        """FFmpeg's name of the decoder in use."""
        return self._context.name

    def decode(self, packet: av.Packet[VideoStream] | None) -> list[VideoFrame]:
        """Return the frames that *packet* completes, in the order in which they are shown; None ends the stream.

        Raises:
            DamagedFrame: it cannot be decoded, or has too many pixels.
            SourceError: frames refer to too many others, or there is not enough memory for them.
        """
        self._held.expect(self._context.width, self._context.height)
        try:
            frames = self._context.decode(packet)
        except EOFError:  # it was ended before
            return []
        except (av.FFmpegError, MemoryError):
            raise DamagedFrame(self._failure) from None  # its text may quote what must not be shown
        if any(frame.width * frame.height > self._max_pixels for frame in frames):
            raise DamagedFrame(self._failure)
        self._held.note(frames)
        return frames

    def decode_alone(self, packet: av.Packet[VideoStream]) -> list[VideoFrame]:
        """Return the frame of *packet*, which is coded without another one, and wait for none. Raises as ``decode``."""
        frames = self.decode(packet) + self.decode(None)
        self._context.flush_buffers()
        return frames

    @property
    def _failure(self) -> str:
        return f"a frame cannot be decoded: it is damaged, or has more than {self._max_pixels} pixels"


class Converter:
    """Turns decoded frames into pixels."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def write(
        self, frame: VideoFrame, slot: NDArray[np.uint8], orientation: Orientation = Orientation.TOP_LEFT
    ) -> None:
        """Write *frame* into *slot* as BGR, as it is shown, scaled to the size of *slot*.

        Raises:
            DamagedFrame: it cannot be converted.
        """
        height, width = slot.shape[1::-1] if orientation.swaps_sides else slot.shape[:2]
        try:
            plane = self._reformatter.reformat(frame, width, height, "bgr24", threads=1).planes[0]
        except (av.FFmpegError, MemoryError):
            raise DamagedFrame("a frame cannot be converted to BGR") from None
        # A view of FFmpeg's own memory, whose lines may be longer than the picture is wide.
        stored: NDArray[np.uint8] = np.ndarray(
            (height, width, 3), np.uint8, memoryview(plane), strides=(plane.line_size, 3, 1)
        )
        orientation.turn(stored, slot)


class OrientationReader:
    """Reads the orientation of frames, which changes at key frames only."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def read(self, frame: VideoFrame) -> Orientation | None:
        """Return the orientation of *frame* by its display matrix; None if it has none.

        A frame that is asked for its side data refers to itself, and is not freed at once. So a copy of a few pixels is
        asked, which carries the same.
        """
        try:
            copy = self._reformatter.reformat(frame, 16, 16, "gray", interpolation="POINT", threads=1)
        except (av.FFmpegError, MemoryError):
            return None
        matrix = copy.side_data.get("DISPLAYMATRIX")
        return orientation_of_matrix(bytes(matrix)) if isinstance(matrix, SideData) else None
