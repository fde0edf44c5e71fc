"""The frame ring of one camera: slots made once, the newest frame wins, and a slot that is read is never written."""

from __future__ import annotations

import math
import threading
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edged.errors import RingClosed, SourceError, map_exceptions
from edged.memory_left import RESERVE, memory_left
from edged.values import Format, Stamp

__all__ = ["FrameRing", "Lease"]


class _Slot:
    """Memory for one frame. ``generation`` grows each time that the writer takes the slot."""

    __slots__ = ("generation", "leased", "pixels")

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.pixels: NDArray[np.uint8] = np.empty(shape, np.uint8)
        self.generation = 0
        self.leased = False


class Lease:
    """The right to read one frame until it is released; it pins the slot that the frame lies in.

    ``seq`` counts the camera's frames, so that a gap is a frame that was lost; ``stamp`` is the capture time, and
    ``decode_ns`` the time that it took to write the frame.
    """

    __slots__ = ("_generation", "_ring", "_slot", "decode_ns", "format", "seq", "stamp")

    def __init__(
        self, ring: FrameRing, slot: _Slot, frame_format: Format, seq: int, stamp: Stamp, decode_ns: int
    ) -> None:
        self._ring = ring
        self._slot = slot
        self._generation = slot.generation
        self.format = frame_format
        self.seq = seq
        self.stamp = stamp
        self.decode_ns = decode_ns

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The frame, of shape ``format.shape``; valid until its release.

        Raises:
            ValueError: the lease was released.
        """
        if self._slot.generation != self._generation or not self._slot.leased:
            raise ValueError("this lease was released: its slot may hold another frame by now")
        return self._slot.pixels

    def release(self) -> None:
        """Give the slot back to the writer. Doing so twice is harmless."""
        self._ring._give_back(self._slot, self._generation)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class FrameRing:
    """Frames from one capture to the inference.

    With ``leases + 2`` slots there is always one to write into: ``leases`` are being read, one holds the newest frame,
    and one is free. So the writer never waits for the reader and never touches a slot that is being read. Where there
    is no memory for so many slots, fewer frames are lent.

    *frames_came* is notified of each new frame. The inference serves several cameras and waits on one condition, so
    all their rings share it.
    """

    def __init__(self, frames_came: threading.Condition, leases: int = 1) -> None:
        self.dropped = 0
        """Count of frames that were not taken: they were overwritten, or not even decoded."""
        self.leases = leases
        """The most frames that may be read at a time."""
        self._wanted = leases
        self._frames_came = frames_came
        self._format: Format | None = None
        self._slots: list[_Slot] = []
        self._writing: _Slot | None = None
        self._newest: Lease | None = None
        self._closed = False

    def allocate(self, frame_format: Format) -> None:
        """Make the slots for frames of *frame_format*, unless they fit already. The writer calls it.

        Raises:
            SourceError: there is not enough memory for them.
        """
        with self._frames_came:
            if self._format is not None and self._format.shape == frame_format.shape:
                self._format = frame_format
                return
            self._forget_newest()
            self._writing = None
            self._format = None
            # Leases of the old size keep their slots alive until they are released.
            self._slots = []
            self.leases = self._affordable_leases(frame_format)
            with map_exceptions({MemoryError: SourceError}, "not enough memory for the frames"):
                self._slots = [_Slot(frame_format.shape) for _ in range(self.leases + 2)]
            self._format = frame_format

    def _affordable_leases(self, frame_format: Format) -> int:
        """Return how many frames can be lent; raise SourceError where there is not even memory for one."""
        left = memory_left()
        for leases in range(self._wanted, 0, -1):
            needed = (leases + 2) * math.prod(frame_format.shape)
            if _fits(needed, left):
                return leases
        raise SourceError(
            f"not enough memory for the frames: those of {frame_format.width}×{frame_format.height} pixels need "
            f"{needed >> 20} MiB, and {max(left or 0, 0) >> 20} MiB are left: have the camera send smaller ones"
        )

    def lend(self, leases: int) -> None:
        """Let so many frames be read at a time from now on, if there is memory; slots too many stay until the format
        changes.
        """
        with self._frames_came:
            self._wanted = leases
            if self._format is not None:
                shape, missing = self._format.shape, leases + 2 - len(self._slots)
                if missing > 0 and not _fits(missing * math.prod(shape), memory_left()):
                    return
                self._slots += [_Slot(shape) for _ in range(missing)]
            self.leases = leases

    def renew_slots(self) -> None:
        """Leave the slot that is being written to a writer that hangs, and may go on writing at any time.

        The next writer calls `allocate` first. A frame that waits for the reader stays.
        """
        with self._frames_came:
            self._slots, self._writing, self._format = [], None, None

    def slot(self) -> NDArray[np.uint8]:
        """Return memory for the next frame, which ``commit`` hands over; the same memory until then.

        Raises:
            RingClosed: the ring is closed.
        """
        with self._frames_came:
            self._check_open()
            if self._writing is None:
                newest = self._newest._slot if self._newest else None
                self._writing = next(slot for slot in self._slots if not slot.leased and slot is not newest)
                self._writing.generation += 1
            return self._writing.pixels

    def commit(self, seq: int, stamp: Stamp, decode_ns: int = 0) -> None:
        """Hand over the frame that was written into ``slot``; an older one that was not taken is dropped and counted.

        Raises:
            RingClosed: the ring is closed.
        """
        with self._frames_came:
            self._check_open()
            slot, frame_format = self._writing, self._format
            if slot is None or frame_format is None:
                raise ValueError("commit without a slot")
            self._forget_newest()
            self._writing = None
            self._newest = Lease(self, slot, frame_format, seq, stamp, decode_ns)
            self._frames_came.notify_all()

    def wait_taken(self, timeout: float) -> bool:
        """Wait until the newest frame was taken, so that none is lost (policy ``block``).

        Returns False after *timeout* seconds.

        Raises:
            RingClosed: the ring is closed.
        """
        with self._frames_came:
            self._frames_came.wait_for(lambda: self._newest is None or self._closed, timeout)
            self._check_open()
            return self._newest is None

    def take_frame(self) -> Lease | None:
        """Return the newest frame, or None if it was taken before; never waits (wait on *frames_came*).

        Raises:
            RingClosed: the ring is closed, and its last frame was taken.
        """
        with self._frames_came:
            lease, self._newest = self._newest, None
            if lease is None:
                self._check_open()
                return None
            lease._slot.leased = True
            self._frames_came.notify_all()
            return lease

    def count_left_out(self) -> None:
        """Count a frame that was not decoded, because the reader will not ask for it."""
        with self._frames_came:
            self.dropped += 1

    @property
    def ended(self) -> bool:
        """Whether the ring is closed and its last frame was taken."""
        with self._frames_came:
            return self._closed and self._newest is None

    @property
    def waiting(self) -> int:
        """Count of frames that wait for the reader: 1 or 0."""
        return int(self._newest is not None)

    def close(self) -> None:
        """End the hand-over: the writer can write nothing more, the reader can still take the last frame."""
        with self._frames_came:
            self._closed = True
            self._frames_came.notify_all()

    def _give_back(self, slot: _Slot, generation: int) -> None:
        with self._frames_came:
            if slot.generation == generation:
                slot.leased = False

    def _forget_newest(self) -> None:
        if self._newest is not None:
            self._newest = None
            self.dropped += 1

    def _check_open(self) -> None:
        if self._closed:
            raise RingClosed("the frame ring is closed")


def _fits(needed: int, left: int | None) -> bool:
    """Whether *needed* bytes can be taken of those that are *left*, with something for everything else."""
    # Making slots takes no memory, writing to them does; and the kernel ends a process that takes too much.
    return needed <= RESERVE or left is None or needed + RESERVE <= left
