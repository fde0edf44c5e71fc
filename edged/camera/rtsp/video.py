"""The video of a session: packets in, the newest frame out, and what is known of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edged.camera.rtsp.access_units import AccessUnits, Unit
from edged.camera.rtsp.decoder import Decoder
from edged.camera.rtsp.jpeg_frames import JpegFrames
from edged.camera.rtsp.nal import H264, H265
from edged.camera.rtsp.rtcp import Goodbye, SenderReport, read_reports
from edged.camera.rtsp.rtp import read_packet
from edged.camera.rtsp.sdp import VideoTrack
from edged.errors import DamagedFrame, SourceError

__all__ = ["Video"]

LOST = "packets were lost, of it or of a frame that it builds on"


class Video:
    """Decodes the video of *track* as its packets come.

    Args:
        track: from the description of the session.
        max_pixels: of a frame.
        keys_only: decode the frames only that are coded without another one; all others are thrown away unread.
    """

    def __init__(self, track: VideoTrack, max_pixels: int, *, keys_only: bool = False) -> None:
        self._track = track
        self._keys_only = keys_only
        self._units = _units(track)
        self._decoder = Decoder(track.codec, max_pixels)
        self._report: SenderReport | None = None
        self._timestamp = 0  # of the newest frame
        self._broken_by = ""  # the frame that could not be decoded, since when others are damaged
        self.frames = 0
        """Frames so far, damaged ones too."""
        self.damage = ""
        """What is wrong with the newest frame; empty if nothing is."""

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the newest frame that was decoded; None before the first."""
        return self._decoder.size

    @property
    def lost(self) -> int:
        """Packets that are missing, so far."""
        return self._units.lost

    @property
    def position(self) -> float:
        """The time of the newest frame by the camera's own clock, in seconds from an arbitrary start."""
        return self._timestamp / self._track.clock_rate

    @property
    def wall_ns(self) -> int | None:
        """Unix time, in nanoseconds, at which the camera took the newest frame; None if it does not send that."""
        if self._report is None:
            return None
        return self._report.wall_ns_of(self._timestamp % 0x100000000, self._track.clock_rate)

    def push(self, content: memoryview) -> None:
        """Take in an RTP packet, and decode the frames that it completes. What is no packet of the video counts not."""
        try:
            packet = read_packet(content)
        except ValueError:
            return
        if packet.payload_type == self._track.payload_type:
            for unit in self._units.push(packet):
                if unit.is_key or not self._keys_only:
                    self._take(unit)

    def report(self, content: memoryview) -> None:
        """Take in an RTCP packet.

        Raises:
            SourceError: the camera ends the stream.
        """
        for report in read_reports(content):
            if isinstance(report, Goodbye):
                raise SourceError("the camera has ended the stream")
            self._report = report

    def write_into(self, slot: NDArray[np.uint8]) -> None:
        """Write the newest frame that was decoded into *slot*, as BGR. Raises what `Decoder.write_into` does."""
        self._decoder.write_into(slot)

    def _take(self, unit: Unit) -> None:
        damage, timestamp = self._broken_by or LOST, unit.timestamp
        if not unit.is_damaged:
            damage = self._broken_by = ""
            try:
                if not self._decoder.push(unit.content, unit.timestamp, self._track.clock_rate):
                    return
            except DamagedFrame as exc:
                self._units.break_off()  # what builds on it is damaged too
                damage = self._broken_by = str(exc)
            else:
                timestamp = self._decoder.timestamp if self._decoder.timestamp is not None else timestamp
        self.frames += 1
        self.damage, self._timestamp = damage, timestamp


def _units(track: VideoTrack) -> AccessUnits | JpegFrames:
    match track.codec:
        case "h264":
            return AccessUnits(H264(), track.parameter_sets)
        case "hevc":
            return AccessUnits(H265(), track.parameter_sets)
        case "mjpeg":
            return JpegFrames()
