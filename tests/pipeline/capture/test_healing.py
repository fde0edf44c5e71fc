"""Every way in which a camera fails, round after round: the reported condition, its delay, and nothing left behind.

The camera moves the clock on, and where it hangs the test does: a busy machine changes no figure.

Five rounds of each here; EDGED_ROUNDS=200 for as many as a bad month has. The figures are printed with ``pytest -s``.
"""

from __future__ import annotations

import gc
import itertools
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edged.pipeline.camera_stats import CameraState, CameraStats, Condition
from edged.pipeline.capture.settings import CaptureSettings
from edged.pipeline.capture.stage import Capture
from edged.pipeline.demand import Demand
from edged.pipeline.ring import FrameRing
from edged.values import Format
from tests.fakes import Clock, FakeSource, eventually

pytestmark = pytest.mark.timed

ROUNDS = int(os.environ.get("EDGED_ROUNDS", "5"))
STALL = 0.15
FROZEN = 0.55  # seconds; pictures are compared twice a second
PACE = 0.01  # seconds a frame
SETTINGS = CaptureSettings(stall_seconds=STALL, frozen_seconds=FROZEN, retry_seconds=0.01, retry_max_seconds=0.02)

Script = Iterator[str | Format]
GOOD = ["frame"] * 10


def rounds(*failure: str | Format) -> Callable[[], Script]:
    """A camera that works, fails in one way, and works again, so many times."""

    def script() -> Script:
        yield "open"
        for _ in range(ROUNDS):
            yield from GOOD
            yield from failure
        yield from GOOD

    return script


SILENCE = ["nothing"] * (int(STALL / PACE) + 20)
STILL = ["same"] * 230

FAILURES: dict[str, tuple[Callable[[], Script], CameraState, str, float]] = {
    # name: (script, state, reason, most seconds to notice)
    "disconnects while reading": (rounds("die", "open"), CameraState.LOST, "the cable was pulled", 0.05),
    "fails to open five times": (rounds("die", *["refuse"] * 5, "open"), CameraState.LOST, "it will not open", 0.05),
    "opens and gives nothing": (rounds("die", "open", *SILENCE, "open"), CameraState.LOST, "no good frame", 0.05),
    "gives frames, then hangs in read": (rounds("hang", "open"), CameraState.LOST, "driver does not answer", 0.5),
    "goes silent": (rounds(*SILENCE, "open"), CameraState.LOST, "no good frame", 0.2),
    "repeats one picture": (rounds(*STILL, "open"), CameraState.FROZEN, "the same picture", 2.0),
    "gives only damaged frames": (rounds(*["damaged"] * 40, "open"), CameraState.LOST, "no good frame", 0.2),
    "comes back with another size": (
        rounds("die", Format(width=24, height=16), "frame", "die", Format(width=16, height=8)),
        CameraState.LOST,
        "the cable was pulled",
        0.05,
    ),
}


def resources() -> tuple[int, int]:
    """How many threads and file descriptors there are."""
    gc.collect()
    return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.timeout(60 + 15 * ROUNDS)
@pytest.mark.parametrize("failure", FAILURES)
def test_a_camera_that_fails_is_noticed_and_heals_every_time(failure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    script, state, reason, most = FAILURES[failure]
    before = resources()
    clock = Clock()
    monkeypatch.setattr("edged.pipeline.capture.ring_writer.time", clock)
    monkeypatch.setattr("edged.pipeline.camera_stats.time", clock)
    source = FakeSource(script(), clock=clock)
    source.pace = PACE
    source.woken.set()
    stats = CameraStats("cam")
    seen: list[Condition] = []
    stage = Capture(source, FrameRing(threading.Condition()), stats, SETTINGS, Demand())
    stage.start(lambda: None)

    def ended() -> bool:
        if source.hanging.is_set():
            clock.advance(PACE)
        if stats.notice_silence():
            source.released.set()  # it would hang for ever; this test measures which thread reports it, and how soon
        while stats.changes:
            seen.append(stats.changes.popleft())
        return not stage.running

    eventually(ended, "the end of the script", seconds=60 + 10 * ROUNDS)
    ended()
    assert stage.join(10)
    assert stage.error is None

    bad = [condition for condition in seen if condition.state is state and reason in (condition.reason or "")]
    assert len(bad) >= ROUNDS
    running = [condition.since_ns for condition in seen if condition.state is CameraState.RUNNING]
    assert len(running) >= ROUNDS + 1
    assert seen[-1].state is CameraState.STOPPED
    recover = [min(ns for ns in running if ns > each.since_ns) - each.since_ns for each in bad]
    good = [last for last in source.last_good if last < bad[-1].since_ns]
    notice = [each.since_ns - max(ns for ns in good if ns <= each.since_ns) for each in bad]
    assert max(notice) / 1e9 < most
    print(
        f"\n{failure}: {len(bad)} times {state.value}; noticed after {statistics.median(notice) / 1e9:.3f} s "
        f"(at most {max(notice) / 1e9:.3f}), running again after {statistics.median(recover) / 1e9:.3f} s"
    )
    assert resources() == before


@pytest.mark.parametrize("stopped", [False, True])
def test_a_camera_that_has_stopped_is_not_lost_later(stopped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("edged.pipeline.capture.ring_writer.time", clock)
    monkeypatch.setattr("edged.pipeline.camera_stats.time", clock)
    script = itertools.chain(["open"], itertools.repeat("frame", 10**9 if stopped else 3))
    stats = CameraStats("cam")
    stage = Capture(FakeSource(script, clock=clock), FrameRing(threading.Condition()), stats, SETTINGS, Demand())
    stage.start(lambda: None)
    if stopped:
        eventually(lambda: stats.captured > 3, "some frames")
        stage.stop()
    assert stage.join(10)
    clock.advance(60)
    assert not stats.notice_silence()
    assert stats.condition.state is CameraState.STOPPED


def test_a_camera_that_hangs_does_not_slow_another() -> None:
    bell = threading.Condition()
    stuck_source = FakeSource(itertools.chain(["open", "frame", "hang"]))
    good_source = FakeSource(itertools.chain(["open"], itertools.repeat("frame")))
    good_source.pace = 0.005
    stages = []
    for source in (stuck_source, good_source):
        stages.append(Capture(source, FrameRing(bell), CameraStats("cam"), SETTINGS, Demand()))
        stages[-1].start(lambda: None)
    begin, count = time.monotonic(), 0
    stuck, good = stages
    while count < 100:
        lease = good._ring.take_frame()
        if lease is not None:
            lease.release()
            count += 1
    assert time.monotonic() - begin < 20
    assert stuck._stats.notice_silence() or stuck._stats.condition.state is CameraState.LOST
    good.stop()
    assert good.join(2)
    stuck.stop()
    assert not stuck.join(0.05)
    stuck_source.released.set()
    assert stuck.join(10)
