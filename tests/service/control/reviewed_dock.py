"""A daemon in threads of this process that reviews a set of states, several times a second instead of each minute."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
import pytest

from edged.client.control import ControlClient
from edged.config import load_text
from edged.errors import ControlError
from edged.pipeline import review_queues
from edged.pipeline.build import Pipeline, build
from edged.service.control.server import Control
from edged.service.daemon import Daemon
from edged.service.reload.stage import Reloader
from edged.service.running_stages import RunningStages
from edged.wire.control_results import ReviewInfo, ReviewResult
from tests.fakes import eventually

MODEL = Path(__file__).parents[2] / "cases" / "small96_uint8_meta.tflite"
CONFIG = """\
node: porch
model: {{path: {model}}}
cameras:
  dock: {{source: "dir:{folder}/view", loop: true, fps: 30, rotation: 90, regions: {{bay: {{}}, gate: {{right: 0.5}}}}}}
states:
  bay:
    of: [empty, truck]
    for: [dock/bay]
    images: {{empty: ["{folder}/empty.png"], truck: ["{folder}/truck.png"]}}
    review: {review}
  door: {{of: [open, shut], for: [dock/gate]}}
publish: {{endpoints: ["pub+bind:ipc://pub.sock"]}}
control: {{endpoint: "ipc://control.sock"}}
"""
APART_SECONDS = 0.1

DAEMON = """\
import sys
from edged.errors import ControlError
from edged.pipeline import review_queues
review_queues.APART_SECONDS = float(sys.argv[2])
from edged.cli import main
raise SystemExit(main(["run", "-c", sys.argv[1]]))
"""


class ReviewedDock:
    """A daemon whose camera shows views of a bay, some of which are hard to tell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"ipc://{folder}/control.sock"
        self.config = folder / "edged.yaml"
        self.pipeline: Pipeline
        (folder / "view").mkdir()
        for state, share in (("empty", 0.0), ("truck", 1.0)):
            cv2.imwrite(str(folder / f"{state}.png"), stripes(share, 0))
        for number in range(40):
            cv2.imwrite(str(folder / "view" / f"{number:02}.png"), stripes(number / 39, number))
        self.write_config()

    def write_config(self, *, review: bool = True) -> None:
        text = CONFIG.format(model=MODEL, folder=self.folder, review=str(review).lower())
        self.config.write_text(text)

    @contextmanager
    def running(self) -> Iterator[ControlClient]:
        loaded = load_text(self.config.read_text(), self.config)
        self.pipeline = build(loaded)
        running = RunningStages(self.pipeline)
        reloader = Reloader(self.config, running)
        daemon = Daemon(
            running, beside=[Control(loaded.config.control, running, reloader.request_reload)], reloader=reloader
        )
        thread = threading.Thread(target=daemon.run)
        thread.start()
        try:
            eventually(lambda: self.pipeline.inference.facts is not None, "the model is open")
            with ControlClient(self.address) as client:
                yield client
        finally:
            daemon.stop("the test is over")
            thread.join(20)
            assert not thread.is_alive()


@contextmanager
def daemon_process(dock: ReviewedDock) -> Iterator[subprocess.Popen[str]]:
    """The daemon as a process of its own, which a test may kill."""
    environment = {**os.environ, "STATE_DIRECTORY": str(dock.folder / "state")}
    command = [sys.executable, "-c", DAEMON, str(dock.config), str(APART_SECONDS)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        eventually(lambda: _answers(dock), "the daemon answers", 60)
        yield process
    finally:
        process.kill()
        process.communicate()


def _answers(dock: ReviewedDock) -> bool:
    with suppress(ControlError), ControlClient(dock.address) as client:
        return client.status().cameras[0].state == "running"
    return False


def stripes(share: float, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Stripes that lie (0) or stand (1), or both, with noise of that seed."""
    rows, columns = np.mgrid[0:90, 0:120]
    mixed = (1 - share) * (rows % 24) + share * (columns % 24)
    noise = np.random.default_rng(seed).integers(0, 40, (90, 120, 3))
    picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] = np.clip(mixed[..., None] * 8 + noise, 0, 255).astype(
        np.uint8
    )
    return picture


def waiting(daemon: ControlClient, count: int, name: str = "bay") -> tuple[ReviewInfo, ...]:
    """The pictures of the set without an answer, once there are so many."""
    found: list[ReviewResult] = []

    def is_there() -> bool:
        found[:] = [daemon.review(name)]
        return sum(entry.answer is None for entry in found[0].entries) >= count

    eventually(is_there, f"{count} pictures wait", 30)
    return tuple(entry for entry in found[0].entries if entry.answer is None)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_queues, "APART_SECONDS", APART_SECONDS)
