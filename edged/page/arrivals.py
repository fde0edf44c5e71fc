"""How much of what was sent a browser has not received yet, as far as its pongs prove. Pure.

The kernel and whatever is between the page and a browser may keep megabytes: what was written is not what has arrived.
"""

from __future__ import annotations

__all__ = ["Arrivals"]

LONGEST_NUMBER = 20  # digits


class Arrivals:
    """Counts the bytes of texts to one browser.

    Attributes:
        under_way: those that have been sent and are not known to have arrived.
    """

    def __init__(self) -> None:
        self.under_way = 0
        self._sent = 0

    def note_sent(self, text: str) -> None:
        """Count a text that is being sent."""
        self._sent += len(text)
        self.under_way += len(text)

    def mark(self) -> bytes:
        """Return the content of a ping that proves, when it is answered, that all texts so far have arrived."""
        return b"%d" % self._sent

    def take_pong(self, content: bytes) -> None:
        """Take the content of a pong; one that answers no mark changes nothing."""
        if content.isdigit() and len(content) <= LONGEST_NUMBER and int(content) <= self._sent:
            self.under_way = min(self.under_way, self._sent - int(content))
