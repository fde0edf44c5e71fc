"""The capture stage: keeps the ring fresh, and takes a lost camera for weather."""

from __future__ import annotations

import itertools
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType, SimpleNamespace
from typing import Any

import pytest

from edged.errors import ConfigError, RingClosed, SourceError
from edged.pipeline.camera_stats import CameraState, CameraStats
from edged.pipeline.capture.lazy_decode import LazyDecode
from edged.pipeline.capture.settings import CaptureSettings
from edged.pipeline.capture.stage import Capture
from edged.pipeline.demand import Demand
from edged.pipeline.ring import FrameRing
from edged.regions import PixelRegion, Pixels
from edged.values import Format
from tests.fakes import FakeSource, eventually

QUICK = CaptureSettings(retry_seconds=0.001, retry_max_seconds=0.004)
WAITING = CaptureSettings(wait_for_reader=True)
FOR_EVER = itertools.repeat("frame")


class Rig:
    """A capture stage on a fake camera, with its ring read by the test."""

    def __init__(self, script: Iterable[str | Format], settings: CaptureSettings, pace: float = 0.0) -> None:
        self.source = FakeSource(script)
        self.source.pace = pace
        self.ring = FrameRing(threading.Condition())
        self.stats = CameraStats("cam")
        self.demand = Demand()
        self.stage = Capture(self.source, self.ring, self.stats, settings, self.demand)

    def read(self, count: int) -> list[int]:
        """Take *count* frames and return their numbers."""
        numbers: list[int] = []

        def take() -> bool:
            lease = self.ring.take_frame()
            self.demand.note_request("cam", time.monotonic_ns(), in_vain=lease is None)
            if lease is not None:
                with lease:
                    numbers.append(lease.seq)
            return len(numbers) >= count

        eventually(take, f"{count} frames")
        return numbers

    def states(self) -> list[str]:
        return [condition.state.value for condition in self.stats.changes]


@contextmanager
def capturing(
    script: Iterable[str | Format], settings: CaptureSettings = QUICK, *, pace: float = 0.0, closable: bool = True
) -> Iterator[Rig]:
    rig = Rig(script, settings, pace)
    if not closable:
        rig.source.closable.clear()
    rig.source.woken.set()  # its silences take no time but the pace
    rig.stage.start(lambda: None)
    try:
        yield rig
    finally:
        rig.source.released.set()
        rig.source.closable.set()
        rig.stage.stop()
        assert rig.stage.join(10)
        assert rig.stage.error is None


def test_the_source_is_opened_used_and_closed_by_one_thread() -> None:
    with capturing(["open", *["frame"] * 5]) as rig:
        eventually(lambda: not rig.stage.running, "the end")
    assert rig.source.events[0] == "open"
    assert rig.source.events[-1] == "close"
    assert len(rig.source.threads) == 1


def test_the_end_of_a_source_stops_the_stage_and_closes_its_ring() -> None:
    with capturing(["open", "frame"]) as rig:
        assert rig.read(1) == [0]
        eventually(lambda: not rig.stage.running, "the end")
        assert rig.ring.ended
        assert rig.states() == ["running", "stopped"]
        assert rig.stats.condition.reason == "the script is over"


def test_a_reader_that_is_slow_gets_the_newest_frame_and_the_others_are_counted() -> None:
    with capturing(["open", *["frame"] * 100]) as rig:
        eventually(lambda: not rig.stage.running, "the end")
        assert rig.read(1) == [99]
        assert rig.stats.captured == 100
        assert rig.stats.dropped() == {"capture": 0, "ring": 99, "publish": 0}


def test_under_the_policy_block_no_frame_is_lost() -> None:
    with capturing(["open", *["frame"] * 50], WAITING) as rig:
        assert rig.read(50) == list(range(50))
        assert rig.stats.dropped_ring == 0


def test_under_the_policy_block_no_frame_is_left_out_undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LazyDecode, "can_wait", lambda *_: True)
    with capturing(["open", *["frame"] * 20], WAITING) as rig:
        assert rig.read(20) == list(range(20))


