"""Messages that C libraries print on stderr, such as libjpeg's about damaged pictures: lines of the log instead."""

from __future__ import annotations

import ctypes
import logging
import os
import threading

from edged.peer_text import peer_text

__all__ = ["NativeMessages"]

log = logging.getLogger(__name__)

LONGEST_LINE = 4096  # bytes
BY_LINE = 1  # _IOLBF of the C library


class NativeMessages:
    """A thread that logs, at the level debug, what libraries print with ``fprintf(stderr, …)``.

    Only the C library's stream is replaced, and not file descriptor 2: Python's own output, tracebacks, and what the C
    library says of a crash are printed as before. It lasts as long as the process.
    """

    @classmethod
    def divert(cls) -> None:
        """Begin, where the C library lets its stream be replaced; else nothing happens."""
        try:
            libc = ctypes.CDLL(None)
            stream = ctypes.c_void_p.in_dll(libc, "stderr")
        except (OSError, ValueError):
            return
        reading, writing = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(writing, False)  # a library that prints more than is read loses text, and never waits
        libc.fdopen.restype = ctypes.c_void_p
        file = libc.fdopen(writing, b"w")
        libc.setvbuf(ctypes.c_void_p(file), None, BY_LINE, ctypes.c_size_t(LONGEST_LINE))
        cls(reading)
        stream.value = file

    def __init__(self, reading: int) -> None:
        self._reading = reading
        threading.Thread(target=self._forward, name="native messages", daemon=True).start()

    def _forward(self) -> None:
        """Log what comes through the pipe, line by line; a line that is too long is cut."""
        line = b""
        while content := os.read(self._reading, LONGEST_LINE):
            *lines, line = (line + content).split(b"\n")
            for whole in lines:
                if whole.strip():
                    log.debug("from a library: %s", peer_text(whole.strip()))
            line = line[:LONGEST_LINE]
