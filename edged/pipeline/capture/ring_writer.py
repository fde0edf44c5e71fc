"""Writes the frames of an open source to the frame ring: those that are due, wanted and good."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
from numpy.typing import NDArray

from edged.camera import LiveStream, MaskedSource, Source
from edged.errors import DamagedFrame, SourceError
from edged.pipeline.camera_stats import CameraState, CameraStats
from edged.pipeline.capture.freeze import FreezeWatch
from edged.pipeline.capture.lazy_decode import LazyDecode
from edged.pipeline.capture.rate_cap import RateCap
from edged.pipeline.capture.settings import CaptureSettings
from edged.pipeline.demand import Demand
from edged.pipeline.ring import FrameRing
from edged.values import Stamp

__all__ = ["GRAB_SECONDS", "Frozen", "RingWriter"]

GRAB_SECONDS = 0.25  # the longest wait for a frame in one step, and for the reader before it


class Frozen(SourceError):
    """The source delivers the same picture again and again."""


class RingWriter:
    """Writes the frames of a source that is open to the ring, and counts those that it leaves out.

    Used by the thread that owns *source*. *in_charge* makes a context in which that thread is not abandoned, and raises
    RingClosed if it is already. ``settings`` are those in effect.
    """

    def __init__(
        self,
        source: Source,
        ring: FrameRing,
        stats: CameraStats,
        settings: CaptureSettings,
        demand: Demand,
        in_charge: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._source = source
        self._stream = source if isinstance(source, LiveStream) else None
        self._ring = ring
        self._stats = stats
        self._demand = demand
        self._in_charge = in_charge
        self._unsettled = 0  # frames still to be skipped
        self._last_good = 0.0  # when the last good frame came, or the source was opened
        self._damage = ""  # what was wrong with those since
        self._last_cap_ns = 0
        self._dropped_before = 0
        self.next_seq = 0
        """The number of the next frame."""
        self.use(settings)

    def use(self, settings: CaptureSettings) -> None:
        """Go by *settings* from the next frame on."""
        self.settings = settings
        self._cap, self._halvings, self._stats.slowed_to = RateCap(settings.max_fps), 0, None
        self._freeze = FreezeWatch(settings.frozen_seconds)
        self._lazy_decode = LazyDecode()
        if self._stream is not None:
            self._stream.expect_rate(settings.max_fps)
        if settings.mask is not None and isinstance(self._source, MaskedSource):
            self._source.use_mask(settings.mask)

    def continue_counts(self) -> None:
        """Count on from what the capture before this one has counted as dropped."""
        self._dropped_before = self._stats.dropped_ring - self._ring.dropped

    def begin(self) -> None:
        """Expect the first frame of a source that was opened just now."""
        self._unsettled = self.settings.settle_frames
        self._last_good, self._damage = time.monotonic(), ""
        self._freeze.expect_opening()
        self._lazy_decode.forget()

    def take_frame(self) -> bool:
        """Take the next frame, and return whether it is in the ring now. Under the policy ``block``, wait for its turn.

        Raises:
            Frozen: the camera repeats one picture.
            SourceError: it is lost: it has delivered no good frame for too long.
            EndOfStream: it has no more.
            RingClosed: the ring is closed, or another thread captures the camera.
        """
        if self.settings.wait_for_reader and not self._ring.wait_taken(GRAB_SECONDS):
            return False
        is_written = False
        stalls_after = self._stalls_after()
        self._stats.expect_return(GRAB_SECONDS + stalls_after if stalls_after else None)
        stamp = self._grab()
        if stamp is not None:
            self._stats.captured += 1
            stamp = self._plausible(stamp)
            if self._unsettled:
                self._unsettled -= 1
                self._last_good = time.monotonic()  # skipped, but it came: settling is not silence
            elif self._is_due(stamp):
                is_written = self._pass_on(stamp)
                self._stats.dropped_ring = self._dropped_before + self._ring.dropped
        if stalls_after and time.monotonic() - self._last_sign() > stalls_after:
            raise SourceError(f"no good frame for {stalls_after:g} s{self._damage}")
        return is_written

    def _stalls_after(self) -> float:
        """Seconds without a good frame after which the camera is lost, never between two of a rate that is halved."""
        seconds, slowed_to = self.settings.stall_seconds, self._stats.slowed_to
        return seconds + 1.0 / slowed_to if seconds and slowed_to else seconds

    def _last_sign(self) -> float:
        """When the camera last showed that all is well: by a good frame, or by sending what need not be decoded."""
        return max(self._last_good, self._stream.last_received() if self._stream else 0.0)

    def _grab(self) -> Stamp | None:
        try:
            return self._source.grab(GRAB_SECONDS)
        except DamagedFrame as error:
            self._stats.captured += error.count
            self._stats.dropped_capture += error.count
            self._damage = f": {error}"
            return None

    def _is_due(self, stamp: Stamp) -> bool:
        """Whether the frame may pass by the rate of the camera, which is lower while the board is hot."""
        halvings = 0 if self.settings.wait_for_reader else self._demand.halvings
        if halvings != self._halvings:
            self._halvings = halvings
            limit = self._cap.halve(halvings)
            self._stats.slowed_to = limit if halvings else None
        return self._cap.admits(stamp)

    def _pass_on(self, stamp: Stamp) -> bool:
        # The number is spent whether or not the frame is good: subscribers see the gap.
        seq, self.next_seq = self.next_seq, self.next_seq + 1
        if self._is_unwatched() or self._can_leave_out():
            self._last_good = time.monotonic()  # as far as is known without decoding, after a good one
            return False
        with self._in_charge():
            slot = self._ring.slot()
        begin = time.monotonic_ns()
        try:
            self._retrieve(slot)
            decoded = time.monotonic_ns()
            if self._freeze.is_frozen(slot, stamp):
                raise Frozen(f"the same picture for {self.settings.frozen_seconds:g} s")
        except SourceError as error:
            self._stats.dropped_capture += 1
            self._lazy_decode.forget()
            if isinstance(error, DamagedFrame):
                self._damage = f": {error}"
                return False
            raise
        if self._freeze.in_doubt:
            self._stats.dropped_capture += 1
            self._last_good = time.monotonic()  # not silence, but the picture may be old
            return False
        with self._in_charge():
            self._ring.commit(seq, stamp, decoded - begin)
        self._lazy_decode.note_decoded(time.monotonic_ns() - begin)
        self._last_good, self._damage = time.monotonic(), ""
        return True

    def _retrieve(self, slot: NDArray[np.uint8]) -> None:
        try:
            self._source.retrieve(slot)
        except MemoryError as exc:
            raise DamagedFrame("there is not enough memory to decode it") from exc

    def _is_unwatched(self) -> bool:
        """Whether no region is wanted now. The first frame after each opening is decoded all the same."""
        return self._stats.condition.state is CameraState.RUNNING and not self._demand.is_watched(self._stats.camera)

    def _can_leave_out(self) -> bool:
        """Whether the inference will not ask for this frame. Under the policy ``block`` it asks for each."""
        # One that lies ready is to be replaced by each that comes, so that the one taken is never older than need be.
        due_ns = 0 if self._ring.waiting else self._demand.due_ns(self._stats.camera)
        if self.settings.wait_for_reader or not self._lazy_decode.can_wait(time.monotonic_ns(), due_ns):
            return False
        self._ring.count_left_out()
        return True

    def _plausible(self, stamp: Stamp) -> Stamp:
        """Return *stamp*, or the present where a driver's clock went backwards or ahead of ours."""
        now = time.monotonic_ns()
        if not self._last_cap_ns < stamp.t_cap_ns <= now:
            stamp = Stamp(now, "arrival")
        self._last_cap_ns = stamp.t_cap_ns
        return stamp
