"""Messages that C libraries print on stderr, such as libjpeg's about damaged pictures: lines of the log instead."""

from __future__ import annotations

import ctypes
import logging
import os
import threading

from edged.peer_text import peer_text

__all__ = ["divert_native_messages"]

log = logging.getLogger(__name__)

LONGEST_LINE = 4096  # bytes
BY_LINE = 1  # _IOLBF of the C library


def divert_native_messages() -> None:
    """Let what libraries print with ``fprintf(stderr, …)`` go to the log, at the level debug.

    Only the C library's stream is another one from now on, and not file descriptor 2: Python's own output, tracebacks
    and what the C library says of a crash are printed as before. Where the C library does not let its stream be
    replaced, nothing happens. Done once in a process, whose end is also that of the diversion.
    """
    try:
        libc = ctypes.CDLL(None)
        stream = ctypes.c_void_p.in_dll(libc, "stderr")
    except (OSError, ValueError):
        return
    reading, writing = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(writing, False)  # a library that prints more than is read loses text, and never waits
    libc.fdopen.restype = ctypes.c_void_p
    file = libc.fdopen(writing, b"w")
    if not file:
        os.close(reading)
        os.close(writing)
        return
    libc.setvbuf(ctypes.c_void_p(file), None, BY_LINE, ctypes.c_size_t(LONGEST_LINE))
    threading.Thread(target=_forward, args=(reading,), name="native messages", daemon=True).start()
    stream.value = file


def _forward(reading: int) -> None:
    """Log what comes through the pipe *reading*, line by line; a line that is too long is cut."""
    line = b""
    while content := os.read(reading, LONGEST_LINE):
        *lines, line = (line + content).split(b"\n")
        for whole in lines:
            if whole.strip():
                log.debug("from a library: %s", peer_text(whole.strip()))
        line = line[:LONGEST_LINE]