def test_a_camera_that_will_not_open_is_tried_again_until_it_does() -> None:
    with capturing(["refuse", "refuse", "refuse", "open", *["frame"] * 3]) as rig:
        eventually(lambda: rig.stats.captured == 3, "frames")
        assert rig.states()[:2] == ["lost", "running"]
        assert rig.source.events.count("open") == 4


def test_a_camera_that_dies_is_closed_and_opened_again() -> None:
    with capturing(["open", "frame", "die", "open", "frame", "frame"]) as rig:
        eventually(lambda: rig.stats.captured == 3, "frames")
        assert rig.states()[:3] == ["running", "lost", "running"]
        assert rig.stats.reopens == 1
        assert rig.source.events[:3] == ["open", "close", "open"]


def test_why_a_camera_is_lost_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), capturing([*["refuse"] * 20, "open", "frame"]) as rig:
        eventually(lambda: rig.stats.captured == 1, "a frame")
    lost = [record for record in caplog.records if "is lost" in record.message]
    assert [record.message for record in lost] == ["camera cam is lost: it will not open"]


def test_a_loss_is_one_line_of_log_though_its_reason_changes(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), capturing(["open", "frame", "die", "refuse", "refuse", "open", "frame"]) as rig:
        eventually(lambda: rig.stats.captured == 2, "two frames")
    lost = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert lost == ["camera cam is lost: the cable was pulled"]


@pytest.mark.parametrize(("cue", "state"), [("die", "lost"), ("same", "frozen")])
def test_a_loss_is_reported_before_the_driver_is_closed(cue: str, state: str) -> None:
    settings = CaptureSettings(frozen_seconds=0.01, retry_seconds=0.001)
    script = itertools.chain(["open", "frame"], itertools.repeat(cue))
    with capturing(script, settings, pace=0.6, closable=False) as rig:
        eventually(lambda: rig.source.events == ["open", "close"], "the close that blocks")
        assert rig.states() == ["running", state]


def test_a_driver_that_does_not_close_is_noticed_and_the_reason_of_the_loss_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edged.pipeline.capture.stage.CLOSE_SECONDS", 0.01)
    with capturing(["open", "frame", "die"], CaptureSettings(retry_seconds=60), closable=False) as rig:
        eventually(rig.stats.notice_silence, "the silence")
        assert rig.stats.condition.reason == "the driver does not answer"
        rig.source.closable.set()
        eventually(lambda: rig.stats.condition.reason == "the cable was pulled", "the reason of the loss")


def test_a_stop_is_reported_before_the_driver_is_closed() -> None:
    with capturing(itertools.chain(["open"], FOR_EVER), closable=False) as rig:
        rig.read(1)
        rig.stage.stop("no longer in the configuration")
        eventually(lambda: rig.source.events == ["open", "close"], "the close that blocks")
        condition = rig.stats.condition
    assert (condition.state, condition.reason) == (CameraState.STOPPED, "no longer in the configuration")


def test_damaged_frames_of_a_driver_are_counted_and_are_no_loss() -> None:
    with capturing(["open", "frame", "torn", "torn", "frame"], WAITING) as rig:
        assert rig.read(2) == [0, 1]
        assert rig.stats.captured == 8
        assert rig.stats.dropped()["capture"] == 6
        assert "lost" not in rig.states()


def test_damaged_frames_of_a_driver_alone_are_a_loss_that_names_them() -> None:
    settings = CaptureSettings(stall_seconds=0.1, retry_seconds=0.001)
    with capturing(itertools.chain(["open", "frame"], itertools.repeat("torn")), settings, pace=0.01) as rig:
        eventually(lambda: "lost" in rig.states(), "the loss")
        assert rig.stats.changes[1].reason == "no good frame for 0.1 s: the driver marks frames as damaged"


def test_the_format_is_known_while_the_camera_is_open() -> None:
    big = Format(width=32, height=32)
    with capturing([big, "frame", "hang"], CaptureSettings(retry_seconds=60)) as rig:
        rig.read(1)
        assert rig.stats.format is big
        rig.source.released.set()
        eventually(lambda: rig.states()[-1] == "lost", "the loss")
        assert rig.stats.format is None


