"""The terminal that a program was started from."""

from __future__ import annotations

import os

__all__ = ["Terminal"]


class Terminal:
    """Tells a hang-up from a wish: SIGHUP is also what a program hears when the terminal is closed that it runs in."""

    def __init__(self) -> None:
        self._was_there = _is_there()

    @property
    def is_gone(self) -> bool:
        """Whether there was one, and it has been closed."""
        return self._was_there and not _is_there()


def _is_there() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
