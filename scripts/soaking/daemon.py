"""The daemon under test, started as a user starts it, on a looped clip and a test picture."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["DaemonProcess"]

DEMO = Path(__file__).parent.parent.parent / "config" / "demo"

CONFIG = """\
node: soak
model: {{name: efficientnet-lite0-int8, num_threads: 1}}
cameras:
  clip:
    source: "file:{demo}/street.mp4"
    loop: true
    fps: 20   # the whole clip in 12 s, so that it is opened several times in every quarter of a soak
    regions:
      path: {{left: 0.05, top: 0.32, right: 0.42, bottom: 0.56}}
  bars: {{source: "pattern:640x480", fps: 5}}
{cameras}
references:
  path-empty: {{images: ["{demo}/path-empty.jpg"], for: [clip/path], enter: 0.9}}
  path-busy: {{images: ["{demo}/path-busy.jpg"]}}
publish: {{endpoints: ["pub+bind:ipc://pub.sock", "pub+bind:tcp://127.0.0.1:{port}"]}}
"""


class DaemonProcess:
    """A folder with a configuration, and the process that runs on it. With *hostile* URLs it has ten cameras."""

    def __init__(self, folder: Path, hostile: Sequence[str] = ()) -> None:
        self.address = f"ipc://{folder}/pub.sock"
        self.port = _free_port()
        self.pid = 0
        self._cameras = _cameras(hostile)
        self._folder = folder
        self._config = folder / "edged.yaml"
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the daemon; kill it at the end if it still runs."""
        self._config.write_text(CONFIG.format(demo=DEMO, port=self.port, cameras=self._cameras))
        command = [sys.executable, "-m", "edged", "run", "-c", str(self._config)]
        own = {"RUNTIME_DIRECTORY": str(self._folder), "STATE_DIRECTORY": str(self._folder / "state")}
        with self._log.open("wb") as log, subprocess.Popen(command, stderr=log, env={**os.environ, **own}) as process:
            self._process, self.pid = process, process.pid
            try:
                yield
            finally:
                process.kill()

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> float:
        """Request the end without waiting; returns the time of the request on the monotonic clock."""
        assert self._process is not None, "stop before running"
        self._process.terminate()
        return time.monotonic()

    def wait(self, seconds: float) -> int | None:
        """The exit status; None if it has not ended within *seconds*."""
        assert self._process is not None, "wait before running"
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def log(self) -> list[str]:
        """The lines of its log."""
        return self._log.read_text(errors="replace").splitlines()


def _cameras(hostile: Sequence[str]) -> str:
    """The other cameras: *hostile* ones, and good ones so that there are ten in all."""
    lines = [
        f'  hostile{number}: {{source: "{url}", retry_seconds: 0.2, retry_max_seconds: 1}}'
        for number, url in enumerate(hostile)
    ]
    lines += [
        f'  good{number}: {{source: "pattern:320x240", fps: 2}}' for number in range(8 - len(lines) if lines else 0)
    ]
    return "\n".join(lines)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
