"""Video files of this machine, as they are read."""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from pathlib import Path

from edged.camera.video.readable import Readable
from edged.camera.video.transport_stream import PACKET, TransportStream, is_transport_stream
from edged.errors import SourceError

__all__ = ["LocalInput"]


class LocalInput:
    """The file *path*, as an `Input`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: io.FileIO | None = None
        self._is_woken = False
        self.failure = ""

    def parts(self) -> Iterator[Readable]:
        self._file = _open(self._path)
        head = self.read(4 * PACKET)
        if is_transport_stream(head):
            yield from TransportStream(self, head).parts()
        else:
            self.seek(0)
            yield self

    def note_packet(self) -> None:
        """Nothing: a file is as long as it is."""

    def wake(self) -> None:
        self._is_woken = True

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    # For PyAV, which would print an exception.

    def read(self, size: int) -> bytes:
        """Return at most *size* bytes, and none at the end, after a failure, or once woken."""
        if self._file is None or self._is_woken or self.failure:
            return b""
        try:
            return self._file.read(size) or b""
        except OSError as exc:
            self.failure = f"{self._path}: cannot be read: {exc.strerror}"
            return b""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to *offset*; returns the place in bytes from the beginning, -1 where that is not possible."""
        try:
            return self._file.seek(offset, whence) if self._file is not None else -1
        except (OSError, ValueError):
            return -1

    def tell(self) -> int:
        """Return the place in bytes from the beginning."""
        return self.seek(0, io.SEEK_CUR)


def _open(path: Path) -> io.FileIO:
    try:
        kind = path.stat().st_mode
        if stat.S_ISREG(kind):
            return path.open("rb", buffering=0)
    except FileNotFoundError as exc:
        raise SourceError(f"{path}: no such file") from exc
    except OSError as exc:
        raise SourceError(f"{path}: cannot be opened: {exc.strerror}") from exc
    raise SourceError(f"{path}: is not a file")
