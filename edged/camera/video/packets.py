"""A thread that takes a video apart, so that no wait for its bytes holds up the camera."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TypeAlias

import av
from av.video.stream import VideoStream

from edged.camera.video.container import Container, Track
from edged.camera.video.readable import Input
from edged.errors import EndOfStream, SourceError

__all__ = ["PacketReader", "VideoPacket"]

MOST_BYTES = 8 << 20  # of packets that wait to be decoded
MOST_PACKETS = 512
END_SECONDS = 5.0  # waking the input ends every wait of the thread at once, except one of a file system that hangs

VideoPacket: TypeAlias = "av.Packet[VideoStream]"


class PacketReader:
    """Reads *source* in a thread of its own, and hands over what it finds, one after the other.

    It waits while `MOST_BYTES` are waiting, so a file is read as it is played, and a camera waits, too.
    """

    def __init__(self, source: Input, shown: str) -> None:
        self._source, self._shown = source, shown
        self._change = threading.Condition()
        self._waiting: deque[Track | VideoPacket] = deque()
        self._bytes = 0
        self._has_ended = False
        self._failure = ""  # the reason for which it has ended early
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="video reader", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """True until the thread has ended."""
        return self._thread.is_alive()

    @property
    def is_empty(self) -> bool:
        """True where nothing waits to be taken."""
        return not self._waiting

    def take(self, deadline: float) -> Track | VideoPacket | None:
        """Return the next track, or packet of the last one; None if there is none by *deadline*, or after ``wake``.

        Raises:
            EndOfStream: the video came to its end.
            SourceError: it broke off.
        """
        with self._change:
            while not self._waiting:
                if self._is_closed:
                    return None
                if self._has_ended:
                    raise SourceError(self._failure) if self._failure else EndOfStream("end of the video")
                if not self._change.wait(deadline - time.monotonic()):
                    return None
            item = self._waiting.popleft()
            if isinstance(item, av.Packet):
                self._bytes -= item.size
            self._change.notify_all()
            return item

    def wake(self) -> None:
        """End the thread, and a ``take`` that waits. Any thread may call it."""
        with self._change:
            self._is_closed = True
            self._change.notify_all()
        self._source.wake()

    def close(self) -> None:
        """End the thread and wait for that, within a limit."""
        self.wake()
        self._thread.join(END_SECONDS)
        self._waiting.clear()

    def _run(self) -> None:
        failure = "reading it has failed"
        try:
            self._read_parts()
            failure = self._source.failure
        except _Closed:
            failure = ""
        except SourceError as exc:
            failure = self._source.failure or str(exc)
        finally:
            self._source.close()
            with self._change:
                self._failure, self._has_ended = failure, True
                self._change.notify_all()

    def _read_parts(self) -> None:
        is_first = True
        for part in self._source.parts():
            try:
                container = Container(part)
            except SourceError as exc:
                if is_first:
                    raise SourceError(f"{self._shown}: {exc}") from None
                continue  # what was put behind a video need not be one
            try:
                self._put(container.track, 0)
                for packet in container.packets():
                    self._source.note_packet()
                    self._put(packet, packet.size)
            finally:
                container.close()
            is_first = False

    def _put(self, item: Track | VideoPacket, size: int) -> None:
        with self._change:
            while not self._is_closed and (self._bytes >= MOST_BYTES or len(self._waiting) >= MOST_PACKETS):
                self._change.wait(1.0)
            if self._is_closed:
                raise _Closed
            self._waiting.append(item)
            self._bytes += size
            self._change.notify_all()


class _Closed(Exception):  # noqa: N818 - not an error: nobody wants any more
    """The reader is closed."""