def test_a_loss_keeps_its_beginning_though_its_reason_changes() -> None:
    with capturing(["open", "frame", "die", "refuse", "open", "frame"]) as rig:
        eventually(lambda: not rig.stage.running, "the end")
        _, died, refused, back, _ = rig.stats.changes
        assert [died.reason, refused.reason] == ["the cable was pulled", "it will not open"]
        assert died.since_ns == refused.since_ns < back.since_ns


def test_a_camera_that_comes_back_with_another_size_gets_new_slots() -> None:
    big = Format(width=32, height=32)
    with capturing(["open", "frame", "die", big, "frame"]) as rig:
        eventually(lambda: rig.stats.captured == 2 and not rig.stage.running, "the end")
        lease = rig.ring.take_frame()
        assert lease is not None
        with lease:
            assert lease.pixels.shape == (32, 32, 3)


def test_a_frame_that_cannot_be_decoded_is_dropped_with_a_gap_and_the_camera_is_not_lost() -> None:
    with capturing(["open", "frame", "damaged", "frame"], WAITING) as rig:
        assert rig.read(2) == [0, 2]
        assert rig.stats.dropped()["capture"] == 1
        assert "lost" not in rig.states()


def test_a_camera_whose_frames_are_too_small_for_a_region_in_pixels_is_lost_until_they_are_not() -> None:
    settings = replace(QUICK, regions=(("bay", PixelRegion(right=Pixels(17))),))
    script: list[str | Format] = ["open", "open", Format(width=17, height=8), *["frame"] * 3]
    with capturing(script, settings) as rig:
        eventually(lambda: rig.stats.captured == 3, "frames")
    assert rig.states()[:2] == ["lost", "running"]
    reason = "regions.bay.right: 17px is outside the frame of 16×8 pixels; write at most 16px, or a number in 0…1"
    assert rig.stats.changes[0].reason == reason


def test_a_camera_that_opens_and_gives_nothing_is_lost_and_opened_again() -> None:
    silence = itertools.repeat("nothing", 3)
    with capturing(
        ["open", *silence, "open", "frame"], CaptureSettings(stall_seconds=0.1, retry_seconds=0.001), pace=0.06
    ) as rig:
        eventually(lambda: rig.stats.captured == 1, "a frame")
        assert rig.states()[:2] == ["lost", "running"]
        assert rig.stats.changes[0].reason == "no good frame for 0.1 s"


def test_a_camera_that_comes_back_has_its_time_to_begin_however_long_it_was_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    passes = SimpleNamespace(monotonic=lambda: now[0], monotonic_ns=time.monotonic_ns)
    monkeypatch.setattr("edged.pipeline.capture.ring_writer.time", passes)
    monkeypatch.setattr(Capture, "pause", lambda _, seconds: now.append(now.pop() + seconds))
    settings = CaptureSettings(stall_seconds=5.0, retry_seconds=8.0, retry_max_seconds=8.0)
    with capturing(["open", "frame", "die", "open", "nothing", "frame"], settings, pace=0.01) as rig:
        eventually(lambda: not rig.stage.running, "the end")
        assert rig.states() == ["running", "lost", "running", "stopped"]


def test_a_camera_that_gives_only_damaged_frames_is_lost() -> None:
    settings = CaptureSettings(stall_seconds=0.1, retry_seconds=0.001)
    with capturing(itertools.chain(["open", "frame"], itertools.repeat("damaged")), settings, pace=0.01) as rig:
        eventually(lambda: "lost" in rig.states(), "the loss")
        assert rig.states()[:2] == ["running", "lost"]


class FakeStream(FakeSource):
    """A `LiveStream` that receives something all the time, and gives out what its script has."""

    wanted: float | None = -1.0
    is_alive = True

    def last_received(self) -> float:
        return time.monotonic() if self.is_alive else 0.0

    def expect_rate(self, max_fps: float | None) -> None:
        self.wanted = max_fps


