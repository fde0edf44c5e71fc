"""Wake-up of a thread that polls file descriptors."""

from __future__ import annotations

import contextlib
import os
import threading

__all__ = ["Bell"]


class Bell:
    """Wakes a thread that polls file descriptors, from any other thread."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._lock = threading.RLock()  # a signal handler may ring while its own thread rings

    def fileno(self) -> int:
        """Return the descriptor to poll for reading."""
        return self._fd

    def ring(self) -> None:
        """Wake the poller, or let its next poll return at once. After ``close`` it does nothing."""
        with self._lock:
            if self._fd >= 0:
                os.eventfd_write(self._fd, 1)

    def silence(self) -> None:
        """Discard the rings so far. The poller calls it before it checks for work, so that no ring is lost."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._fd)

    def close(self) -> None:
        """Close the descriptor; harmless when done twice."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
