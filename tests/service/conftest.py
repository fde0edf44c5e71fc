"""A stand-in for systemd: the other end of the notify socket."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


class Manager:
    """Hears what a daemon tells its service manager, at ``address``."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.heard: list[str] = []
        """Every field so far, in order."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def environment(self, watchdog_seconds: float | None = None) -> dict[str, str]:
        """The environment in which systemd would start the daemon."""
        watched = {} if watchdog_seconds is None else {"WATCHDOG_USEC": str(int(watchdog_seconds * 1e6))}
        return {**os.environ, "NOTIFY_SOCKET": self.address, "PYTHONFAULTHANDLER": "1", **watched}

    def hear(self, seconds: float = 0.0) -> list[str]:
        """The fields of the next message; none if there is none within *seconds*."""
        self._socket.settimeout(max(1e-6, seconds))
        try:
            fields = self._socket.recv(4096).decode().split("\n")
        except (TimeoutError, BlockingIOError):
            return []
        self.heard += fields
        return fields

    def wait_for(self, field: str, seconds: float = 30.0) -> float:
        """Listen until *field* is told; returns how many seconds that took."""
        begin = time.monotonic()
        while (left := begin + seconds - time.monotonic()) > 0:
            if field in self.hear(left):
                return time.monotonic() - begin
        raise AssertionError(f"no {field} within {seconds} s, but {self.heard}")

    def wait_for_silence(self, field: str, seconds: float, at_most: float = 30.0) -> None:
        """Listen until *field* has not been told for *seconds*."""
        begin = told = time.monotonic()
        while time.monotonic() - told < seconds:
            assert time.monotonic() - begin < at_most, f"{field} goes on after {at_most} s"
            if field in self.hear(told + seconds - time.monotonic()):
                told = time.monotonic()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    """A service manager that listens, at a path and at an abstract address."""
    path = tmp_path / "notify"
    manager = Manager(str(path) if request.param == "path" else f"@edged-test-{os.getpid()}-{id(path)}")
    yield manager
    manager.close()