def test_a_stream_that_receives_what_it_does_not_decode_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.pipeline.capture.test_stage.FakeSource", FakeStream)
    settings = CaptureSettings(stall_seconds=0.1, retry_seconds=0.001)
    silence = itertools.repeat("nothing", 20)
    with capturing(["open", "frame", *silence, "frame"], settings, pace=0.02) as rig:
        eventually(lambda: not rig.stage.running, "the end")
        assert rig.states() == ["running", "stopped"]
        assert rig.stats.captured == 2
    monkeypatch.setattr(FakeStream, "is_alive", False)
    with capturing(["open", "frame", *itertools.repeat("nothing", 20), "open"], settings, pace=0.02) as rig:
        eventually(lambda: not rig.stage.running, "the end")
        assert rig.states()[:2] == ["running", "lost"]


def test_a_stream_knows_the_rate_that_is_wanted_and_its_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.pipeline.capture.test_stage.FakeSource", FakeStream)
    rig = Rig(["open", *["frame"] * 5], CaptureSettings(max_fps=5.0))
    assert isinstance(rig.source, FakeStream)
    assert rig.source.wanted == 5.0
    rig.stage.step()
    rig.stage.use(CaptureSettings(max_fps=0.5))
    rig.stage.step()
    assert rig.source.wanted == 0.5
    rig.stage.close()


FREEZING = CaptureSettings(frozen_seconds=0.6, stall_seconds=0.5, retry_seconds=0.001, retry_max_seconds=0.002)


def test_a_camera_that_repeats_one_picture_is_frozen_until_the_picture_changes() -> None:
    still = True

    def script() -> Iterator[str]:
        yield from ("open", "frame")
        while still:
            yield "same"
        yield from itertools.repeat("frame", 20)

    with capturing(script(), FREEZING, pace=0.01) as rig:
        eventually(lambda: rig.stats.reopens == 2, "a freeze, an opening that did not help, and another")
        assert rig.states() == ["running", "frozen"]
        assert rig.stats.changes[1].reason == "the same picture for 0.6 s"
        still = False
        eventually(lambda: rig.states()[:3] == ["running", "frozen", "running"], "its end")


def test_a_camera_that_begins_with_a_picture_from_before_heals_all_the_same() -> None:
    rigs: list[Rig] = []

    def script() -> Iterator[str]:
        yield from ("open", "frame")
        while not rigs or not rigs[0].stats.reopens:
            yield "same"
        yield from ("same", "same", "frame", "frame")

    with capturing(script(), FREEZING, pace=0.01) as rig:
        rigs.append(rig)
        eventually(lambda: not rig.stage.running, "the end")
        assert rig.states() == ["running", "frozen", "running", "stopped"]
        assert rig.stats.reopens == 1


def test_a_frozen_picture_is_not_passed_on_as_new() -> None:
    with capturing(itertools.chain(["open", "frame"], itertools.repeat("same")), FREEZING, pace=0.01) as rig:
        eventually(lambda: "frozen" in rig.states(), "the freeze")
        while rig.ring.take_frame() is not None:
            pass
        dropped = rig.stats.dropped()["capture"]
        eventually(lambda: rig.stats.dropped()["capture"] > dropped, "another repeated frame")
        assert rig.ring.take_frame() is None


def test_the_first_frames_after_each_opening_are_skipped_while_exposure_settles() -> None:
    script = ["open", *["frame"] * 5, "die", "open", *["frame"] * 5]
    with capturing(script, CaptureSettings(settle_frames=3, retry_seconds=0.001)) as rig:
        eventually(lambda: not rig.stage.running, "the end")
        assert rig.stats.captured == 10
        assert rig.read(1) == [3]


def test_settling_for_longer_than_a_stall_is_not_a_stall() -> None:
    settings = CaptureSettings(settle_frames=20, stall_seconds=0.1, retry_seconds=0.001)
    with capturing(["open", *["frame"] * 25], settings, pace=0.02) as rig:
        eventually(lambda: not rig.stage.running, "the end")
        assert rig.states() == ["running", "stopped"]


