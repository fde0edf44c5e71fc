"""Containers, such as .mp4, .mkv and .ts, taken apart into the packets of their video."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from edged.camera.video.messages import forward_messages
from edged.camera.video.orientation import orientation_of_degrees
from edged.camera.video.readable import Readable
from edged.errors import SourceError
from edged.vision.pixels.orientation import Orientation

__all__ = ["Container", "Track"]

FASTEST = 1000.0  # frames per second; a higher claim is wrong
SLOW = 1.0  # frames per second; a lower average may be that of a recording with a jump in its times
NO_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails  # pictures that go with it
UNREADABLE = (
    "not a video that FFmpeg can read: it is damaged, or of a codec that is missing there; H.264 in an .mp4 works"
)

_FAILURES = (av.FFmpegError, MemoryError, UnicodeError)  # the last of a name in a list, which PyAV reads as UTF-8

OPTIONS = {
    # FFmpeg would decode frames to find out about them, of any size; edged decodes the first one itself.
    "codec_whitelist": "-",
    "probesize": str(1 << 20),  # bytes
    "analyzeduration": "500000",  # microseconds
    "max_streams": "64",
    "protocol_whitelist": "-",
}


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """The video of a container.

    ``context`` decodes it and is not open yet, ``width`` and ``height`` are those that the container claims (0: none),
    ``orientation`` the one of its metadata, which a display matrix of a frame overrules.
    """

    context: VideoCodecContext
    width: int
    height: int
    fps: float | None
    orientation: Orientation


class Container:
    """Opens *file* and finds its video: the first track that is no cover picture.

    Raises:
        SourceError: there is none. The text goes on after the name of the file or stream.
    """

    def __init__(self, file: Readable) -> None:
        forward_messages()
        elsewhere = _Elsewhere()  # and not a method: the container would keep itself, until Python looks for cycles
        try:
            self._container: InputContainer = av.open(
                file, "r", options=OPTIONS, io_open=elsewhere, metadata_errors="replace"
            )
        except _FAILURES:
            what = "a list of other files or addresses, and no video" if elsewhere.is_asked else UNREADABLE
            raise SourceError(what) from None
        try:
            self._stream = self._find_video()
        except BaseException:
            self._container.close()
            raise
        self.track = _track(self._stream)

    def packets(self) -> Iterator[av.Packet[VideoStream]]:
        """Yield the packets of the video in the order in which they are decoded, to the end or to what is no video."""
        try:
            for packet in self._container.demux(self._stream):
                if packet.size:  # the last, empty one would end the decoder
                    yield packet
        except _FAILURES:
            return

    def close(self) -> None:
        """Free it; the packets and the track live on."""
        self._container.close()

    def _find_video(self) -> VideoStream:
        videos = [stream for stream in self._container.streams.video if not stream.disposition & NO_VIDEO]
        if not videos:
            raise SourceError("has no video track")
        stream = next((stream for stream in videos if stream.codec_context is not None), None)
        if stream is None:
            raise SourceError(UNREADABLE)
        for other in self._container.streams:
            if other is not stream:
                other.discard = av.stream.Discard.all
        return stream


class _Elsewhere:
    """Opens nothing in place of another file or address, to which a stranger's list may lead."""

    def __init__(self) -> None:
        self.is_asked = False

    def __call__(self, url: str, flags: int, options: dict[str, str]) -> io.BytesIO:  # noqa: ARG002 - PyAV calls it so
        self.is_asked = True
        return io.BytesIO()


def _track(stream: VideoStream) -> Track:
    context = stream.codec_context
    metadata = {name.lower(): value for name, value in stream.metadata.items()}
    orientation = orientation_of_degrees(metadata.get("rotate", "0"))
    return Track(context, context.width, context.height, _frames_per_second(stream), orientation)


def _frames_per_second(stream: VideoStream) -> float | None:
    """Return the average rate; the one by the distances of frames where there is none, or a jump has spoiled it."""
    average, usual = _rate(stream.average_rate), _rate(stream.guessed_rate)
    if average is None or (usual is not None and average < SLOW and usual > 5 * average):
        return usual
    return average


def _rate(rate: Fraction | None) -> float | None:
    return float(rate) if rate is not None and 0 < rate < FASTEST else None
