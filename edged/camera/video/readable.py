"""Inputs that a video is read from: bytes, in parts that FFmpeg opens one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

__all__ = ["Input", "ReadAhead", "Readable"]


class Readable(Protocol):
    """A file for PyAV, which prints on stderr an exception that comes after another: so its methods raise none."""

    def read(self, size: int) -> bytes:
        """Return at most *size* bytes, and none at the end of the part or after a failure."""


class ReadAhead:
    """A `Readable` of what ``_receive`` returns, into which one can look without reading it."""

    def __init__(self) -> None:
        self._ahead = b""  # was received, and not read yet

    def peek(self, size: int) -> bytes:
        """Return what `read` returns next: *size* bytes, unless the end comes before."""
        while len(self._ahead) < size and (content := self._receive(size - len(self._ahead))):
            self._ahead += content
        return self._ahead[:size]

    def read(self, size: int) -> bytes:
        """Return at most *size* bytes, and none at the end of the part or after a failure."""
        if not self._ahead:
            self._ahead = self._receive(size)
        content, self._ahead = self._ahead[:size], self._ahead[size:]
        return content

    def _receive(self, size: int) -> bytes:
        """Return at most *size* bytes, and none at the end."""
        raise NotImplementedError


class Input(Protocol):
    """The origin of a video. One thread reads it; only ``wake`` is for others."""

    @property
    def failure(self) -> str:
        """The reason for which reading has ended early; empty if it came to its end.

        It is no exception: one that is kept where it was raised keeps its frames, and these keep it.
        """

    def parts(self) -> Iterator[Readable]:
        """Yield the parts of the video, each of one container; each has to be read before the next.

        Raises:
            SourceError: there is none, or no further one.
        """

    def note_packet(self) -> None:
        """Take note that a packet was found in what was read so far."""

    def wake(self) -> None:
        """End every wait and all reading for good. Any thread may call it."""

    def close(self) -> None:
        """Free what it was read from; harmless when done twice."""
