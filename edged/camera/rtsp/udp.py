"""The sockets over which a camera sends its video where it comes over UDP: RTP on an even port, RTCP on the next."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from edged.camera.rtsp.flood import FloodLimit
from edged.camera.rtsp.reordering import Reordering
from edged.camera.rtsp.sender_filter import accept_only

__all__ = ["UdpChannels"]

MOST_ATTEMPTS = 50  # to find two ports next to each other
RECEIVE_BUFFER = 4 << 20  # a key frame comes at once; the kernel may allow less
_LARGEST = 65536
_PUNCH = b"\x80\x00\x00\x00"  # what opens the way back through a NAT, and is no packet of RTP
_SHORTEST = 12


class UdpChannels:
    """Two sockets, to which only the camera's own address can send. Every method raises ``OSError`` where they fail.

    Args:
        own: this end of the connection to the camera, as sockets have it.
        camera: the camera's end.
        on_video: called with each RTP packet, in the order in which they were sent; valid during the call.
        on_report: called with each RTCP packet.
    """

    def __init__(
        self,
        own: tuple[Any, ...],
        camera: tuple[Any, ...],
        on_video: Callable[[memoryview], None],
        on_report: Callable[[memoryview], None],
    ) -> None:
        self._camera = camera
        self._on_video, self._on_report = on_video, on_report
        self._reordering = Reordering()
        self._flood_limit = FloodLimit()
        self._buffer = bytearray(_LARGEST)
        self._video, self._reports = _bind_pair(own)
        for channel in self.sockets:
            with suppress(OSError):  # strangers are left out here too, but a flood of theirs would take the room
                accept_only(channel, camera[0])
        self.packets = 0
        """Packets of the camera so far."""

    @property
    def sockets(self) -> tuple[socket.socket, socket.socket]:
        """Both, to wait for."""
        return self._video, self._reports

    @property
    def ports(self) -> tuple[int, int]:
        """The ports that the camera is to send to."""
        return int(self._video.getsockname()[1]), int(self._reports.getsockname()[1])

    @property
    def due(self) -> float:
        """When packets are to be given out though others before them are missing, on the monotonic clock."""
        return self._reordering.due

    def open_way(self, ports: tuple[int, int]) -> None:
        """Send something to these *ports* of the camera, so that a NAT lets its answers in."""
        for channel, port in zip(self.sockets, ports, strict=True):
            with suppress(OSError):  # a port that is not there is the camera's affair
                channel.sendto(_PUNCH, _with_port(self._camera, port))

    def advance(self) -> bool:
        """Take in the next packets that have arrived, and do not wait. Returns whether there was anything."""
        now = time.monotonic()
        for packet in self._reordering.overdue(now):
            self._on_video(memoryview(packet))
        video = self._receive(self._video)
        if video is not None and len(video) >= _SHORTEST:
            for packet in self._reordering.push(video, now):
                self._on_video(memoryview(packet))
        report = self._receive(self._reports)
        if report is not None:
            self._on_report(report)
        return video is not None or report is not None

    def close(self) -> None:
        """Close both; harmless when done twice."""
        self._video.close()
        self._reports.close()

    def _receive(self, channel: socket.socket) -> memoryview | None:
        """Return the next packet; an empty one in place of a stranger's, None if there is nothing now."""
        try:
            count, sender = channel.recvfrom_into(self._buffer)
        except BlockingIOError:
            return None
        except ConnectionRefusedError:  # the answer to what opened the way
            return memoryview(b"")
        if sender[0] != self._camera[0]:
            return memoryview(b"")
        self._flood_limit.count()
        self.packets += 1
        return memoryview(self._buffer)[:count]


def _bind_pair(own: tuple[Any, ...]) -> tuple[socket.socket, socket.socket]:
    for _ in range(MOST_ATTEMPTS):
        first = _bind(own, 0)
        port = int(first.getsockname()[1])
        if port % 2 == 0:
            with suppress(OSError):
                return first, _bind(own, port + 1)
        first.close()
    raise OSError(errno.EADDRINUSE, "no two ports next to each other are free for UDP")


def _bind(own: tuple[Any, ...], port: int) -> socket.socket:
    channel = socket.socket(socket.AF_INET6 if len(own) > 2 else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        channel.setblocking(False)
        channel.bind(_with_port(own, port))
    except BaseException:
        channel.close()
        raise
    return channel


def _with_port(address: tuple[Any, ...], port: int) -> tuple[Any, ...]:
    return address[0], port, *address[2:]
