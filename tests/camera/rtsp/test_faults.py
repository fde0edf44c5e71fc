"""RTSP cameras that go wrong again and again, as the capture sees them: noticed, survived, and nothing left behind.

``EDGED_ROUNDS=200 pytest -s`` is the long form, which prints how long it took to notice a fault and to recover.
"""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from edged.camera.rtsp.source import RtspSource
from edged.pipeline.camera_stats import CameraState, CameraStats
from edged.pipeline.capture.settings import CaptureSettings
from edged.pipeline.capture.stage import Capture
from edged.pipeline.demand import Demand
from edged.pipeline.ring import FrameRing
from tests.camera.leaks import leaves_nothing_behind
from tests.camera.rtsp.clips import coded
from tests.camera.rtsp.server import RtspServer
from tests.fakes import eventually

pytestmark = pytest.mark.timed

STALL = 1.0
SETTINGS = CaptureSettings(stall_seconds=STALL, retry_seconds=0.1, retry_max_seconds=0.4)


class Watched:
    """A camera and the capture that reads it."""

    def __init__(self) -> None:
        self.server = RtspServer(coded(gop=10), wall_clock="now")
        self.port = self.server.port
        self.stats = CameraStats("cam")
        self.ring = FrameRing(threading.Condition())
        source = RtspSource(self.server.url(), timeout=10.0)
        self.capture = Capture(source, self.ring, self.stats, SETTINGS, Demand())
        self.noticed: dict[str, list[float]] = {}
        self.recovered: dict[str, list[float]] = {}

    def await_loss(self, fault: str, begin: float) -> None:
        eventually(lambda: self.stats.condition.state is CameraState.LOST, f"{fault} is noticed")
        self.noticed.setdefault(fault, []).append(time.monotonic() - begin)
        # A connection that ends is noticed by that, and does not have to be missed.
        assert (fault == "hung") is ("no good frame" in str(self.stats.condition.reason))

    def await_frames(self, fault: str) -> None:
        """Wait for frames that are running, and of now."""
        begin, seen = time.monotonic(), 0
        while seen < 3:
            lease = self.ring.take_frame()
            if lease is None:
                assert time.monotonic() - begin < 20, f"no frame after {fault}"
                threading.Event().wait(0.005)
                continue
            with lease:
                age = (time.monotonic_ns() - lease.stamp.t_cap_ns) / 1e9
                assert 0 <= age < 2.0
                seen += 1
                if seen == 1 and self.stats.condition.state is CameraState.RUNNING:
                    self.recovered.setdefault(fault, []).append(time.monotonic() - begin)

    def kill(self) -> None:
        begin = time.monotonic()
        self.server.stop()
        self.await_loss("killed", begin)
        self.server = RtspServer(coded(gop=10), port=self.port, wall_clock="now")
        self.await_frames("killed")

    def hang(self) -> None:
        begin, self.server.mode = time.monotonic(), "hang"
        self.await_loss("hung", begin)
        self.server.mode = "run"
        self.await_frames("hung")

    def restart(self) -> None:
        begin, self.server.mode = time.monotonic(), "close"
        self.await_loss("restarted", begin)
        self.server.mode = "run"
        self.await_frames("restarted")

    def change_size(self) -> None:
        large, self.server.clip = self.server.clip.width > 320, coded(gop=10, width=640, height=480)
        if large:
            self.server.clip = coded(gop=10)
        self.await_frames("size changed")

    def jump(self) -> None:
        self.server.clock_offset += random.choice((36_000.0, -36_000.0, 3.0, -3.0))
        self.await_frames("clock jumped")

    def lose(self) -> None:
        self.server.loses = lambda n: n % 7 == 0
        eventually(lambda: self.ring.take_frame() is None, "damaged frames")
        self.server.loses = lambda _: False
        self.await_frames("packets lost")


@contextmanager
def watching() -> Iterator[Watched]:
    watched = Watched()
    watched.capture.start(lambda: None)
    try:
        watched.await_frames("the start")
        yield watched
    finally:
        watched.capture.stop()
        assert watched.capture.join(10)
        watched.server.stop()
    assert watched.capture.error is None


def test_a_camera_that_goes_wrong_again_and_again_comes_back_and_leaves_nothing_behind() -> None:
    with watching() as watched:
        faults: list[Callable[[], None]] = []

        def one_round() -> None:
            if not faults:
                faults.extend((watched.kill, watched.hang, watched.restart, watched.change_size, watched.jump))
                faults.append(watched.lose)
                random.shuffle(faults)
            faults.pop()()

        for _ in range(6):
            one_round()
        leaves_nothing_behind(one_round)
        for what, seconds in (("noticed", watched.noticed), ("recovered", watched.recovered)):
            for fault, values in seconds.items():
                print(f"{fault}: {what} after {statistics.median(values):.2f} s, at most {max(values):.2f} s")
        assert statistics.median(watched.noticed["hung"]) < STALL + 2.0
        assert watched.stats.errors == 0
