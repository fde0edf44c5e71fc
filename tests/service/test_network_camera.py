"""A network camera that is killed, hangs and comes back under the running daemon."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edged.client import Subscriber
from edged.wire import Message, Status, Vec
from tests.camera.rtsp.server import RtspServer
from tests.camera.servers import MjpegServer, free_port

pytestmark = pytest.mark.once

CONFIG = """\
model: {{name: efficientnet-lite0-int8}}
cameras:
  door:
    source: "{source}"
    stall_seconds: 1
    retry_seconds: 0.1
    retry_max_seconds: 0.4
publish:
  endpoints: ["pub+bind:ipc://pub.sock"]
"""


@contextmanager
def daemon(folder: Path, source: str) -> Iterator[tuple[Subscriber, Path]]:
    config, log = folder / "edged.yaml", folder / "log"
    config.write_text(CONFIG.format(source=source))
    with (
        Subscriber(f"ipc://{folder}/pub.sock", kinds=("vec", "status")) as subscriber,
        log.open("w") as stderr,
        subprocess.Popen([sys.executable, "-m", "edged", "run", "-c", str(config)], stderr=stderr) as process,
    ):
        try:
            yield subscriber, log
            process.terminate()
            assert process.wait(10) == 0
        finally:
            process.kill()


def http(port: int) -> str:
    return f"http://eve:s3cret@127.0.0.1:{port}/stream"


def wait_for(subscriber: Subscriber, wanted: Callable[[Message], bool], what: str) -> Message:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        message = subscriber.receive(1)
        if message is not None and wanted(message):
            return message
    raise AssertionError(f"not within 30 s: {what}")


@pytest.mark.parametrize("fault", ["killed", "hangs"])
def test_the_stream_resumes_without_a_restart_of_the_daemon(tmp_path: Path, fault: str) -> None:
    port = free_port()
    server = MjpegServer(port=port, fps=20)
    try:
        with daemon(tmp_path, http(port)) as (subscriber, log):
            before = wait_for(subscriber, lambda message: isinstance(message, Vec), "a vector")
            if fault == "killed":
                server.stop()
            else:
                server.mode = "hang"
            lost = wait_for(subscriber, lambda m: isinstance(m, Status) and m.state == "lost", "the loss")
            assert isinstance(lost, Status)
            assert lost.reason
            if fault == "killed":
                server = MjpegServer(port=port, fps=20)
            else:
                server.mode = "run"
            running = wait_for(subscriber, lambda m: isinstance(m, Status) and m.state == "running", "the recovery")
            again = wait_for(subscriber, lambda m: isinstance(m, Vec), "vectors again")
            assert isinstance(running, Status)
            assert running.reopens >= 1
            assert again.run == before.run
        assert "s3cret" not in log.read_text() + lost.reason
        assert "camera door is lost" in log.read_text()
    finally:
        server.stop()


@pytest.mark.parametrize("fault", ["killed", "hangs", "two gigabytes"])
def test_an_rtsp_stream_resumes_without_a_restart_of_the_daemon(tmp_path: Path, fault: str) -> None:
    server = RtspServer(fps=20)
    try:
        with daemon(tmp_path, server.url("eve:s3cret")) as (subscriber, log):
            before = wait_for(subscriber, lambda message: isinstance(message, Vec), "a vector")
            if fault == "hangs":
                server.mode = "hang"
            else:
                server.stop()
            if fault == "two gigabytes":
                server = RtspServer(fps=20, port=server.port)
                server.answers["DESCRIBE"] = b"RTSP/1.0 200 OK\r\nContent-Length: 2000000000\r\n\r\n"
            lost = wait_for(subscriber, lambda m: isinstance(m, Status) and m.state == "lost", "the loss")
            if fault == "killed":
                server = RtspServer(fps=20, port=server.port)
            server.mode = "run"
            server.answers.clear()
            wait_for(subscriber, lambda m: isinstance(m, Status) and m.state == "running", "the recovery")
            again = wait_for(subscriber, lambda m: isinstance(m, Vec), "vectors again")
            assert isinstance(lost, Status)
            assert again.run == before.run
            assert "s3cret" not in f"{log.read_text()} {lost.reason}"
    finally:
        server.stop()


def test_a_camera_that_is_not_there_at_the_start_is_waited_for(tmp_path: Path) -> None:
    port = free_port()
    with daemon(tmp_path, http(port)) as (subscriber, _):
        wait_for(subscriber, lambda m: isinstance(m, Status) and m.state == "lost", "the loss")
        server = MjpegServer(port=port, fps=20)
        try:
            wait_for(subscriber, lambda message: isinstance(message, Vec), "a vector")
        finally:
            server.stop()
