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
from edged.camera.rtsp.stream_sender import StreamSender

__all__ = ["UdpChannels"]

MOST_ATTEMPTS = 50  # to find two ports next to each other
RECEIVE_BUFFER = 4 << 20  # a key frame comes at once; the kernel may allow less
_LARGEST = 65536
_PUNCH = b"\x80\x00\x00\x00"  # what opens the way back through a NAT, and is no packet of RTP
_SHORTEST, _SHORTEST_REPORT = 12, 8
_VERSION = 2
_SOURCE, _SOURCE_OF_REPORT = slice(8, 12), slice(4, 8)


class UdpChannels:
    """Two sockets, to which only the camera's own address can send, and only one sender there: see `StreamSender`.

    Every method raises ``OSError`` where they fail.

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
        self._sender = StreamSender()
        self._is_filtered = False  # by the sender too
        self._flood_limit = FloodLimit()
        self._buffer = bytearray(_LARGEST)
        self._video, self._reports = _bind_pair(own)
        for channel in self.sockets:
            with suppress(OSError):  # strangers are left out here too, but a flood of theirs would take the room
                accept_only(channel, camera[0])
        self.packets = 0
        """Packets of the camera's video so far."""

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
        """Send something to these *ports*, which the camera has announced, so that a NAT lets its answers in."""
        self._sender.announced = ports[0]
        for channel, port in zip(self.sockets, ports, strict=True):
            with suppress(OSError):  # a port that is not there is the camera's affair
                channel.sendto(_PUNCH, _with_port(self._camera, port))

    def advance(self) -> bool:
        """Take in the next packets that have arrived, and do not wait. Returns whether there was anything."""
        now = time.monotonic()
        for packet in self._reordering.overdue(now):
            self._on_video(memoryview(packet))
        video = self._receive(self._video)
        if video is not None and self._is_video(*video, now):
            self.packets += 1
            for packet in self._reordering.push(video[0], now):
                self._on_video(memoryview(packet))
        report = self._receive(self._reports)
        if report is not None and self._is_report(report[0]):
            self._on_report(report[0])
        return video is not None or report is not None

    def close(self) -> None:
        """Close both; harmless when done twice."""
        self._video.close()
        self._reports.close()

    def _receive(self, channel: socket.socket) -> tuple[memoryview, int] | None:
        """Return the next packet and the port that sent it; an empty one for a stranger's, None if there is nothing."""
        try:
            count, sender = channel.recvfrom_into(self._buffer)
        except BlockingIOError:
            return None
        except ConnectionRefusedError:  # the answer to what opened the way
            return memoryview(b""), 0
        if sender[0] != self._camera[0]:
            return memoryview(b""), 0
        self._flood_limit.count()
        return memoryview(self._buffer)[:count], int(sender[1])

    def _is_video(self, packet: memoryview, port: int, now: float) -> bool:
        """Check whether *packet* is one of the camera's, and note who it comes from."""
        if len(packet) < _SHORTEST or packet[0] >> 6 != _VERSION:
            return False
        source = bytes(packet[_SOURCE])
        if self._sender.note(port, source, now):
            self._reordering = Reordering()
        if not self._is_filtered and self._sender.is_settled(now):
            self._filter_by_sender()
        return self._sender.is_of(port, source)

    def _is_report(self, packet: memoryview) -> bool:
        """Check whether *packet* is of the same source as the video; before the video, nobody knows."""
        return len(packet) >= _SHORTEST_REPORT and self._sender.source in (None, bytes(packet[_SOURCE_OF_REPORT]))

    def _filter_by_sender(self) -> None:
        """Let the kernel drop what others send in the camera's name."""
        self._is_filtered = True
        source = self._sender.source
        with suppress(OSError):
            accept_only(self._video, self._camera[0], port=self._sender.port, source=source, source_at=_SOURCE.start)
            accept_only(self._reports, self._camera[0], source=source, source_at=_SOURCE_OF_REPORT.start)


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