def test_a_time_that_goes_backwards_is_replaced_by_the_arrival() -> None:
    with capturing(["open", "frame", "past"], WAITING) as rig:
        stamps = []

        def take() -> bool:
            lease = rig.ring.take_frame()
            if lease is not None:
                stamps.append(lease.stamp)
                lease.release()
            return len(stamps) == 2

        eventually(take, "two frames")
        assert [stamp.source for stamp in stamps] == ["driver", "arrival"]
        assert stamps[1].t_cap_ns > stamps[0].t_cap_ns


def test_after_so_many_openings_in_vain_the_stage_fails() -> None:
    settings = CaptureSettings(retry_seconds=0.001, retry_max_seconds=0.001, max_reopens=3)
    rig = Rig(["open", "frame", "die", *["refuse"] * 10], settings)
    rig.stage.start(lambda: None)
    assert rig.stage.join(10)
    assert isinstance(rig.stage.error, SourceError)
    assert str(rig.stage.error) == "camera cam: opened 3 times in vain: it will not open"
    assert rig.source.events.count("open") == 4


def test_a_good_frame_makes_the_openings_count_from_nothing_again() -> None:
    settings = CaptureSettings(retry_seconds=0.001, retry_max_seconds=0.001, max_reopens=2)
    with capturing(["open", *["frame", "die", "refuse", "open"] * 5, "frame"], settings) as rig:
        eventually(lambda: not rig.stage.running, "the end")
        assert rig.stats.captured == 6


def test_another_thread_notices_a_capture_that_hangs_in_its_driver() -> None:
    with capturing(["open", "frame", "hang"], CaptureSettings(stall_seconds=0.01)) as rig:
        rig.read(1)
        eventually(rig.stats.notice_silence, "the silence")
        assert rig.stats.condition.state is CameraState.LOST
        assert rig.stats.condition.reason == "the driver does not answer"
        assert not rig.stats.notice_silence()


def test_pauses_between_openings_grow() -> None:
    with capturing(itertools.repeat("refuse"), CaptureSettings(retry_seconds=0.02, retry_max_seconds=0.3)) as rig:
        begin = time.monotonic()
        eventually(lambda: rig.source.events.count("open") >= 6, "six openings")
        assert time.monotonic() - begin > 0.8 * (0.02 + 0.04 + 0.08 + 0.16 + 0.3)


