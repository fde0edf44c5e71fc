"""The body of an answer as a pipe, for a reader that opens files only and cannot be woken."""

from __future__ import annotations

import os
import select
import threading
import time
from contextlib import suppress

from edged.bell import Bell
from edged.camera.http.connection import Woken
from edged.camera.http.exchange import RECEIVED_AT_ONCE, Body, EndOfBody

__all__ = ["Relay"]

END_SECONDS = 5.0  # the bell ends every wait of the thread at once
LOOK_SECONDS = 1.0


class Relay:
    """A thread that copies *body* into a pipe, and closes that at the body's end, after *timeout* seconds without
    anything, and when *bell* rings: then the reader comes to the end of the pipe, wherever it waits.

    It owns *body*. The reader has to be closed before the relay is.
    """

    def __init__(self, body: Body, bell: Bell, timeout: float) -> None:
        self._body = body
        self._bell = bell
        self._timeout = timeout
        self._reading, self._writing = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._writing, False)
        self._thread = threading.Thread(target=self._copy, name="http relay", daemon=True)
        self._thread.start()

    @property
    def path(self) -> str:
        """The pipe as FFmpeg names it. A stream that comes through it cannot name other addresses or files."""
        return f"pipe:{self._reading}"

    def close(self) -> None:
        """End the thread, and close the connection."""
        self._bell.ring()
        self._thread.join(END_SECONDS)
        os.close(self._reading)

    def _copy(self) -> None:
        buffer = memoryview(bytearray(RECEIVED_AT_ONCE))
        try:
            with suppress(OSError, EndOfBody, Woken):  # to the reader each of them is the end
                while True:
                    self._body.wait(time.monotonic() + self._timeout)
                    self._write(buffer[: self._body.receive(buffer) or 0])
        finally:
            os.close(self._writing)
            self._body.close()

    def _write(self, content: memoryview) -> None:
        """Write *content*, and wait as long as the reader takes: the camera waits, too."""
        poll = select.poll()
        poll.register(self._writing, select.POLLOUT)
        poll.register(self._bell, select.POLLIN)
        while content:
            ready = {fd for fd, _ in poll.poll(LOOK_SECONDS * 1000)}
            if self._bell.fileno() in ready:
                raise Woken
            if self._writing in ready:
                content = content[os.write(self._writing, content) :]
