"""A process that is an RTSP camera: what the tests of RTSP talk to, where GStreamer is installed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.camera.servers import free_port

__all__ = ["RtspCamera", "rtsp_camera"]

SYSTEM_PYTHON = "/usr/bin/python3"
PACKAGES = "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-{base,good,ugly}"


class RtspCamera:
    """A process that is an RTSP camera, and can be frozen, killed and started again."""

    def __init__(self, *credentials: str) -> None:
        self.port = free_port()
        self._credentials = credentials
        self._process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}/cam"

    def start(self) -> None:
        script = Path(__file__).parent / "gstreamer_camera.py"
        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, script, str(self.port), *self._credentials], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def freeze(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@contextmanager
def rtsp_camera(*credentials: str) -> Iterator[RtspCamera]:
    look = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    if not Path(SYSTEM_PYTHON).exists() or subprocess.run([SYSTEM_PYTHON, "-c", look], capture_output=True).returncode:
        pytest.skip(f"GStreamer's RTSP server is not installed (apt install {PACKAGES})")
    camera = RtspCamera(*credentials)
    try:
        camera.start()
        yield camera
    finally:
        camera.kill()
