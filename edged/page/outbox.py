"""Texts that wait to be sent to one browser: all in order, or only the newest of a kind. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque

__all__ = ["TextQueue"]

MOST_WAITING = 256
MOST_BYTES = 16 << 20  # of what waits in order: a reply with pictures is some MiB


class TextQueue:
    """Texts for a browser. A text that *replaces* another with the same key never makes it longer.

    Attributes:
        is_full: whether more waited than a browser may leave unread; it is to be dropped.
    """

    def __init__(self) -> None:
        self.is_full = False
        self._in_order: deque[str] = deque()
        self._bytes = 0
        self._newest: OrderedDict[str, str] = OrderedDict()

    def put(self, text: str, replaces: str | None = None) -> None:
        """Let *text* wait; with *replaces* in the place of an older one under that key."""
        if replaces is not None:
            self._newest[replaces] = text
        else:
            self._in_order.append(text)
            self._bytes += len(text)
        too_many = len(self._in_order) > MOST_WAITING or len(self._newest) > 4 * MOST_WAITING
        # One text may be longer than the limit: nothing waits with it then.
        self.is_full = self.is_full or too_many or (self._bytes > MOST_BYTES and len(self._in_order) > 1)

    def take(self) -> str | None:
        """Return the next of the texts that are sent in order, which waits no longer; None if none waits."""
        if not self._in_order:
            return None
        text = self._in_order.popleft()
        self._bytes -= len(text)
        return text

    def take_newest(self) -> str | None:
        """Return the next text of those that a newer one replaces, which waits no longer; None if none waits."""
        return self._newest.popitem(last=False)[1] if self._newest else None
