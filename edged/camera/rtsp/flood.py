"""The limit on what a server sends in a second."""

from __future__ import annotations

import time

from edged.camera.rtsp.failures import RtspError

__all__ = ["MOST_ITEMS", "MOST_MESSAGES", "FloodLimit"]

MOST_ITEMS = 20_000  # packets and messages a second: ten times what a camera of 20 Mbit/s sends
MOST_MESSAGES = 200  # of them; a camera sends a few, and each takes a hundred times as long to read as a packet


class FloodLimit:
    """Refuses a server that would use up a processor and hold up the threads of other cameras, whatever it sends."""

    def __init__(self) -> None:
        self._items, self._messages, self._second_begin = 0, 0, 0.0

    def count(self, items: int = 1, *, messages: int = 0) -> None:
        """Take note of so many packets or messages, *messages* of which are no packets.

        Raises:
            RtspError: there were too many within a second.
        """
        now = time.monotonic()
        if now - self._second_begin >= 1.0:
            self._second_begin, self._items, self._messages = now, 0, 0
        self._items += items
        self._messages += messages
        if self._messages > MOST_MESSAGES:
            raise RtspError(f"it sends more than {MOST_MESSAGES} messages a second")
        if self._items > MOST_ITEMS:
            raise RtspError(f"it sends more than {MOST_ITEMS} packets a second")
