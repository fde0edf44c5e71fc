"""The buffers that a driver fills with frames: asked for, mapped, queued, taken, and given back."""

from __future__ import annotations

import ctypes
import errno
import mmap
from contextlib import suppress
from dataclasses import dataclass

from edged.camera.v4l2 import abi, structures
from edged.camera.v4l2.device import Device

__all__ = ["BUFFERS", "GONE", "FilledBuffer", "Stream"]

GONE = frozenset({errno.ENODEV, errno.ENXIO})
"""Errors of a device that is not there any more."""

BUFFERS = 4  # one in hand, one being filled, and two against jitter; more would only hold older frames


@dataclass(frozen=True, slots=True)
class FilledBuffer:
    """A buffer with a frame in it: which one, bytes used, the driver's flags and its time in nanoseconds."""

    index: int
    used: int
    flags: int
    time_ns: int

    @property
    def marked_damaged(self) -> bool:
        """True where the driver reports that the frame did not arrive whole."""
        return bool(self.flags & abi.BUF_FLAG_ERROR)


class Stream:
    """Frames of a device that is set up. Every method raises ``OSError``.

    A buffer that was taken must be given back before the driver can fill it again.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._mappings: list[mmap.mmap] = []
        self._ours: list[int] = []  # buffers that the driver does not have
        self._on = False

    def start(self) -> None:
        """Ask for buffers, hand them all to the driver, and start it. After a failure ``stop`` frees what there is."""
        request = structures.Requestbuffers(count=BUFFERS, type=abi.BUF_TYPE_VIDEO_CAPTURE, memory=abi.MEMORY_MMAP)
        self._device.ask(abi.REQBUFS, request)
        for index in range(request.count):
            buffer = _buffer(index)
            self._device.ask(abi.QUERYBUF, buffer)
            self._mappings.append(self._device.kernel.map(self._device.fd, buffer.length, buffer.m.offset))
            self._ours.append(index)
        self._queue()
        self._on = True
        self._device.ask(abi.STREAMON, ctypes.c_int(abi.BUF_TYPE_VIDEO_CAPTURE))

    def take(self) -> FilledBuffer | None:
        """Return the oldest buffer that was filled; None if none was. Never waits."""
        buffer = _buffer(0)
        try:
            self._device.ask(abi.DQBUF, buffer)
        except BlockingIOError:
            return None
        time = buffer.timestamp
        return FilledBuffer(
            index=buffer.index,
            # A driver that claims more than there is would make us read past the end.
            used=min(buffer.bytesused, len(self._mappings[buffer.index])),
            flags=buffer.flags,
            time_ns=time.tv_sec * 1_000_000_000 + time.tv_usec * 1_000,
        )

    def memory(self, filled: FilledBuffer) -> mmap.mmap:
        """Return the bytes of a buffer that was taken and not given back. No view of it may outlive the next call."""
        return self._mappings[filled.index]

    def give_back(self, filled: FilledBuffer) -> None:
        """Let the driver fill this buffer again."""
        self._ours.append(filled.index)
        self._queue()

    def stop(self) -> None:
        """Stop the driver and free the buffers; harmless when done twice, and on a device that has gone."""
        if self._on:
            self._on = False
            with suppress(OSError):  # it has gone, or will not stop: closing the device stops it anyway
                self._device.ask(abi.STREAMOFF, ctypes.c_int(abi.BUF_TYPE_VIDEO_CAPTURE))
        self._ours.clear()
        # Each mapping holds the node: while one is left, a camera that is plugged in again gets another number.
        while self._mappings:
            self._mappings.pop().close()

    def _queue(self) -> None:
        """Hand every buffer that is ours to the driver. One that it does not take now is offered again next time."""
        refused: OSError | None = None
        for index in self._ours[:]:
            try:
                self._device.ask(abi.QBUF, _buffer(index))
                self._ours.remove(index)
            except OSError as exc:
                if exc.errno in GONE:
                    raise
                refused = exc
        if refused is not None and len(self._ours) == len(self._mappings):
            raise refused


def _buffer(index: int) -> structures.Buffer:
    return structures.Buffer(index=index, type=abi.BUF_TYPE_VIDEO_CAPTURE, memory=abi.MEMORY_MMAP)