def test_pauses_double_up_to_the_longest_and_no_two_cameras_keep_step(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(Capture, "pause", lambda _, seconds: pauses.append(seconds))
    with capturing(["refuse"] * 30, CaptureSettings(retry_seconds=1.0, retry_max_seconds=30.0)) as rig:
        eventually(lambda: not rig.stage.running, "the end")
    planned = [1.0, 2.0, 4.0, 8.0, 16.0, *[30.0] * 25]
    assert all(0.8 * plan <= pause <= plan for plan, pause in zip(planned, pauses, strict=True))
    assert len(set(pauses[5:])) > 20


def test_stopping_ends_a_long_retry_pause_at_once() -> None:
    with capturing(itertools.repeat("refuse"), CaptureSettings(retry_seconds=3600)) as rig:
        eventually(lambda: rig.states() == ["lost"], "the loss")
        rig.stage.stop()
        assert rig.stage.join(2.0)
    assert rig.stats.condition.state is CameraState.STOPPED


def test_stopping_ends_a_capture_that_waits_for_its_reader() -> None:
    with capturing(itertools.chain(["open"], FOR_EVER), WAITING) as rig:
        eventually(lambda: rig.stats.captured == 1, "a frame")
        rig.stage.stop()
        assert rig.stage.join(2.0)


def test_a_capture_that_hangs_in_its_driver_closes_its_ring_when_it_is_stopped() -> None:
    with capturing(["open", "frame", "hang"]) as rig:
        rig.read(1)
        rig.stage.stop()
        assert not rig.stage.join(0.05)
        with pytest.raises(RingClosed):
            rig.ring.take_frame()


def test_an_error_of_a_source_that_is_stopped_is_not_a_loss(caplog: pytest.LogCaptureFixture) -> None:
    with capturing(["open", "frame", "hang"]) as rig:
        rig.read(1)
        rig.stage.stop()
        rig.source.released.set()  # which makes it raise
        assert rig.stage.join(10)
        assert rig.states() == ["running", "stopped"]
    assert "lost" not in caplog.text


def test_a_source_that_must_be_there_is_opened_at_the_start() -> None:
    with capturing(["open", "frame"], CaptureSettings(refuse=ConfigError)) as rig:
        assert rig.stage.wait_open(10)
        assert rig.source.events[0] == "open"
        assert rig.read(1) == [0]


def test_a_source_that_must_be_there_and_is_not_fails_the_start() -> None:
    rig = Rig(["refuse"], CaptureSettings(refuse=ConfigError))
    rig.stage.start(lambda: None)
    assert rig.stage.wait_open(10)
    assert rig.stage.join(10)
    assert isinstance(rig.stage.error, ConfigError)
    assert str(rig.stage.error) == "it will not open"


def test_frames_that_a_slow_reader_will_not_ask_for_are_left_undecoded_and_counted_as_dropped() -> None:
    with capturing(itertools.chain(["open"], FOR_EVER), pace=0.01) as rig:
        pause = threading.Event()
        for _ in range(12):
            rig.read(1)
            pause.wait(0.2)
        rig.stage.stop()
        assert rig.stage.join(10)
    assert rig.source.decoded <= rig.stats.captured - 20
    assert rig.stats.dropped()["ring"] >= rig.stats.captured - 14
    assert rig.states() == ["running", "stopped"]


def test_all_damaged_frames_are_decoded_so_that_they_are_noticed_also_where_the_reader_is_slow() -> None:
    settings = CaptureSettings(stall_seconds=0.3, retry_seconds=10)
    script = itertools.chain(["open"], itertools.repeat("frame", 150), itertools.repeat("damaged"))
    with capturing(script, settings, pace=0.01) as rig:
        pause = threading.Event()
        for _ in range(6):
            rig.read(1)
            pause.wait(0.2)
        eventually(lambda: "lost" in rig.states(), "the loss")
        assert rig.stats.condition.reason == "no good frame for 0.3 s: the picture is damaged"


def test_frames_that_are_left_out_are_not_silence_however_long_a_slow_reader_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(LazyDecode, "can_wait", lambda *_: True)
    with capturing(["open", *["frame"] * 30], CaptureSettings(stall_seconds=0.3), pace=0.02) as rig:
        eventually(lambda: not rig.stage.running, "the end")
        assert rig.source.decoded == 0
        assert rig.states() == ["stopped"]


@contextmanager
def calling_at_line(number: int, code: object, call: Callable[[], object]) -> Iterator[None]:
    """Run *call* before the line *number* of those that the function of *code* executes, as another thread may."""
    before, lines = sys.gettrace(), itertools.count()

    def trace_line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line" and next(lines) == number:
            call()
        return trace_line

    sys.settrace(lambda frame, event, arg: trace_line if frame.f_code is code else None)
    try:
        yield
    finally:
        sys.settrace(before)


def test_settings_that_come_between_any_two_lines_of_a_step_are_not_lost() -> None:
    first, second = CaptureSettings(max_fps=1.0), CaptureSettings(max_fps=2.0)
    for line in itertools.count():
        rig = Rig(["open", *["frame"] * 5], QUICK)
        rig.stage.step()
        rig.stage.use(first)
        sent = threading.Event()

        def use_second(rig: Rig = rig, sent: threading.Event = sent) -> None:
            rig.stage.use(second)
            sent.set()

        with calling_at_line(line, Capture.step.__code__, use_second):
            rig.stage.step()
        if not sent.is_set():
            break
        rig.stage.step()
        assert rig.stage._writer.settings is second, f"lost before line {line} of a step"
        rig.stage.close()
    assert line >= 4, "a step has some lines"


def test_settings_that_come_after_the_end_are_cancelled() -> None:
    with capturing(["open", "frame"]) as rig:
        eventually(lambda: not rig.stage.running, "the end")
        assert rig.stage.use(QUICK).cancelled()
