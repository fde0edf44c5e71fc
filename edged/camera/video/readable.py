"""What a video is read from: bytes, in parts that FFmpeg opens one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from edged.errors import SourceError

__all__ = ["Input", "Readable"]


class Readable(Protocol):
    """A file for PyAV. Its methods do not raise, because PyAV prints on stderr an exception that comes after another."""

    def read(self, size: int) -> bytes:
        """Return at most *size* bytes, and none at the end of the part or after a failure."""


class SeekableReadable(Readable, Protocol):
    """A file for PyAV in which FFmpeg may go to and fro."""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to *offset*; returns the place in bytes from the beginning, -1 where that is not possible."""

    def tell(self) -> int:
        """Return the place in bytes from the beginning."""


class Input(Protocol):
    """Where a video comes from. One thread reads it; only ``wake`` is for others."""

    failure: SourceError | None
    """The reason for which reading has ended early; None if it came to its end."""

    def parts(self) -> Iterator[Readable]:
        """Yield the parts of the video, each of one container; each has to be read before the next.

        Raises:
            SourceError: there is none, or no further one.
        """

    def wake(self) -> None:
        """End every wait and all reading for good. Any thread may call it."""

    def close(self) -> None:
        """Free what it was read from; harmless when done twice."""
