"""A listening socket file that only one process holds."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
from pathlib import Path

from edged.errors import PublishError

__all__ = ["SocketFile"]

BACKLOG = 64


class SocketFile:
    """Listens at *path*.

    A lock file beside it keeps a second process off: another bind would succeed, and steal the first one's socket. The
    lock file stays: removing it would let two processes lock two files of one name.

    Args:
        path: of the socket. Its folder is made if only that is missing.
        setting: its key in the configuration.
        mode: who may connect, as permissions of the file; None: as the umask and the folder allow.

    Raises:
        PublishError: it cannot be made, mostly because another process has it.
    """

    def __init__(self, path: Path, setting: str, mode: int | None = None) -> None:
        self.path = path
        try:
            path.parent.mkdir(mode=0o750, exist_ok=True)
            self._lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
        except OSError as exc:
            raise PublishError(f"{setting}: cannot bind ipc://{path}: {exc.strerror}") from exc
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.listening = _listen(path, mode)
        except BlockingIOError as exc:
            os.close(self._lock)
            raise PublishError(f"{setting}: cannot bind ipc://{path}: another process has it") from exc
        except OSError as exc:
            os.close(self._lock)
            raise PublishError(f"{setting}: cannot bind ipc://{path}: {exc.strerror or exc}") from exc

    def close(self) -> None:
        """Remove the socket file, so that another process can listen there."""
        self.listening.close()
        self.path.unlink(missing_ok=True)
        os.close(self._lock)


def _listen(path: Path, mode: int | None) -> socket.socket:
    if os.path.lexists(path) and not stat.S_ISSOCK(path.lstat().st_mode):
        raise OSError("there is something else of that name")
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        path.unlink(missing_ok=True)  # left by a process that was killed
        # The file gets the mode that its socket has at this moment, less the umask: it is never open to others.
        if mode is not None:
            os.fchmod(listening.fileno(), mode)
        listening.bind(str(path))
        if mode is not None:
            path.chmod(mode)
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening
