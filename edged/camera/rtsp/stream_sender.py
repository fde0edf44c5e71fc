"""The one sender of a stream over UDP, among others that write the camera's address on their packets."""

from __future__ import annotations

__all__ = ["StreamSender"]


class StreamSender:
    """The port and the source (SSRC) that the packets of a stream come from: those of its first packet, until the end.

    A camera may send from another port than it has announced. But where packets come from the announced port within
    `SETTLED_SECONDS`, those before them were not the camera's.
    """

    SETTLED_SECONDS = 1.0

    def __init__(self) -> None:
        self.announced: int | None = None
        """The port that the camera has announced, if it has."""
        self.port: int | None = None
        """The port that it sends from; None before its first packet."""
        self.source: bytes | None = None
        """Its SSRC, in the bytes of a packet; None before its first packet."""
        self._since = 0.0

    def note(self, port: int, source: bytes, now: float) -> bool:
        """Take note of a packet. Returns whether it is the first one of the sender."""
        is_better = port == self.announced != self.port and not self._is_old(now)
        if self.port is not None and not is_better:
            return False
        self.port, self.source, self._since = port, source, now
        return True

    def is_of(self, port: int, source: bytes) -> bool:
        """Check whether a packet from *port* and *source* is the sender's."""
        return port == self.port and source == self.source

    def is_settled(self, now: float) -> bool:
        """Check whether no other can take its place any more."""
        return self.port is not None and (self.port == self.announced or self.announced is None or self._is_old(now))

    def _is_old(self, now: float) -> bool:
        return now - self._since >= self.SETTLED_SECONDS
