"""The few calls through which edged reaches a V4L2 device."""

from __future__ import annotations

import ctypes
import fcntl
import math
import mmap
import os
import select
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from edged.camera.v4l2.abi import Ioctl

__all__ = ["LINUX", "Kernel", "LinuxKernel", "Readiness"]

Readiness = dict[int, int]
"""File descriptors that are ready, and for what: the ``POLL…`` bits of ``select.poll``."""


class Kernel(Protocol):
    """Everything that edged asks of the kernel for a V4L2 camera. Every call raises ``OSError``.

    Paths are those of the machine, such as ``/dev/video0``. ``root`` is the folder that holds its ``dev``, ``sys`` and
    ``proc``: files and links of the kernel are read below it.
    """

    root: Path

    def open(self, node: Path) -> int:
        """Open *node* for reading and writing, not blocking; returns a file descriptor."""

    def ioctl(self, fd: int, request: Ioctl, argument: ctypes.Structure | ctypes.c_int) -> None:
        """Send *request*; the kernel reads and writes *argument*."""

    def map(self, fd: int, length: int, offset: int) -> mmap.mmap:
        """Return the driver's memory at *offset*, to read."""

    def poll(self, fds: Sequence[int], timeout: float) -> Readiness:
        """Wait up to *timeout* seconds until one of *fds* is ready; empty after the timeout."""

    def close(self, fd: int) -> None:
        """Close a file descriptor that ``open`` returned."""


class LinuxKernel:
    """The kernel of this machine."""

    root = Path("/")

    def open(self, node: Path) -> int:
        return os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def ioctl(self, fd: int, request: Ioctl, argument: ctypes.Structure | ctypes.c_int) -> None:
        fcntl.ioctl(fd, request.number, argument, True)

    def map(self, fd: int, length: int, offset: int) -> mmap.mmap:
        return mmap.mmap(fd, length, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=offset)

    def poll(self, fds: Sequence[int], timeout: float) -> Readiness:
        poll = select.poll()
        for fd in fds:
            poll.register(fd, select.POLLIN)
        return dict(poll.poll(math.ceil(timeout * 1000)))

    def close(self, fd: int) -> None:
        os.close(fd)


LINUX = LinuxKernel()
