"""Streams over HTTP that FFmpeg decodes, and edged itself receives."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import numpy as np
from numpy.typing import NDArray

from edged.bell import Bell
from edged.camera.http.client import WebClient
from edged.camera.http.content_type import media_type
from edged.camera.http.exchange import Response
from edged.camera.http.relay import Relay
from edged.camera.stream import StreamSource
from edged.errors import SourceError
from edged.values import Format, Stamp

__all__ = ["RelayedSource"]

LISTS = ("mpegurl", "dash+xml", "sdp", "x-scpls", "smil")  # of other addresses, as parts of media types
CURE = "only FFmpeg can open those, and it goes wherever they lead: follow_redirects: any allows that, for http://"


class RelayedSource:
    """A `Source` that FFmpeg reads from a pipe: what comes over the network went through edged's own client.

    FFmpeg follows redirections and lists of addresses wherever they lead, takes any certificate, and cannot be woken.
    Through a pipe it can do none of the first, and edged does the others as for any HTTP camera. A list of addresses,
    such as an HLS playlist, is refused.

    Args:
        client: asks for the stream.
        stream: decodes it; its URL is the client's.
        timeout: seconds within which there must be an answer, and after which a silent stream is lost.
    """

    def __init__(self, client: WebClient, stream: StreamSource, timeout: float) -> None:
        self._client = client
        self._stream = stream
        self._timeout = timeout
        self._woken = threading.Event()
        self._bell: Bell | None = None
        self._relay: Relay | None = None

    def open(self) -> Format:
        """Connect, and decode the beginning.

        Raises:
            SourceError: there is no such stream now.
        """
        self.close()
        self._bell = Bell()
        if self._woken.is_set():
            self._bell.ring()
        with ExitStack() as undo:
            undo.callback(self.close)
            response = self._client.ask(self._bell, time.monotonic() + self._timeout)
            self._relay = self._make_relay(response, self._bell)
            opened = self._stream.open_path(self._relay.path)
            undo.pop_all()
        return opened

    def grab(self, timeout: float) -> Stamp | None:
        return self._stream.grab(timeout)

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        self._stream.retrieve(slot)

    def wake(self) -> None:
        self._woken.set()
        bell = self._bell
        if bell is not None:
            bell.ring()

    def close(self) -> None:
        self._stream.close()
        if self._relay is not None:
            self._relay.close()
        if self._bell is not None:
            self._bell.close()
        self._relay = self._bell = None

    def _make_relay(self, response: Response, bell: Bell) -> Relay:
        """Return the relay of the answer; only its thread may close the body from then on."""
        with ExitStack() as undo:
            undo.callback(response.body.close)
            kind = media_type(response.headers.get("Content-Type"))
            if any(name in kind for name in LISTS):
                raise SourceError(f"{self._client.address}: sends a list of other addresses; {CURE}")
            relay = Relay(response.body, bell, self._timeout)
            undo.pop_all()
        return relay
