"""The terminal from which a program was started."""

from __future__ import annotations

import os
import signal

__all__ = ["Terminal"]


class Terminal:
    """Distinguishes a hang-up from a request to reload: a program also gets SIGHUP when its terminal is closed.

    One that was started with hang-ups ignored, as nohup(1) does, is to outlive the terminal. This object is made before
    anything handles that signal.
    """

    def __init__(self) -> None:
        self._was_there = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and _is_there()

    @property
    def is_gone(self) -> bool:
        """Whether there was a terminal and it has been closed: that ends the program."""
        return self._was_there and not _is_there()


def _is_there() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
