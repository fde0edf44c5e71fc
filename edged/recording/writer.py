"""Writing a recording: seldom, in large pieces, and so that whatever happens leaves a file of whole messages."""

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

    Messages are collected, and written when WRITE_BYTES or WRITE_SECONDS have come together: a program that is killed
    costs these at most. The kernel takes them to the disk in its own time, which spares memory cards but lets a power
    cut cost the last half minute; with *sync_seconds* they are forced there that often. `close` writes the end and
    waits for the disk.

    *max_bytes* bounds the file, its end included. An existing file is replaced with *overwrite* only, and not before
    the first message.

    Raises:
        RecordingError: the file exists, is another recorder's, or cannot be written.
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
        """How many messages are in the file, or will be with the next writing."""
        self.bytes = 0
        """How long the file is with these."""
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
        """Whether it takes no more messages: it was closed, or the disk is full."""
        return self._fd is None

    def record(self, frames: Frames, now_ns: int) -> bool:
        """Record a message that came at *now_ns* of CLOCK_MONOTONIC; False if it does not fit into ``max_bytes``.

        Raises:
            RecordingError: the disk is full, for one. The file is closed then, and `messages` are in it.
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
        """Write what waits if it has waited long enough; to be called now and then.

        Raises:
            RecordingError: as in `record`.
        """
        now = time.monotonic()
        if now - self._wrote >= WRITE_SECONDS:
            self.flush()
        if now - self._synced >= self._sync_seconds:
            self._sync()

    def flush(self) -> None:
        """Write what waits.

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
        """End the recording, and wait until it is on the disk. Twice is fine.

        Raises:
            RecordingError: as in `record`; or the disk failed only now, and nobody knows what is on it.
        """
        if self._fd is None:
            return
        try:
            if self._is_begun:
                self._collect(end_mark(self._since_first(time.monotonic_ns())))
                self.flush()
                self._sync()
        finally:
            self._let_go()

    def _begin(self) -> None:
        """Write the header, in the place of whatever was there; without room for it, there is no file."""
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
        """Of the batch of which only *done* bytes could be written, keep the messages that are whole, and end."""
        while self._waiting and len(self._waiting[0]) <= done:
            done -= len(self._waiting[0])
            self._written += len(self._waiting.pop(0))
        self.messages -= sum(len(piece) > PREFIX_BYTES for piece in self._waiting)  # the end, for one, is no message
        self.bytes = self._written
        fd = self._descriptor()
        with suppress(OSError):  # the disk is in trouble: without these the reader tells where the whole messages end
            os.ftruncate(fd, self._written)
            os.lseek(fd, self._written, os.SEEK_SET)
            os.write(fd, end_mark(self._since_first(time.monotonic_ns())))
            os.fsync(fd)

    def _failed(self, exc: OSError) -> RecordingError:
        self._let_go()
        return RecordingError(f"{self.path}: cannot be written any further: {exc.strerror}")

    def _let_go(self) -> None:
        self._waiting.clear()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _create(path: Path, *, overwrite: bool) -> int:
    """Open *path* for this recorder alone."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | (0 if overwrite else os.O_EXCL)
    try:
        fd = os.open(path, flags, 0o640)
    except FileExistsError as exc:
        raise RecordingError(f"{path}: exists already") from exc
    except OSError as exc:
        raise RecordingError(f"{path}: cannot be written: {exc.strerror}") from exc
    refusal = _take(fd)
    if refusal:
        os.close(fd)
        raise RecordingError(f"{path}: {refusal}")
    return fd


def _take(fd: int) -> str | None:
    """Lock an open file, or say why that cannot be."""
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        return "must be a file"
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return "is being recorded by another program"
    except OSError as exc:
        return f"cannot be written: {exc.strerror}"
    return None
