"""Writes recordings: seldom, in large pieces, and so that the file always has whole messages."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from contextlib import AbstractContextManager, suppress
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Self

from edged.errors import RecordingError
from edged.recording.layout import FILE_HEADER, PREFIX_BYTES, end_mark, pack
from edged.wire import Frames

__all__ = ["WRITE_BYTES", "WRITE_SECONDS", "Recorder"]

WRITE_SECONDS = 1.0
WRITE_BYTES = 256 * 1024


class Recorder(AbstractContextManager["Recorder"]):
    """A recording that is being written. One thread uses it.

    Messages are collected, and written every WRITE_BYTES or WRITE_SECONDS: a program that is killed loses no more
    than these. The kernel decides when they go to the disk, which spares memory cards, but a power cut then costs the
    last half minute; *sync_seconds* forces them there that often. `close` writes the end and waits for the disk.

    *max_bytes* limits the file with its end. An existing file is replaced only with *overwrite*, and not before the
    first message.

    Raises:
        RecordingError: the file exists, another recorder writes it, or it cannot be written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        max_bytes: float = inf,
        sync_seconds: float = inf,
    ) -> None:
        self.path = Path(path)
        self.messages = 0
        """Messages in the file, with those that wait for the next write."""
        self.bytes = 0
        """Bytes of the file with these messages."""
        self._max_bytes = max_bytes
        self._sync_seconds = sync_seconds
        self._written = 0
        self._waiting: list[bytes] = []
        self._first_ns: int | None = None
        self._wrote = self._synced = time.monotonic()
        self._fd: int | None = _create(self.path, overwrite=overwrite)
        self._is_begun = False
        if not overwrite:
            self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def closed(self) -> bool:
        """Whether no more messages can be recorded: it was closed, or the disk is full."""
        return self._fd is None

    def record(self, frames: Frames, now_ns: int) -> bool:
        """Record a message that came at *now_ns* of CLOCK_MONOTONIC; False if it does not fit into ``max_bytes``.

        Raises:
            RecordingError: the disk is full, for example. The file is then closed, and `messages` are in it.
        """
        if not self._is_begun:
            self._begin()
        if self._first_ns is None:
            self._first_ns = now_ns
        piece = pack(self._since_first(now_ns), frames)
        if self.bytes + len(piece) + PREFIX_BYTES > self._max_bytes:
            return False
        self._collect(piece)
        self.messages += 1
        if self.bytes - self._written >= WRITE_BYTES:
            self.flush()
        return True

    def flush_in_time(self) -> None:
        """Write the collected messages if it is time; to be called now and then.

        Raises:
            RecordingError: as in `record`.
        """
        now = time.monotonic()
        if now - self._wrote >= WRITE_SECONDS:
            self.flush()
        if now - self._synced >= self._sync_seconds:
            self._sync()

    def flush(self) -> None:
        """Write the collected messages.

        Raises:
            RecordingError: as in `record`.
        """
        self._wrote = time.monotonic()
        batch, done = b"".join(self._waiting), 0
        try:
            while done < len(batch):
                done += os.write(self._descriptor(), batch[done:])
        except OSError as exc:
            self._keep_what_is_whole(done)
            raise self._failed(exc) from exc
        self._written += done
        self._waiting.clear()

    def close(self) -> None:
        """End the recording, and wait until it is on the disk. A second call does nothing.

        Raises:
            RecordingError: as in `record`; or the disk fails only now, so that the content of the file is unknown.
        """
        if self._fd is None:
            return
        try:
            if self._is_begun:
                self._collect(end_mark(self._since_first(time.monotonic_ns())))
                self.flush()
                self._sync()
        finally:
            self._release()

    def _begin(self) -> None:
        """Write the header in place of old content; if the disk has no space for it, the file is removed."""
        self._is_begun = True
        self._collect(FILE_HEADER)
        try:
            self._empty()
            self.flush()
        except RecordingError:
            self.path.unlink(missing_ok=True)
            raise

    def _empty(self) -> None:
        try:
            os.ftruncate(self._descriptor(), 0)
        except OSError as exc:
            raise self._failed(exc) from exc

    def _descriptor(self) -> int:
        if self._fd is None:
            raise ValueError(f"{self.path}: the recording is closed")
        return self._fd

    def _collect(self, piece: bytes) -> None:
        self._descriptor()
        self._waiting.append(piece)
        self.bytes += len(piece)

    def _since_first(self, now_ns: int) -> int:
        return 0 if self._first_ns is None else max(0, now_ns - self._first_ns) // 1000

    def _sync(self) -> None:
        self._synced = time.monotonic()
        try:
            os.fsync(self._descriptor())
        except OSError as exc:
            raise self._failed(exc) from exc

    def _keep_what_is_whole(self, done: int) -> None:
        """Keep the whole messages of a batch of which only *done* bytes were written, and end the recording."""
        while self._waiting and len(self._waiting[0]) <= done:
            done -= len(self._waiting[0])
            self._written += len(self._waiting.pop(0))
        self.messages -= sum(len(piece) > PREFIX_BYTES for piece in self._waiting)  # the end is not a message
        self.bytes = self._written
        fd = self._descriptor()
        with suppress(OSError):  # the disk fails: without these the reader finds the end of the whole messages
            os.ftruncate(fd, self._written)
            os.lseek(fd, self._written, os.SEEK_SET)
            os.write(fd, end_mark(self._since_first(time.monotonic_ns())))
            os.fsync(fd)

    def _failed(self, exc: OSError) -> RecordingError:
        self._release()
        return RecordingError(f"{self.path}: cannot be written: {exc.strerror}; the messages before are kept")

    def _release(self) -> None:
        self._waiting.clear()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _create(path: Path, *, overwrite: bool) -> int:
    """Open *path* for this recorder only."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | (0 if overwrite else os.O_EXCL)
    try:
        fd = os.open(path, flags, 0o640)
    except FileExistsError as exc:
        raise RecordingError(f"{path}: exists already") from exc
    except OSError as exc:
        raise RecordingError(f"{path}: cannot be written: {exc.strerror}") from exc
    refusal = _lock(fd)
    if refusal:
        os.close(fd)
        raise RecordingError(f"{path}: {refusal}")
    return fd


def _lock(fd: int) -> str | None:
    """Lock an open file; returns the reason if that is not possible."""
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        return "must be a regular file"
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return "is being recorded by another program"
    except OSError as exc:
        return f"cannot be written: {exc.strerror}"
    return None
