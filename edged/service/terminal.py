"""The terminal that a program was started from."""

from __future__ import annotations

import os
import signal

__all__ = ["Terminal"]


class Terminal:
    """Tells a hang-up from a wish: SIGHUP is also what a program hears when the terminal is closed that it runs in.

    One that was started with hang-ups ignored, as nohup(1) does, shall outlive the terminal. Made before anything
    handles that signal.
    """

    def __init__(self) -> None:
        self._was_there = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and _is_there()

    @property
    def is_gone(self) -> bool:
        """Whether there was one, and it has been closed: what ends it."""
        return self._was_there and not _is_there()


def _is_there() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
