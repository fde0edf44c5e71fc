"""The video of a session: packets in, the newest frame out, and what is known of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edged.camera.key_frames import KeyFrames
from edged.camera.rtsp.access_units import AccessUnits, Unit
from edged.camera.rtsp.decoder import Decoder
from edged.camera.rtsp.jpeg_frames import JpegFrames
from edged.camera.rtsp.nal import H264, H265
from edged.camera.rtsp.rtcp import Goodbye, SenderReport, read_reports
from edged.camera.rtsp.rtp import read_packet
from edged.camera.rtsp.sdp import VideoTrack
from edged.camera.video.codec_name import codec_name
from edged.camera.video.decoder_choice import DecoderChoice
from edged.errors import DamagedFrame, SourceError

__all__ = ["Video"]

LOST = "packets were lost, of it or of a frame that it builds on"


@dataclass(frozen=True, slots=True)
class _Coded:
    """A key frame that is not decoded yet."""

    content: bytes
    timestamp: int


class Video:
    """Decodes the video of *track* as its packets come.

    Where key frames are enough, nothing else is put together, and they are decoded only when one is wanted.

    Args:
        track: from the description of the session.
        max_pixels: of a frame.
        key_frames: tells whether they are enough.
        decoder: the one that is to be used where it can be opened; None for software.
    """

    def __init__(
        self, track: VideoTrack, max_pixels: int, key_frames: KeyFrames, decoder: DecoderChoice | None = None
    ) -> None:
        self._track = track
        self._key_frames = key_frames
        self._units = _units(track)
        self._decoder = Decoder(track.codec, max_pixels, decoder)
        self._coded: _Coded | None = None
        self._timestamp = 0  # of the newest frame
        self._broken_by = ""  # the frame that could not be decoded, since when others are damaged
        self.frames = 0
        """Frames so far, damaged ones too."""
        self.damage = ""
        """The fault of the newest frame; empty if it has none."""
        self.report: SenderReport | None = None
        """The wall clock of the camera, as it gave it last."""

    @property
    def decoder_name(self) -> str:
        """FFmpeg's name of the decoder in use."""
        return self._decoder.name

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the newest frame that was decoded; None before the first."""
        return self._decoder.size

    @property
    def codec(self) -> str:
        """The name of the compression, see `codec_name`."""
        return codec_name(self._track.codec)

    @property
    def lost(self) -> int:
        """Packets that are missing, so far."""
        return self._units.lost

    @property
    def pictures(self) -> int:
        """Pictures so far, those too that are not decoded."""
        return self._units.pictures

    @property
    def passed_over(self) -> int | None:
        """The RTP timestamp of the present picture, if its other packets are of no use; None if they are."""
        return self._units.timestamp if self._units.is_passing_over else None

    @property
    def keys_only(self) -> bool:
        """Whether only key frames are wanted now."""
        return self._units.keys_only

    @property
    def position_ns(self) -> int:
        """The time of the newest frame by the camera's own clock, in nanoseconds from an arbitrary start."""
        return self._timestamp * 1_000_000_000 // self._track.clock_rate

    @property
    def wall_ns(self) -> int | None:
        """Unix time, in nanoseconds, at which the camera took the newest frame; None if it does not send that."""
        if self.report is None:
            return None
        return self.report.wall_ns_of(self._timestamp % 0x100000000, self._track.clock_rate)

    def push(self, content: memoryview) -> None:
        """Take in an RTP packet, and decode the frames that it completes. What is no packet of the video counts not."""
        try:
            packet = read_packet(content)
        except ValueError:
            return
        if packet.payload_type == self._track.payload_type:
            for unit in self._units.push(packet):
                self._take(unit)

    def skipped(self, packets: int, last: int) -> None:
        """Take note of packets of the picture that is passed over; see `AccessUnits.skipped`."""
        self._units.skipped(packets, last)

    def take_report(self, content: memoryview) -> None:
        """Take in an RTCP packet.

        Raises:
            SourceError: the camera ends the stream.
        """
        for report in read_reports(content):
            if isinstance(report, Goodbye):
                raise SourceError("the camera has ended the stream")
            self.report = report

    def decode(self) -> None:
        """Decode the newest frame, if it is not decoded yet.

        Raises:
            DamagedFrame: it cannot be decoded, or a part of it was lost.
        """
        coded, self._coded = self._coded, None
        if coded is not None:
            try:
                self._decoder.decode_alone(coded.content, coded.timestamp, self._track.clock_rate)
            except DamagedFrame as exc:
                self.damage = str(exc)
        if self.damage:
            raise DamagedFrame(self.damage)

    def write_into(self, slot: NDArray[np.uint8]) -> None:
        """Write the newest frame that was decoded into *slot*; see `Decoder.write_into`."""
        self._decoder.write_into(slot)

    def _take(self, unit: Unit) -> None:
        if unit.is_key and not unit.is_damaged:
            self._judge_key_frames(unit.timestamp)
        self._coded = None
        if unit.is_damaged:
            self._note_frame(unit.timestamp, self._broken_by or LOST)
        elif self._units.keys_only:
            self._coded = _Coded(bytes(unit.content), unit.timestamp)
            self._note_frame(unit.timestamp, "")
            if self.size is None:
                with suppress(DamagedFrame):
                    self.decode()
        else:
            self._decode_now(unit)

    def _judge_key_frames(self, timestamp: int) -> None:
        self._key_frames.note(timestamp / self._track.clock_rate)
        keys_only = self._key_frames.are_enough or self._track.codec == "mjpeg"
        if keys_only is not self._units.keys_only:
            self._units.keys_only = keys_only
            self._decoder.forget()

    def _decode_now(self, unit: Unit) -> None:
        self._broken_by = ""
        try:
            if not self._decoder.push(unit.content, unit.timestamp, self._track.clock_rate):
                return
        except DamagedFrame as exc:
            self._units.break_off()  # what builds on it is damaged too
            self._broken_by = str(exc)
            self._note_frame(unit.timestamp, self._broken_by)
        else:
            timestamp = self._decoder.timestamp
            self._note_frame(unit.timestamp if timestamp is None else timestamp, "")

    def _note_frame(self, timestamp: int, damage: str) -> None:
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
