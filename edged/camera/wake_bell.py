"""Wake-up of the thread that reads a network camera."""

from __future__ import annotations

import threading

from edged.bell import Bell

__all__ = ["WakeBell"]


class WakeBell:
    """Ends the waits of a source once ``wake`` is called, those by the clock and those for a descriptor.

    Any thread may call ``wake``; all else is for the thread that reads the source.
    """

    def __init__(self) -> None:
        self.woken = threading.Event()
        """Set by ``wake``, before the bell rings."""
        self._bell: Bell | None = None

    def open(self) -> Bell:
        """Return a new bell to poll with, which rings at once where ``wake`` was called before."""
        self.close()
        self._bell = bell = Bell()
        if self.woken.is_set():
            bell.ring()
        return bell

    def wake(self) -> None:
        """End every wait, now and later."""
        self.woken.set()
        bell = self._bell
        if bell is not None:
            bell.ring()

    def close(self) -> None:
        """Close the bell; harmless when done twice."""
        if self._bell is not None:
            self._bell.close()
        self._bell = None
