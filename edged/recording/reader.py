"""Reads recordings, also damaged ones and those that are still being written."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from edged.errors import RecordingError, WireError
from edged.recording.layout import FILE_HEADER, MAGIC, PREFIX_BYTES, VERSION, Prefix, checksum
from edged.wire import Kind, Message, decode, subscription

__all__ = ["Recorded", "Recording", "decode_recorded", "read_recording"]


class Recorded(NamedTuple):
    """A message of a recording: its microseconds since the first one, and its frames."""

    t_us: int
    frames: tuple[bytes, bytes, bytes]
    """Topic, header, payload: `edged.wire.decode` makes the message of them."""


class _DamageError(Exception):
    """The next bytes are not a whole message."""


class Recording(AbstractContextManager["Recording"]):
    """The messages of an open recording: iterate over it, once.

    ::

        with read_recording("street.edged") as recording:
            for t_us, frames in recording:
                message = decode(frames)
        if recording.damage:
            print(recording.damage, file=sys.stderr)

    One message is in memory at a time, and never more than the longest possible message, even if the file has wrong
    lengths. The iteration ends at the end of the file or where it is damaged. It raises only RecordingError, when the
    disk fails.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.damage: str | None = None
        """After the iteration: why messages may be missing. None if the recording is whole."""
        self.messages = 0
        """Messages that were read."""
        self.position = 0
        """Bytes of the file up to the end of these messages."""
        self._last_us = 0
        try:
            self._file = self.path.open("rb")
        except OSError as exc:
            raise RecordingError(f"{self.path}: cannot be read: {exc.strerror}") from exc
        try:
            self._read_header()
        except RecordingError:
            self._file.close()
            raise

    @property
    def size(self) -> int:
        """Bytes of the file; 0 for a pipe, which has no end."""
        return os.fstat(self._file.fileno()).st_size

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __enter__(self) -> Self:
        return self

    def __iter__(self) -> Iterator[Recorded]:
        while self.damage is None and (recorded := self._next()) is not None:
            self.messages += 1
            self.position += PREFIX_BYTES + sum(map(len, recorded.frames))
            self._last_us = recorded.t_us
            yield recorded

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        self._file.close()

    def _read_header(self) -> None:
        header = self._read(len(FILE_HEADER))
        self.position = len(header)
        if header[: len(MAGIC)] != MAGIC[: len(header)]:
            raise RecordingError(f"{self.path}: is not a recording of edged")
        version = int.from_bytes(header[8:12], "little")
        if len(header) >= 12 and version != VERSION:
            raise RecordingError(f"{self.path}: is a recording of version {version}; this edged reads {VERSION}")
        if len(header) < len(FILE_HEADER):
            self._stop("is cut off")
        elif header != FILE_HEADER:
            raise RecordingError(f"{self.path}: the header of the recording is damaged")

    def _next(self) -> Recorded | None:
        """Return the next whole message; None at the end, and at damage."""
        try:
            return self._read_message()
        except _DamageError as found:
            self._stop(str(found))
            return None

    def _read_message(self) -> Recorded | None:
        raw = self._read(PREFIX_BYTES)
        if len(raw) < PREFIX_BYTES:
            raise _DamageError("is cut off" if raw else "is cut off, or is still being written")
        prefix = Prefix.unpack(raw)
        if prefix.t_us < self._last_us or not (prefix.is_possible or prefix.is_end):
            raise _DamageError("is damaged")
        length = prefix.topic + prefix.header + prefix.payload
        content = self._read(length)
        if len(content) < length:
            raise _DamageError("is cut off")
        if checksum(raw, content) != prefix.check:
            raise _DamageError("is damaged")
        if prefix.is_end:
            if self._read(1):
                raise _DamageError("continues after its end")
            return None
        ends = prefix.topic, prefix.topic + prefix.header
        return Recorded(prefix.t_us, (content[: ends[0]], content[ends[0] : ends[1]], content[ends[1] :]))

    def _read(self, length: int) -> bytes:
        try:
            return self._file.read(length)
        except OSError as exc:
            raise RecordingError(f"{self.path}: cannot be read: {exc.strerror}") from exc

    def _stop(self, what: str) -> None:
        """Set ``damage``, which ends the iteration."""
        whole = "1 whole message" if self.messages == 1 else f"{self.messages} whole messages"
        self.damage = f"{self.path}: {what} after {whole}, at byte {self.position}"


def read_recording(path: str | os.PathLike[str]) -> Recording:
    """Open the recording *path*.

    Raises:
        RecordingError: the file cannot be read, is not a recording, or is one of another version.
    """
    return Recording(path)


def decode_recorded(recorded: Iterable[Recorded], kinds: Iterable[Kind]) -> Iterator[Message]:
    """Decode those of the *recorded* messages that are of *kinds*. A message of a later edged may be skipped."""
    topics = tuple(map(subscription, kinds))
    for _, frames in recorded:
        if frames[0].startswith(topics):
            try:
                yield decode(frames)
            except WireError:  # of a later edged, or not a message at all
                continue
