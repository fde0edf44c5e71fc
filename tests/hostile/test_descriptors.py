"""File descriptors run out, and the daemon goes on."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from edged.client.control import ControlClient
from tests.camera.servers import MjpegServer, serving
from tests.fakes import eventually
from tests.hostile.rig import hostile_rig

pytestmark = [pytest.mark.timed, pytest.mark.once]

# From SIGUSR1 to SIGUSR2 the daemon's process takes every descriptor that there is.
PRELUDE = """\
import os, signal, threading
stop = threading.Event()
def take():
    taken = []
    while not stop.wait(0.01):
        try:
            while True:
                taken.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            pass
    for descriptor in taken:
        os.close(descriptor)
signal.signal(signal.SIGUSR1, lambda *_: threading.Thread(target=take, daemon=True).start())
signal.signal(signal.SIGUSR2, lambda *_: stop.set())
"""


def test_the_soft_limit_is_raised_to_the_hard_one(tmp_path: Path) -> None:
    with hostile_rig(tmp_path, limits="ulimit -Sn 64; ulimit -Hn 700") as rig:
        limits = Path(f"/proc/{rig.process.pid}/limits").read_text()
        assert next(line for line in limits.splitlines() if "open files" in line).split()[3:5] == ["700", "700"]


def test_a_daemon_without_descriptors_loses_the_camera_that_needs_some_and_nothing_else(tmp_path: Path) -> None:
    camera = '{source: "http://127.0.0.1:%d/stream", stall_seconds: 1, retry_seconds: 0.1, retry_max_seconds: 0.3}'
    with (
        serving(MjpegServer(fps=10)) as server,
        hostile_rig(tmp_path, cameras={"bad": camera % server.port}, prelude=PRELUDE, limits="ulimit -n 200") as rig,
    ):
        rig.wait_for_state("bad", "running")
        with rig.undisturbed(6, descriptors=1):
            rig.process.send_signal(signal.SIGUSR1)
            eventually(lambda: "all file descriptors are taken" in rig.log(), "the report")
            server.mode = "close"
            eventually(
                lambda: "Too many open files" in (rig.statuses("bad")[-1].reason or ""), "an opening that fails so"
            )
            rig.process.send_signal(signal.SIGUSR2)
            server.mode = "run"
            eventually(lambda: rig.statuses("bad")[-1].state == "running", "the camera is back")
            eventually(lambda: "there are free file descriptors again" in rig.log(), "the reserve")
        assert rig.log().count("all file descriptors are taken") == 1
        with ControlClient(f"ipc://{rig.control}") as client:
            assert client.status().cameras
