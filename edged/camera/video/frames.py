"""The frames of a video, decoded one after the other."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from edged.camera.frame_limit import check_frame_size
from edged.camera.key_frames import KeyFrames
from edged.camera.video.container import Track
from edged.camera.video.decoder import Converter, OrientationReader, PacketDecoder
from edged.camera.video.decoder_choice import DecoderChoice
from edged.camera.video.packets import PacketReader, VideoPacket
from edged.camera.video.readable import Input
from edged.errors import DamagedFrame, EndOfStream, SourceError, map_exceptions
from edged.vision.pixels.orientation import Orientation

__all__ = ["VideoFrames"]

BUILDS_ON_DAMAGE = "it builds on a damaged frame"
DAMAGED = "a part of it is damaged"
MOST_WITHOUT_KEY = 300  # packets; what has no key frame among so many is decoded as it comes


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """A frame that was decoded, or, without a picture, one that could not be. ``is_cut``: the first of its part."""

    picture: VideoFrame | None
    time: float | None
    damage: str
    orientation: Orientation
    is_cut: bool


class VideoFrames:
    """Decodes the video of *source* frame by frame. Damaged ones are frames, too, and so are those that build on them.

    Args:
        source: where it comes from; a thread of this object reads and closes it.
        shown: its name, in errors and in the log.
        max_pixels: of a frame.
        decoder: the one that is to be used where it can be opened; None for software.
        key_frames: tells whether these are enough; None: they are not.
    """

    def __init__(
        self,
        source: Input,
        shown: str,
        *,
        max_pixels: int,
        decoder: DecoderChoice | None = None,
        key_frames: KeyFrames | None = None,
    ) -> None:
        self.packet_at = time.monotonic()
        """When the last packet was taken, whether or not it was decoded, in seconds on the monotonic clock."""
        self.fps: float | None = None
        """Frames per second, as the container gives them."""
        self._shown, self._max_pixels = shown, max_pixels
        self._choice = decoder or DecoderChoice("", shown)
        self._reader = PacketReader(source, shown)
        self._converter = Converter()
        self._decoder: PacketDecoder | None = None
        self._orientations = OrientationReader()
        self._track_orientation = Orientation.TOP_LEFT  # by the metadata, where a frame has none of its own
        self._orientation = Orientation.TOP_LEFT  # of the frames since the last key frame
        self._decoded: deque[_Shown] = deque()
        self._newest: _Shown | None = None
        self._key_frames = key_frames
        self._keys_only = False
        self._awaits_key = True
        self._without_key = 0  # packets since a key frame is awaited
        self._time_base: Fraction | None = None  # of the last packet; frames that were held back have none
        self._is_broken = False  # since a damaged frame
        self._is_cut = True  # the next frame is the first of its part

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the newest frame, as it is shown; None where that could not be decoded."""
        newest = self._newest
        if newest is None or newest.picture is None:
            return None
        width, height = newest.picture.width, newest.picture.height
        return (height, width) if newest.orientation.swaps_sides else (width, height)

    @property
    def time(self) -> float | None:
        """The timestamp of the newest frame in seconds; None if it has none."""
        return self._newest.time if self._newest is not None else None

    @property
    def is_cut(self) -> bool:
        """True where the time of the newest frame stands in no relation to those before."""
        return self._newest is not None and self._newest.is_cut

    @property
    def damage(self) -> str:
        """The fault of the newest frame; empty if it has none."""
        return self._newest.damage if self._newest is not None else ""

    @property
    def codec(self) -> str:
        """The name of the compression, such as ``h264``, see `codec_name`; empty before it is known."""
        return self._decoder.codec if self._decoder is not None else ""

    @property
    def decoder_name(self) -> str:
        """FFmpeg's name of the decoder in use; empty before there is one."""
        return self._decoder.name if self._decoder is not None else ""

    @property
    def is_read(self) -> bool:
        """True where nothing waits to be decoded: what comes next is new."""
        return self._reader.is_empty and not self._decoded

    @property
    def is_running(self) -> bool:
        """True until the thread that reads has ended."""
        return self._reader.is_running

    def advance(self, deadline: float) -> bool:
        """Decode until there is another frame. Returns whether there is one; not so by *deadline*, or once woken.

        Raises:
            EndOfStream: there are no more.
            SourceError: the source broke off, or holds no video that can be decoded.
        """
        while not self._decoded:
            try:
                item = self._reader.take(deadline)
            except (EndOfStream, SourceError):
                self._drain()
                if self._decoded:
                    break
                raise
            if item is None:
                return False
            if isinstance(item, Track):
                self._begin(item)
            else:
                self._take(item)
            if not self._decoded and time.monotonic() >= deadline:
                return False
        self._newest = self._decoded.popleft()
        return True

    def write_into(self, slot: NDArray[np.uint8]) -> None:
        """Write the newest frame into *slot* as BGR, upright, and scaled if its size is another one.

        Raises:
            DamagedFrame: it is damaged.
        """
        assert self._newest is not None, "write_into before advance"
        if self._newest.damage or self._newest.picture is None:
            raise DamagedFrame(f"{self._shown}: {self._newest.damage}")
        try:
            self._converter.write(self._newest.picture, slot, self._newest.orientation)
        except DamagedFrame as exc:
            raise DamagedFrame(f"{self._shown}: {exc}") from exc

    def wake(self) -> None:
        """End an ``advance`` that waits. Any thread may call it."""
        self._reader.wake()

    def close(self) -> None:
        """End the thread and free everything."""
        self._reader.close()
        self._decoder = self._newest = None
        self._decoded.clear()

    def _begin(self, track: Track) -> None:
        """Go on with another part of the video, which may be of another codec and size."""
        self._drain()
        if track.width or track.height:
            with map_exceptions({SourceError: SourceError}, self._shown):
                check_frame_size(track.width, track.height, self._max_pixels)
        self._decoder = PacketDecoder(self._choice.open(track.context, self._max_pixels), self._max_pixels)
        self._orientation = self._track_orientation = track.orientation
        self.fps = self.fps or track.fps
        self._awaits_key, self._without_key, self._is_broken, self._is_cut = True, 0, False, True

    def _take(self, packet: VideoPacket) -> None:
        assert self._decoder is not None, "a track comes before its packets"
        self.packet_at, self._time_base = time.monotonic(), packet.time_base
        if packet.is_keyframe:
            self._judge_key_frames(packet)
        elif self._keys_only or self._is_awaiting_key():
            return
        self._awaits_key, self._without_key = False, 0
        decode = self._decoder.decode_alone if self._keys_only else self._decoder.decode
        with map_exceptions({SourceError: SourceError}, self._shown):
            try:
                for picture in decode(packet):
                    self._append(picture)
            except DamagedFrame as exc:
                self._is_broken = True
                self._note(None, self._seconds(packet), str(exc))

    def _judge_key_frames(self, packet: VideoPacket) -> None:
        at = self._seconds(packet)
        if self._key_frames is not None and at is not None:
            self._key_frames.note(at)
            self._keys_only = self._key_frames.are_enough

    def _is_awaiting_key(self) -> bool:
        self._without_key += 1
        return self._awaits_key and self._without_key <= MOST_WITHOUT_KEY

    def _append(self, picture: VideoFrame) -> None:
        damage = ""
        if picture.is_corrupt:
            damage, self._is_broken = DAMAGED, True
        elif picture.key_frame:
            self._is_broken = False
        elif self._is_broken:
            damage = BUILDS_ON_DAMAGE
        if picture.key_frame:
            self._orientation = self._orientations.read(picture) or self._track_orientation
        self._note(picture, self._seconds(picture), damage)

    def _note(self, picture: VideoFrame | None, at: float | None, damage: str) -> None:
        self._decoded.append(_Shown(picture, at, damage, self._orientation, self._is_cut))
        self._is_cut = False

    def _drain(self) -> None:
        """Take the frames that the decoder has held back to put them in order."""
        if self._decoder is None:
            return
        with suppress(SourceError):
            for picture in self._decoder.decode(None):
                self._append(picture)
        self._decoder = None

    def _seconds(self, item: VideoFrame | VideoPacket) -> float | None:
        base = item.time_base or self._time_base
        return None if item.pts is None or base is None else float(item.pts * base)
