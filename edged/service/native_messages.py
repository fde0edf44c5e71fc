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
END_SECONDS = 1.0  # at once, in fact: the pipe has ended
BY_LINE = 1  # _IOLBF of the C library


class NativeMessages:
    """A thread that logs, at the level debug, what libraries print with ``fprintf(stderr, …)``, until it is closed.

    Only the C library's stream is replaced, and not file descriptor 2: Python's own output, tracebacks, and what the C
    library says of a crash are printed as before. Where the C library has no such stream, nothing happens.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        try:
            libc = ctypes.CDLL(None)
            self._stream = ctypes.c_void_p.in_dll(libc, "stderr")
        except (OSError, ValueError):
            return
        self._before = self._stream.value
        self._reading, self._writing = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._writing, False)  # a library that prints more than is read loses text, and never waits
        libc.fdopen.restype = ctypes.c_void_p
        file = libc.fdopen(self._writing, b"w")
        libc.setvbuf(ctypes.c_void_p(file), None, BY_LINE, ctypes.c_size_t(LONGEST_LINE))
        self._thread = threading.Thread(target=self._forward, name="native messages", daemon=True)
        self._thread.start()
        self._stream.value = file

    def close(self) -> None:
        """Give the C library its own stream back, and end the thread; harmless when done twice."""
        if self._thread is None:
            return
        self._stream.value = self._before
        # A library may hold the stream that was in its place: that goes on, to where nothing is read.
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
            os.dup2(nowhere.fileno(), self._writing, inheritable=False)
        self._thread.join(END_SECONDS)
        os.close(self._reading)
        self._thread = None

    def _forward(self) -> None:
        """Log what comes through the pipe, line by line; a line that is too long is cut."""
        line = b""
        while content := os.read(self._reading, LONGEST_LINE):
            *lines, line = (line + content).split(b"\n")
            for whole in lines:
                if whole.strip():
                    log.debug("from a library: %s", peer_text(whole.strip()))
            line = line[:LONGEST_LINE]
