"""File descriptors of the daemon: as many as the system grants, and a reserve for the time when all are taken."""

from __future__ import annotations

import logging
import os
import resource
from contextlib import suppress

__all__ = ["DescriptorReserve", "raise_descriptor_limit"]

log = logging.getLogger(__name__)

FEW = 512  # a limit below this is reported: cameras and files take some 10 each, and a connection takes one
RESERVED = 16


def raise_descriptor_limit() -> int:
    """Raise the soft limit of descriptors to the hard one; return the limit.

    Many systems have a soft limit of 1024 for programs that use select(), which the daemon does with its first
    descriptors only.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):  # a kernel may allow less than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    if 0 <= soft < FEW:
        log.warning("only %d file descriptors are allowed; with many connections they run out (LimitNOFILE)", soft)
    return soft


class DescriptorReserve:
    """Descriptors that are kept for the time when all others are taken.

    `check` is called about every second. When no descriptor is free it gives back the reserve, so that what the daemon
    itself needs (a file of the kernel, a caller of the control socket, a camera that comes back) works for a while, and
    reports the lack. It takes the reserve again once there is room for twice as much.
    """

    def __init__(self) -> None:
        self._held: list[int] = []
        self._is_short = False
        self._hold(RESERVED)

    def check(self) -> None:
        """Give the reserve back if no descriptor is free, or take it again."""
        if self._held:
            if self._free(1) == 1:
                return
            self._release()
            if not self._is_short:
                log.error("all file descriptors are taken; %d that were reserved are free now", RESERVED)
                self._is_short = True
        elif self._free(2 * RESERVED) == 2 * RESERVED:
            self._hold(RESERVED)
            log.warning("there are free file descriptors again")
            self._is_short = False

    def close(self) -> None:
        """Give the reserve back for good."""
        self._release()

    def _free(self, most: int) -> int:
        """Count of descriptors that are free, up to *most*."""
        opened = _open(most)
        for descriptor in opened:
            os.close(descriptor)
        return len(opened)

    def _hold(self, count: int) -> None:
        self._held = _open(count)

    def _release(self) -> None:
        while self._held:
            os.close(self._held.pop())


def _open(count: int) -> list[int]:
    opened: list[int] = []
    with suppress(OSError):
        for _ in range(count):
            opened.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))  # noqa: PERF401 - those before an error count
    return opened
