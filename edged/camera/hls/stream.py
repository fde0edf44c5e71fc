"""A stream of HTTP Live Streaming: its list is read again and again, and its segments one after the other."""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import replace

from edged.bell import Bell
from edged.camera.hls.playlist import LONGEST_PLAYLIST, ByteRange, Playlist, Segment, read_playlist
from edged.camera.http.address import Address
from edged.camera.http.client import WebClient
from edged.camera.http.connection import Woken
from edged.camera.http.remote_file import RemoteFile
from edged.camera.video.readable import ReadAhead
from edged.errors import SourceError, map_exceptions

__all__ = ["HlsStream", "Run"]

FROM_END = 3  # segments before the end of a live stream, at which it is entered (RFC 8216, section 6.3.3)
MOST_MISSING = 3  # segments in a row that are listed and cannot be had
LEAST_PAUSE = 0.25  # seconds between two looks at a list


class HlsStream:
    """Reads the segments of the playlist at *address*. Every address in it is subject to the rules for redirections.

    Args:
        client: asks for everything.
        address, content: those of the playlist, as it was read first.
        bell: ends every wait once it rings.
        timeout: seconds after which a server that sends nothing, or lists nothing new, is lost.
    """

    def __init__(self, client: WebClient, address: Address, content: bytes, bell: Bell, timeout: float) -> None:
        self.failure = ""
        """The reason for which a run has ended early."""
        self._client, self._bell, self._timeout = client, bell, timeout
        self._address, self._content = address, content
        self._following = self._follow()
        self._missing = 0
        self._run: Run | None = None

    def runs(self) -> Iterator[Run]:
        """Yield the runs of segments that continue each other; each has to be read before the next.

        Raises:
            SourceError: the list is none that edged reads, or has nothing in it.
        """
        segment = next(self._following, None)
        while segment is not None:
            self._run = run = Run(self, segment)
            yield run
            segment = run.next

    def take(self) -> Segment | None:
        """Return the next segment, and wait for it; None at the end, or after a failure."""
        try:
            return next(self._following, None)
        except SourceError as exc:
            self.failure = str(exc)
            return None

    def fetch(self, location: str, part: ByteRange | None, *, may_be_missing: bool) -> RemoteFile | None:
        """Return the file at *location*, or *part* of it; None if it cannot be had.

        Single segments may be missing, as those are that have been in a list for too long. All else is a failure.
        """
        begin, end = (part.begin, part.end) if part is not None else (0, None)
        try:
            where = self._client.lead(self._address, location)
        except SourceError as exc:
            self.failure = str(exc)
            return None
        try:
            response = self._client.ask(self._bell, self._deadline(), at=where, begin=begin, end=end)
        except SourceError as exc:
            self._missing += 1
            if not may_be_missing or self._missing > MOST_MISSING:
                self.failure = str(exc)
            return None
        self._missing = 0
        return RemoteFile(self._client, response, self._bell, self._timeout, end - begin if end is not None else None)

    def forget_vain(self) -> None:
        """Take note that something was found in what was read so far."""
        if self._run is not None:
            self._run.forget_vain()

    def close(self) -> None:
        """Close the connection; harmless when done twice. There are no more segments then."""
        self._following.close()  # it and the run refer to this object, which refers to them
        if self._run is not None:
            self._run.close()
            self._run = None

    def _follow(self) -> Generator[Segment, None, None]:
        """Yield the segments as they are listed, for ever if the stream is a live one. Raises ``SourceError``."""
        playlist = self._first_list()
        listed = playlist.segments if playlist.has_ended else playlist.segments[-FROM_END:]
        number, loaded, news = listed[0].number if listed else 0, time.monotonic(), time.monotonic()
        while True:
            for segment in listed:
                # What was passed over, or begins to count anew, does not continue what came before.
                yield segment if segment.number == number else replace(segment, is_cut=True)
                number = segment.number + 1
            if playlist.has_ended:
                return
            self._pause(loaded + playlist.seconds / (1 if listed else 2))
            playlist, loaded = self._read_list(self._load(self._address)), time.monotonic()
            listed = _listed_since(playlist, number)
            news = loaded if listed else news
            if loaded - news > max(self._timeout, 3 * playlist.seconds):
                raise SourceError(f"{self._client.address}: its list has named nothing new for {loaded - news:.0f} s")

    def _first_list(self) -> Playlist:
        playlist = self._read_list(self._content)
        if playlist.variant:
            playlist = self._read_list(self._load(self._client.lead(self._address, playlist.variant)))
        if playlist.variant or (playlist.has_ended and not playlist.segments):
            raise SourceError(f"{self._client.address}: its list names no video")
        return playlist

    def _read_list(self, content: bytes) -> Playlist:
        with map_exceptions({ValueError: SourceError}, str(self._client.address)):
            playlist = read_playlist(content)
            if playlist.encryption:
                raise ValueError("its segments are encrypted, which edged does not undo: let them come in clear")
        return playlist

    def _load(self, address: Address) -> bytes:
        """Return the list at *address*, which is the one to be read from now on."""
        deadline = self._deadline()
        response = self._client.ask(self._bell, deadline, at=address)
        self._address = response.address
        file = RemoteFile(self._client, response, self._bell, self._timeout)
        try:
            return file.whole(LONGEST_PLAYLIST, deadline)
        finally:
            file.close()

    def _pause(self, until: float) -> None:
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        with self._client.mapped_errors():
            if poll.poll(max(LEAST_PAUSE, until - time.monotonic()) * 1000):
                raise Woken

    def _deadline(self) -> float:
        return time.monotonic() + self._timeout


class Run(ReadAhead):
    """Segments that continue each other, as one file. ``next`` is the first one that does not, once it is read."""

    def __init__(self, stream: HlsStream, first: Segment) -> None:
        super().__init__()
        self.next: Segment | None = None
        self._stream = stream
        self._beginning = first.beginning
        self._waiting = deque([(first.location, first.part)])
        self._is_first = True
        self._file: RemoteFile | None = None
        self._has_ended = False

    def forget_vain(self) -> None:
        """Take note that something was found in what was read so far."""
        if self._file is not None:
            self._file.forget_vain()

    def close(self) -> None:
        """Close the connection; harmless when done twice."""
        if self._file is not None:
            self._file.close()

    def _receive(self, size: int) -> bytes:
        while not self._has_ended:
            if self._file is not None:
                content = self._file.read(size)
                if content:
                    return content
                self._file.close()
                self._stream.failure = self._stream.failure or self._file.failure
            self._has_ended = bool(self._stream.failure) or not self._open_following()
        return b""

    def _open_following(self) -> bool:
        if not self._waiting:
            segment = self._stream.take()
            if segment is None or segment.is_cut or segment.beginning != self._beginning:
                self.next = segment
                return False
            self._waiting.append((segment.location, segment.part))
        if self._is_first and self._beginning is not None:
            self._file = self._stream.fetch(*self._beginning, may_be_missing=False)
        else:
            self._file = self._stream.fetch(*self._waiting.popleft(), may_be_missing=True)
        self._is_first = False
        return not self._stream.failure


def _listed_since(playlist: Playlist, number: int) -> tuple[Segment, ...]:
    """Return the segments from *number* on, or the newest ones of a list that counts anew."""
    if playlist.segments and playlist.segments[-1].number + 1 < number:
        return playlist.segments[-FROM_END:]
    return tuple(segment for segment in playlist.segments if segment.number >= number)
