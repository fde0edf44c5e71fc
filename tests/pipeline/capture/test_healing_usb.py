"""The failures of a USB camera under the capture stage: the code is the real one, the kernel's V4L2 calls are played.

A few rounds here; EDGED_ROUNDS=200 for as many as a bad month has. The figures are printed with ``pytest -s``.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from edged.camera.usb import UsbCamera
from edged.pipeline.camera_stats import CameraState, CameraStats, Condition
from edged.pipeline.capture.settings import CaptureSettings
from edged.pipeline.capture.stage import Capture
from edged.pipeline.demand import Demand
from edged.pipeline.ring import FrameRing
from tests.camera.leaks import descriptors
from tests.camera.v4l2.fake_kernel import FakeCamera, FakeKernel
from tests.fakes import eventually

pytestmark = pytest.mark.timed

ROUNDS = int(os.environ.get("EDGED_ROUNDS", "3"))
SETTINGS = CaptureSettings(stall_seconds=0.3, retry_seconds=0.01, retry_max_seconds=0.02)
FRAME_SECONDS = 0.02


def jpeg(width: int, height: int, seed: int) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return cv2.imencode(".jpg", cv2.resize(noise, (width, height)))[1].tobytes()


class Scene:
    """A webcam that delivers pictures of the test, under a capture stage."""

    def __init__(self, root: Path) -> None:
        self.kernel = FakeKernel(root)
        self.camera = self.kernel.plug(FakeCamera())
        self.source = UsbCamera(self.camera.link, kernel=self.kernel)
        self.stats = CameraStats("cam")
        self.ring = FrameRing(threading.Condition())
        self.stage = Capture(self.source, self.ring, self.stats, SETTINGS, Demand())
        self.pictures = [jpeg(640, 480, seed) for seed in range(3)]
        self.age = 0.0  # seconds by which the driver's clock is behind
        self.seen: list[Condition] = []
        self.sent = 0

    def play(self, seconds: float = FRAME_SECONDS) -> None:
        """Let the camera send a frame, and note what is told."""
        threading.Event().wait(seconds)
        with suppress(AssertionError, ValueError):  # it is not open just now, or was closed this very moment
            self.camera.deliver(self.pictures[self.sent % len(self.pictures)], age=self.age)
        self.sent += 1
        while self.stats.changes:
            self.seen.append(self.stats.changes.popleft())

    def play_until(self, state: CameraState, why: str = "") -> Condition:
        """Play until the camera has turned to *state* anew, with *why* in its reason; returns what was told.

        A pause of the machine is a silence of the camera, and so a loss, too, but for another reason.
        """
        begin, deadline = len(self.seen), time.monotonic() + 20
        while True:
            self.play()
            if found := [told for told in self.seen[begin:] if told.state is state and why in (told.reason or "")]:
                return found[0]
            assert time.monotonic() < deadline, f"not {state} within 20 s"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """It runs, and at the end nothing of it is left."""
    before = descriptors()
    scene = Scene(tmp_path)
    scene.stage.start(lambda: None)
    scene.play_until(CameraState.RUNNING)
    yield scene
    scene.stage.stop()
    assert scene.stage.join(10)
    assert scene.stage.error is None
    eventually(lambda: descriptors() == before, "every file descriptor is closed")
    assert not any(opened.holds_node for opened in scene.kernel.forgotten)


@contextmanager
def pictures(scene: Scene, *others: bytes) -> Iterator[None]:
    """Inside, the camera sends *others*."""
    good, scene.pictures = scene.pictures, list(others)
    try:
        yield
    finally:
        scene.pictures = good


def report(what: str, rounds: list[tuple[float, float]]) -> None:
    notice, recover = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"\n{what}: {len(rounds)} times; noticed after {notice:.3f} s, running again after {recover:.3f} s")


@pytest.mark.timeout(60 + 10 * ROUNDS)
def test_a_camera_that_comes_back_under_another_number_is_found(scene: Scene) -> None:
    rounds = []
    for _ in range(ROUNDS):
        node, pulled = scene.camera.node, time.monotonic_ns()
        scene.kernel.replug(scene.camera)
        lost = scene.play_until(CameraState.LOST, "it has gone: it was unplugged")
        assert scene.camera.node != node
        running = next((told for told in scene.seen if told.since_ns > lost.since_ns), None)
        running = running or scene.play_until(CameraState.RUNNING)
        rounds.append(((lost.since_ns - pulled) / 1e9, (running.since_ns - lost.since_ns) / 1e9))
    report("unplugged and back under another number", rounds)


@pytest.mark.timeout(60 + 10 * ROUNDS)
@pytest.mark.parametrize(
    ("fault", "how"),
    [
        ("damaged", "a damaged JPEG: it is cut short"),
        ("another size", "a damaged JPEG: it has 320×240 pixels instead of 640×480"),
    ],
)
def test_a_camera_that_sends_only_what_cannot_be_used_is_lost_and_heals(scene: Scene, fault: str, how: str) -> None:
    rounds = []
    bad = scene.pictures[0][:4000] if fault == "damaged" else jpeg(320, 240, 7)
    for _ in range(ROUNDS):
        begin = time.monotonic_ns()
        with pictures(scene, bad):
            camera = "/dev/v4l/by-id/usb-Test_Camera_SN1-video-index0"
            lost = scene.play_until(CameraState.LOST, f"no good frame for 0.3 s: {camera}: {how}")
        running = scene.play_until(CameraState.RUNNING)
        rounds.append(((lost.since_ns - begin) / 1e9, (running.since_ns - lost.since_ns) / 1e9))
    report(f"only {fault} pictures", rounds)


def test_single_damaged_frames_and_a_clock_that_goes_back_are_not_a_loss(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The silence of a camera is counted in frames here: a pause of the machine is one, too.
    by_frames = SimpleNamespace(monotonic=lambda: scene.sent * FRAME_SECONDS, monotonic_ns=time.monotonic_ns)
    monkeypatch.setattr("edged.pipeline.capture.ring_writer.time", by_frames)
    whole = scene.pictures
    stamps = []
    with pictures(scene, whole[0], whole[1][:4000], whole[2]):
        for age in (0.0, 0.5, 0.2, 0.9, 0.0) * 6:
            scene.age = age
            scene.play()
            if (lease := scene.ring.take_frame()) is not None:
                stamps.append(lease.stamp.t_cap_ns)
                lease.release()
    assert len(stamps) > 5
    assert stamps == sorted(set(stamps))
    assert [told.state for told in scene.seen] == [CameraState.RUNNING]
    assert scene.stats.dropped_capture > 0
