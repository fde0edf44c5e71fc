"""Videos of a web server, as they are received: files, live streams, and HTTP Live Streaming."""

from __future__ import annotations

import time
from collections.abc import Iterator

from edged.bell import Bell
from edged.camera.hls.playlist import LONGEST_PLAYLIST, is_playlist
from edged.camera.hls.stream import HlsStream, Run
from edged.camera.http.client import WebClient
from edged.camera.http.content_type import media_type
from edged.camera.http.remote_file import RemoteFile
from edged.camera.video.readable import Readable
from edged.camera.video.transport_stream import PACKET, TransportStream, is_transport_stream
from edged.errors import SourceError

__all__ = ["WebVideo"]

HEAD = 4 * PACKET  # bytes that are looked at first
LISTS = ("dash+xml", "sdp", "x-scpls", "smil")  # of other addresses, as parts of media types


class WebVideo:
    """The bytes that the server of *client* sends, as an `edged.camera.video.readable.Input`.

    Args:
        client: asks for it, and for all that it leads to.
        timeout: seconds within which there must be an answer, and after which a silent server is lost.
    """

    def __init__(self, client: WebClient, timeout: float) -> None:
        self.is_recorded = False
        """True for what comes as a whole, or in pieces, and not as it is captured: its own times say when it is due."""
        self._client, self._timeout = client, timeout
        self._bell = Bell()
        self._file: RemoteFile | HlsStream | None = None

    @property
    def failure(self) -> str:
        """The reason for which reading has ended early; empty if it came to its end."""
        return self._file.failure if self._file is not None else ""

    def parts(self) -> Iterator[Readable]:
        deadline = time.monotonic() + self._timeout
        response = self._client.ask(self._bell, deadline)
        self._file = file = RemoteFile(self._client, response, self._bell, self._timeout)
        kind = media_type(response.headers.get("Content-Type"))
        if any(name in kind for name in LISTS):
            raise SourceError(f"{self._client.address}: sends a list of other addresses; of those edged reads HLS only")
        if not is_playlist(file.peek(HEAD)):
            self.is_recorded = file.length is not None
            yield from _split(file)
            return
        content = file.whole(LONGEST_PLAYLIST, deadline)
        file.close()
        self._file = stream = HlsStream(self._client, response.address, content, self._bell, self._timeout)
        self.is_recorded = True
        for run in stream.runs():
            yield from _split(run)

    def note_packet(self) -> None:
        if self._file is not None:
            self._file.forget_vain()

    def wake(self) -> None:
        self._bell.ring()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._bell.close()


def _split(file: RemoteFile | Run) -> Iterator[Readable]:
    if is_transport_stream(file.peek(HEAD)):
        yield from TransportStream(file).parts()
    else:
        yield file
