"""Counts, times and reasons of a capture: its steps run in the test, and only the test moves the clock on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.errors import ConfigError, EndOfStream
from edged.pipeline.camera_stats import STOPPING, CameraState, CameraStats
from edged.pipeline.capture.ring_writer import GRAB_SECONDS
from edged.pipeline.capture.settings import CaptureSettings
from edged.pipeline.capture.stage import CLOSE_SECONDS, OPEN_SECONDS, Capture
from edged.pipeline.demand import Demand
from edged.pipeline.ring import FrameRing, Lease
from edged.values import Format, Stamp
from tests.fakes import Clock, FakeSource

QUICK = CaptureSettings(retry_seconds=0.001, retry_max_seconds=0.001)
STALLING = CaptureSettings(stall_seconds=5.0, retry_seconds=0.001, retry_max_seconds=0.001)


class Source(FakeSource):
    """A camera whose calls do one more thing each: what *during* has for them."""

    def __init__(self, script: Iterable[str | Format], clock: Clock, during: dict[str, Callable[[], object]]) -> None:
        super().__init__(script, clock=clock)
        self.during = during
        self.stamps: list[Stamp] = []
        """The next capture times, where they are not those of the clock."""

    def _do(self, call: str) -> None:
        self.during.get(call, lambda: None)()

    def open(self) -> Format:
        self._do("open")
        return super().open()

    def grab(self, timeout: float) -> Stamp | None:
        self._do("grab")
        stamp = super().grab(timeout)
        return self.stamps.pop(0) if stamp is not None and self.stamps else stamp

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        self._do("retrieve")
        super().retrieve(slot)

    def close(self) -> None:
        self._do("close")
        super().close()


class Rig:
    """A capture of a camera that plays *script*, with everything that the test looks at."""

    def __init__(self, clock: Clock, script: Iterable[str | Format], settings: CaptureSettings = QUICK) -> None:
        self.clock = clock
        self.during: dict[str, Callable[[], object]] = {}
        self.source = Source(script, clock, self.during)
        self.source.woken.set()
        self.ring = FrameRing(threading.Condition())
        self.stats = CameraStats("cam")
        self.demand = Demand()
        self.stage = Capture(self.source, self.ring, self.stats, settings, self.demand)

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.stage.step()

    def state(self) -> CameraState:
        return self.stats.condition.state

    def format(self) -> Format | None:
        return self.stats.format

    def take(self) -> Lease:
        lease = self.ring.take_frame()
        assert lease is not None
        return lease

    def reasons(self) -> list[str | None]:
        return [condition.reason for condition in self.stats.changes]


MakeRig = Callable[..., Rig]


@pytest.fixture
def make_rig(monkeypatch: pytest.MonkeyPatch) -> MakeRig:
    clock = Clock()
    for module in ("pipeline.stage", "pipeline.capture.ring_writer", "pipeline.camera_stats"):
        monkeypatch.setattr(f"edged.{module}.time", clock)

    def make(*script: str | Format, settings: CaptureSettings = QUICK) -> Rig:
        return Rig(clock, script, settings)

    return make


def raising(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_a_frame_has_the_time_that_its_decoding_took(make_rig: MakeRig) -> None:
    rig = make_rig("open", "frame")
    rig.during |= {"grab": lambda: rig.clock.advance(0.5), "retrieve": lambda: rig.clock.advance(0.007)}
    rig.steps(2)
    with rig.take() as lease:
        assert lease.decode_ns == 7_000_000


def test_a_hot_board_takes_fewer_frames_and_the_stats_have_the_rate(make_rig: MakeRig) -> None:
    rig = make_rig("open", *["frame"] * 30, settings=replace(QUICK, max_fps=10.0))
    rig.during["grab"] = lambda: rig.clock.advance(0.1)
    rig.steps(11)
    assert (rig.stage.next_seq, rig.stats.slowed_to) == (10, None)
    rig.demand.halvings = 2
    rig.steps(10)
    assert rig.stage.next_seq in (12, 13)
    assert rig.stats.slowed_to == 2.5
    rig.stage.use(replace(QUICK, max_fps=8.0))
    rig.steps(1)
    assert rig.stats.slowed_to == 2.0
    rig.demand.halvings = 0
    rig.steps(1)
    assert rig.stats.slowed_to is None


def test_a_camera_whose_rate_is_halved_is_not_lost_between_two_of_its_frames(make_rig: MakeRig) -> None:
    rig = make_rig("open", *["frame"] * 30, settings=replace(STALLING, stall_seconds=0.5))
    rig.during["grab"] = lambda: rig.clock.advance(0.1)
    rig.demand.halvings = 6
    rig.steps(31)
    assert (rig.state(), rig.stats.slowed_to) == (CameraState.RUNNING, 1.0)
    assert rig.stage.next_seq == 4


def test_a_clip_that_waits_for_the_model_is_not_slowed(make_rig: MakeRig) -> None:
    rig = make_rig("open", "frame", settings=replace(QUICK, wait_for_reader=True))
    rig.demand.halvings = 2
    rig.steps(2)
    assert (rig.stage.next_seq, rig.stats.slowed_to) == (1, None)


def test_an_exception_that_no_source_should_raise_is_counted_once_and_is_a_loss(make_rig: MakeRig) -> None:
    rig = make_rig("open", "frame", "open", "frame")
    rig.during["retrieve"] = raising(ValueError("a bug"))
    rig.steps(2)
    assert rig.stats.errors == 1
    assert rig.state() is CameraState.LOST
    assert rig.stats.condition.reason == "unexpected ValueError: a bug"
    rig.during.clear()
    rig.steps(2)
    assert (rig.stats.errors, rig.stats.reopens) == (1, 1)
    assert rig.state() is CameraState.RUNNING


def test_a_lack_of_descriptors_is_a_loss_and_not_a_bug(make_rig: MakeRig) -> None:
    rig = make_rig("open", "frame")
    rig.during["grab"] = raising(OSError(24, "Too many open files"))
    rig.steps(2)
    assert rig.stats.errors == 0
    assert rig.state() is CameraState.LOST
    assert "Too many open files" in str(rig.stats.condition.reason)


def test_a_bug_in_a_source_that_must_be_there_is_a_loss_and_does_not_fail_the_start(make_rig: MakeRig) -> None:
    rig = make_rig("open", "frame", settings=CaptureSettings(refuse=ConfigError, retry_seconds=0.001))
    rig.during["open"] = raising(ValueError("a bug"))
    rig.stage.open()
    assert rig.state() is CameraState.LOST
    assert (rig.stats.errors, rig.stats.reopens) == (1, 0)


def test_a_picture_for_which_there_is_no_memory_is_damaged_and_no_loss(make_rig: MakeRig) -> None:
    rig = make_rig("open", "frame", *["nothing"] * 2, settings=STALLING)
    rig.during["retrieve"] = raising(MemoryError())
    rig.steps(2)
    assert rig.stats.dropped()["capture"] == 1
    assert rig.state() is CameraState.STARTING
    rig.during["grab"] = lambda: rig.clock.advance(6)
    rig.steps(1)
    assert rig.stats.condition.reason == "no good frame for 5 s: there is not enough memory to decode it"


@pytest.mark.parametrize("good", ["frame", "open"])
def test_a_silence_names_no_damage_from_before_a_good_frame_or_an_opening(good: str, make_rig: MakeRig) -> None:
    rig = make_rig(
        "open", "damaged", *(["frame"] if good == "frame" else ["die", "open"]), "nothing", settings=STALLING
    )
    rig.steps(3 if good == "frame" else 4)
    rig.during["grab"] = lambda: rig.clock.advance(6)
    rig.steps(1)
    assert rig.stats.condition.reason == "no good frame for 5 s"


def test_frames_that_were_not_taken_add_to_those_of_the_capture_before(make_rig: MakeRig) -> None:
    rig = make_rig("open", *["frame"] * 4)
    rig.ring.dropped, rig.stats.dropped_ring = 2, 7
    rig.stage.open()
    rig.steps(5)
    assert rig.stats.dropped()["ring"] == 7 + 3


def test_every_repeated_picture_of_a_freeze_is_a_dropped_frame(make_rig: MakeRig) -> None:
    settings = CaptureSettings(frozen_seconds=2.0, retry_seconds=0.001, retry_max_seconds=0.001)
    rig = make_rig("open", "frame", *["same"] * 2, "open", "same", "same", "frame", settings=settings)
    rig.during["grab"] = lambda: rig.clock.advance(1.0)
    rig.steps(4)
    assert rig.state() is CameraState.FROZEN
    assert rig.stats.dropped()["capture"] == 1
    rig.during["grab"] = lambda: rig.clock.advance(0.1)
    rig.steps(3)  # in doubt: the camera was just opened
    assert rig.stats.dropped()["capture"] == 3
    assert rig.state() is CameraState.FROZEN
    rig.steps(1)
    assert rig.stats.dropped()["capture"] == 3
    assert rig.state() is CameraState.RUNNING


@pytest.mark.parametrize(("ahead", "source"), [(-1, "driver"), (0, "driver"), (1, "arrival")])
def test_a_time_ahead_of_the_clock_is_replaced_by_the_arrival(ahead: int, source: str, make_rig: MakeRig) -> None:
    rig = make_rig("open", "frame")
    now = rig.clock.monotonic_ns()
    rig.source.stamps = [Stamp(now + ahead, "driver")]
    rig.steps(2)
    with rig.take() as lease:
        assert (lease.stamp.source, lease.stamp.t_cap_ns) == (source, min(now, now + ahead))


@pytest.mark.parametrize(("later", "source"), [(0, "arrival"), (1, "driver")])
def test_a_time_that_stands_still_is_replaced_by_the_arrival(later: int, source: str, make_rig: MakeRig) -> None:
    rig = make_rig("open", "frame", "frame")
    first = rig.clock.monotonic_ns()
    rig.during["grab"] = lambda: rig.clock.advance(1)
    rig.source.stamps = [Stamp(first, "driver"), Stamp(first + later, "driver")]
    rig.steps(3)
    with rig.take() as lease:
        assert lease.stamp.source == source


def noticed_at(rig: Rig, call: str, *seconds: float) -> list[bool]:
    """Have *call* of the source take longer and longer; whether its silence is noticed after so many *seconds*."""
    noticed: list[bool] = []

    def hang() -> None:
        passed = 0.0
        for second in seconds:
            rig.clock.advance(second - passed)
            passed = second
            noticed.append(rig.stats.notice_silence())

    rig.during[call] = hang
    rig.steps(1)
    return noticed


def test_a_driver_may_take_half_a_minute_to_open_and_the_time_of_a_stall(make_rig: MakeRig) -> None:
    rig = make_rig("open", settings=STALLING)
    limit = OPEN_SECONDS + 5
    assert limit == 35
    assert noticed_at(rig, "open", limit - 0.01, limit + 0.01) == [False, True]


def test_a_driver_may_take_the_time_of_a_stall_for_a_frame_and_one_wait(make_rig: MakeRig) -> None:
    rig = make_rig("open", "frame", "frame", settings=STALLING)
    rig.steps(2)
    assert noticed_at(rig, "grab", 5 + GRAB_SECONDS - 0.01, 5 + GRAB_SECONDS + 0.01) == [False, True]


def test_a_driver_may_take_any_time_for_a_frame_where_stalls_are_allowed(make_rig: MakeRig) -> None:
    rig = make_rig("open", "frame", "frame")
    rig.steps(2)
    assert noticed_at(rig, "grab", 10_000.0) == [False]
    assert rig.state() is CameraState.RUNNING


def test_a_driver_may_take_two_seconds_to_close(make_rig: MakeRig) -> None:
    rig = make_rig("open", "frame", "die", "refuse", settings=STALLING)
    rig.steps(2)
    assert noticed_at(rig, "close", CLOSE_SECONDS - 0.01, CLOSE_SECONDS + 0.01) == [False, True]
    assert rig.reasons() == [None, "the cable was pulled", "the driver does not answer", "the cable was pulled"]


def test_after_a_loss_no_driver_is_called_and_no_silence_noticed(make_rig: MakeRig) -> None:
    rig = make_rig("open", "frame", "die")
    rig.steps(3)
    rig.clock.advance(3600)
    assert not rig.stats.notice_silence()
    assert rig.stats.condition.reason == "the cable was pulled"


def test_a_source_at_its_end_is_not_silent(make_rig: MakeRig) -> None:
    rig = make_rig("open", "frame", settings=STALLING)
    rig.steps(2)
    with pytest.raises(EndOfStream):
        rig.steps(1)
    rig.clock.advance(3600)
    assert not rig.stats.notice_silence()
    assert (rig.state(), rig.stats.condition.reason) == (CameraState.STOPPED, "the script is over")
    rig.stage.close()
    assert rig.stats.condition.reason == "the script is over"


def test_the_first_reason_to_stop_counts_and_a_closed_camera_has_no_format(make_rig: MakeRig) -> None:
    rig = make_rig("open", "frame", settings=STALLING)
    rig.steps(2)
    assert rig.format() is rig.source.format
    rig.stage.stop("no longer in the configuration")
    rig.stage.stop()
    rig.stage.close()
    assert rig.stats.condition.reason == "no longer in the configuration"
    assert rig.format() is None
    rig.clock.advance(3600)
    assert not rig.stats.notice_silence()


def test_a_capture_that_nobody_stopped_ends_because_the_daemon_does(make_rig: MakeRig) -> None:
    rig = make_rig("open", "frame")
    rig.steps(2)
    rig.take().release()
    rig.stage.close()
    assert rig.stats.condition.reason == STOPPING
    assert rig.ring.ended


def test_a_stop_wakes_the_source_and_ends_the_wait_for_frames(make_rig: MakeRig) -> None:
    rig = make_rig("open")
    rig.steps(1)
    rig.source.woken.clear()
    rig.stage.stop()
    assert rig.source.woken.is_set()
    assert rig.ring.ended


def test_a_capture_that_is_abandoned_keeps_the_memory_that_it_writes_to_and_leaves_the_ring_open(
    make_rig: MakeRig,
) -> None:
    rig = make_rig("open", "frame")
    rig.steps(1)
    written = rig.ring.slot()
    rig.stage.abandon()
    assert rig.stage.stopping
    rig.stage.close()
    rig.ring.allocate(rig.source.format)
    assert not any(np.shares_memory(slot.pixels, written) for slot in rig.ring._slots)
    assert not rig.ring.ended
    assert rig.state() is CameraState.STARTING


def test_opening_may_take_as_long_as_any_step(make_rig: MakeRig) -> None:
    rig = make_rig("open")
    rig.stage.open()
    assert rig.stage.due == rig.clock.monotonic() + Capture.step_seconds


def test_a_loss_is_a_warning_and_its_other_reasons_are_for_debugging(
    make_rig: MakeRig, caplog: pytest.LogCaptureFixture
) -> None:
    rig = make_rig("open", "frame", "die", "refuse", "open", "frame")
    with caplog.at_level(logging.DEBUG, "edged.pipeline.capture.stage"):
        rig.steps(6)
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("INFO", "camera cam is running"),
        ("WARNING", "camera cam is lost: the cable was pulled"),
        ("DEBUG", "camera cam is lost: it will not open"),
        ("INFO", "camera cam is running"),
    ]


def test_a_source_that_cannot_be_closed_is_logged_and_opened_again(
    make_rig: MakeRig, caplog: pytest.LogCaptureFixture
) -> None:
    rig = make_rig("open", "frame", "die", "open", "frame")
    rig.during["close"] = raising(OSError(5, "Input/output error"))
    rig.steps(5)
    assert "camera cam cannot be closed: " in caplog.text
    assert rig.state() is CameraState.RUNNING
    assert rig.stats.condition.reason is None
