"""The supervisor of a camera's thread: a driver that hangs costs a loss, and the camera another thread.

The supervisor's steps run in the test, and the test moves the clock on: a busy machine changes no figure.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

import pytest

from edged.errors import ConfigError, EndOfStream, SourceError
from edged.pipeline.camera_stats import STOPPING, CameraState, CameraStats
from edged.pipeline.capture import supervisor
from edged.pipeline.capture.left_behind import LeftBehind
from edged.pipeline.capture.settings import CaptureSettings
from edged.pipeline.capture.stage import Capture
from edged.pipeline.capture.supervisor import CaptureSupervisor
from edged.pipeline.demand import Demand
from edged.pipeline.ring import FrameRing
from tests.fakes import Clock, FakeSource, eventually

SETTINGS = CaptureSettings(stall_seconds=5.0, retry_seconds=0.001, retry_max_seconds=0.001)
NO_ANSWER = "the driver does not answer"


class Rig:
    """A supervisor whose threads get one source of *scripts* after the other; each pauses when its script does."""

    def __init__(self, clock: Clock, *scripts: Iterable[str], settings: CaptureSettings = SETTINGS) -> None:
        self.clock = clock
        self.sources = [FakeSource(script, clock=clock) for script in scripts]
        for source in self.sources:
            source.woken.set()
        self._next = iter(self.sources)
        self.ring = FrameRing(threading.Condition())
        self.stats = CameraStats("cam")
        self.left_behind = LeftBehind()
        self.readers: list[Capture] = []
        self.supervisor = CaptureSupervisor(
            self.make_source, self.ring, self.stats, settings, Demand(), self.left_behind
        )

    def make_source(self) -> FakeSource:
        return next(self._next)

    def open(self) -> None:
        self.note_reader()
        self.supervisor.open()

    def step(self) -> None:
        self.supervisor.step()
        self.note_reader()

    def run(self) -> None:
        """Open, and step until an exception ends it."""
        self.open()
        self.step_until(lambda: False, "the end")

    def note_reader(self) -> None:
        reader = self.supervisor.reader
        if reader is not None and reader not in self.readers:
            self.readers.append(reader)

    def let_hang(self, number: int) -> None:
        """Step until the thread *number*, which hangs, is left behind."""
        assert self.sources[number].hanging.wait(20), "it hangs in its driver"
        self.clock.advance(Capture.step_seconds + 1)
        before = self.stats.hangs
        self.step_until(lambda: self.stats.hangs > before, "it is left behind")

    def step_until(self, condition: Callable[[], bool], what: str) -> None:
        def step() -> bool:
            if not condition():
                self.step()
            return condition()

        eventually(step, what)

    def take_frame(self) -> int:
        """Take the frame that waits, and return its number."""
        lease = self.ring.take_frame()
        assert lease is not None
        with lease:
            return lease.seq

    def is_stuck(self) -> bool:
        return self.supervisor.is_stuck

    def end(self) -> None:
        for source in self.sources:
            source.released.set()
            source.closable.set()
            source.openable.set()
        self.supervisor.stop()
        with suppress(SourceError, EndOfStream):
            self.supervisor.close()
        for reader in self.readers:
            assert reader.join(20)


MakeRig = Callable[..., Rig]


@pytest.fixture
def make_rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeRig]:
    clock = Clock()
    for module in (
        "pipeline.stage",
        "pipeline.capture.ring_writer",
        "pipeline.capture.supervisor",
        "pipeline.camera_stats",
    ):
        monkeypatch.setattr(f"edged.{module}.time", clock)
    monkeypatch.setattr("edged.pipeline.capture.supervisor.CHECK_SECONDS", 0.01)
    made: list[Rig] = []

    def make(*scripts: Iterable[str], settings: CaptureSettings = SETTINGS) -> Rig:
        made.append(Rig(clock, *scripts, settings=settings))
        return made[-1]

    yield make
    for rig in made:
        rig.end()


def test_a_driver_that_hangs_is_a_loss_and_its_thread_is_left_behind(make_rig: MakeRig) -> None:
    rig = make_rig(["open", "frame", "hang"], ["open"])
    rig.open()
    rig.let_hang(0)
    assert rig.stats.hangs == 1
    assert (rig.stats.condition.state, rig.stats.condition.reason) == (CameraState.LOST, NO_ANSWER)
    assert rig.left_behind.cameras() == ["cam"]
    assert rig.supervisor.reader is None


def test_the_next_thread_numbers_its_frames_from_where_the_last_one_was(make_rig: MakeRig) -> None:
    rig = make_rig(["open", "frame", "frame", "hang"], ["open", "frame", "hang"])
    rig.open()
    rig.let_hang(0)
    assert rig.supervisor.next_seq == 2
    rig.step_until(lambda: rig.sources[1].hanging.is_set(), "the next thread has read a frame")
    assert rig.take_frame() == 2
    assert rig.supervisor.next_seq == 3
    assert rig.stats.reopens == 1
    assert rig.stats.condition.state is CameraState.RUNNING


def test_one_late_look_is_no_hang_because_the_whole_process_may_have_been_stopped(make_rig: MakeRig) -> None:
    rig = make_rig(["open", "frame", "hang"])
    rig.open()
    assert rig.sources[0].hanging.wait(20)
    rig.clock.advance(Capture.step_seconds - 1)
    for _ in range(3):
        rig.step()
    rig.clock.advance(2)
    rig.step()
    assert rig.stats.hangs == 0
    rig.step()
    assert rig.stats.hangs == 1


def test_at_the_bound_of_threads_that_hang_the_camera_stays_lost_for_that_until_one_ends(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.pipeline.capture.left_behind.PER_CAMERA", 1)
    rig = make_rig(["open", "frame", "hang"], ["open", "frame", "hang"])
    rig.open()
    rig.let_hang(0)
    rig.step()
    reason = "its driver hangs: 1 threads are left behind in it; only a restart of edged can free it"
    assert rig.stats.condition.reason == reason
    rig.clock.advance(3600)
    assert not rig.stats.notice_silence(), "no driver is called meanwhile"
    assert rig.stats.condition.reason == reason
    rig.sources[0].released.set()
    rig.step_until(lambda: rig.sources[1].hanging.is_set(), "another thread")
    assert rig.left_behind.count() == 0


def test_a_camera_is_stuck_while_it_runs_without_a_thread_and_can_have_no_other(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = make_rig(["open", "frame", "hang"])
    rig.open()
    monkeypatch.setattr(CaptureSupervisor, "running", True)
    with monkeypatch.context() as context:
        context.setattr("edged.pipeline.capture.left_behind.PER_CAMERA", 0)
        assert not rig.is_stuck(), "it has a thread"
    rig.let_hang(0)
    assert not rig.is_stuck(), "it can have another one"
    monkeypatch.setattr("edged.pipeline.capture.left_behind.PER_CAMERA", 1)
    assert rig.is_stuck()
    monkeypatch.setattr(CaptureSupervisor, "running", False)
    assert not rig.is_stuck(), "it does not run"


def test_a_camera_that_has_too_many_threads_already_starts_none_when_it_is_opened(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.pipeline.capture.left_behind.PER_CAMERA", 0)
    rig = make_rig(["open"])
    rig.supervisor.continue_from(7)
    rig.supervisor.open()
    assert rig.supervisor.reader is None
    assert rig.supervisor.next_seq == 7
    assert rig.sources[0].events == []
    rig.step()
    assert rig.stats.condition.state is CameraState.LOST


def test_threads_that_hang_count_as_openings_in_vain(make_rig: MakeRig) -> None:
    settings = CaptureSettings(retry_seconds=0.001, retry_max_seconds=0.001, max_reopens=1)
    rig = make_rig(["open", "hang"], ["open", "hang"], settings=settings)
    rig.open()
    rig.let_hang(0)
    rig.step_until(lambda: rig.sources[1].hanging.is_set(), "another thread")
    with pytest.raises(SourceError, match=f"camera cam: opened 1 times in vain: {NO_ANSWER}"):
        rig.let_hang(1)


def test_whatever_keeps_another_thread_from_starting_is_a_loss_and_is_counted(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = make_rig(["open", "frame", "hang"], ["open"], ["open", "frame", "hang"])
    rig.open()
    rig.let_hang(0)

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as context:
        context.setattr(Capture, "start", refuse)
        rig.step()
    assert rig.stats.errors == 1
    assert rig.stats.condition.state is CameraState.LOST
    assert rig.stats.condition.reason == "unexpected RuntimeError: can't start new thread"
    assert rig.supervisor.reader is None
    assert rig.stats.reopens == 0
    rig.step_until(lambda: rig.sources[2].hanging.is_set(), "another thread")


def test_settings_that_come_between_two_threads_are_those_of_the_next(make_rig: MakeRig) -> None:
    rig = make_rig(["open", "frame", "hang"], ["open", *["frame"] * 4, "hang"])
    rig.open()
    rig.let_hang(0)
    assert rig.supervisor.use(CaptureSettings(settle_frames=3, retry_seconds=0.001)).done()
    rig.step_until(lambda: rig.sources[1].hanging.is_set(), "the frames of the next thread")
    assert rig.sources[1].decoded == 1


def test_settings_for_a_running_thread_are_followed_by_it(make_rig: MakeRig) -> None:
    rig = make_rig(["open", "frame", "hang"])
    rig.open()
    assert rig.sources[0].hanging.wait(20)
    future = rig.supervisor.use(CaptureSettings(retry_seconds=0.001))
    assert not future.done()
    rig.sources[0].released.set()
    future.result(20)


def test_the_end_of_the_thread_is_the_end_of_its_supervisor(make_rig: MakeRig) -> None:
    rig = make_rig(["open", "frame"])
    with pytest.raises(EndOfStream):
        rig.run()


def test_an_error_of_the_thread_is_raised(make_rig: MakeRig) -> None:
    settings = CaptureSettings(retry_seconds=0.001, retry_max_seconds=0.001, max_reopens=1)
    rig = make_rig(["refuse", "refuse"], settings=settings)
    with pytest.raises(SourceError, match="opened 1 times in vain"):
        rig.run()  # opening it raises that if the thread is quick


def test_a_source_that_must_be_there_and_is_not_fails_the_start(make_rig: MakeRig) -> None:
    rig = make_rig(["refuse"], settings=CaptureSettings(refuse=ConfigError))
    with pytest.raises(ConfigError, match="it will not open"):
        rig.open()


def test_a_driver_that_hangs_when_it_is_opened_ends_the_wait_for_it(make_rig: MakeRig) -> None:
    rig = make_rig(["open"], settings=CaptureSettings(refuse=ConfigError, retry_seconds=0.001))
    rig.sources[0].openable.clear()

    def pass_time(capture: Capture, _: float) -> bool:
        rig.clock.advance(Capture.step_seconds)
        return False

    with pytest.MonkeyPatch.context() as context:
        context.setattr(Capture, "wait_open", pass_time)
        begin = rig.clock.monotonic()
        rig.open()
    assert begin + Capture.step_seconds < rig.supervisor.due < math.inf, "the supervisor itself does not hang"
    rig.step_until(lambda: rig.stats.hangs == 1, "it is left behind")


def test_a_stop_ends_the_wait_for_a_driver_that_opens(make_rig: MakeRig) -> None:
    rig = make_rig(["open"], settings=CaptureSettings(refuse=ConfigError, retry_seconds=0.001))
    rig.sources[0].openable.clear()
    rig.supervisor.stop("no longer in the configuration")
    rig.open()
    assert rig.stats.condition.state is CameraState.STARTING


def test_a_stop_ends_the_thread_before_the_supervisor_closes(make_rig: MakeRig) -> None:
    rig = make_rig(itertools.chain(["open"], itertools.repeat("nothing")))
    rig.open()
    rig.supervisor.stop()
    assert rig.readers[0].join(20)
    assert rig.stats.condition.state is CameraState.STOPPED


def test_a_stop_between_two_threads_ends_the_wait_for_frames(make_rig: MakeRig) -> None:
    rig = make_rig(["open", "hang"])
    rig.open()
    rig.let_hang(0)
    assert not rig.ring.ended
    rig.supervisor.stop()
    assert rig.ring.ended


def test_a_step_waits_a_second_at_most_for_its_thread_and_is_woken_by_its_end_or_a_stop(make_rig: MakeRig) -> None:
    rig = make_rig(["open", "hang"])
    waits: list[float | None] = []

    class Changed(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            return super().wait(timeout)

    rig.supervisor._changed = changed = Changed()
    rig.open()
    changed.set()
    rig.step()
    assert waits == [supervisor.CHECK_SECONDS]
    assert not changed.is_set()
    assert rig.sources[0].hanging.wait(20), "it hangs: a thread that does not may end before the event is cleared"
    rig.supervisor.stop()
    assert changed.is_set()
    changed.clear()
    rig.sources[0].released.set()
    assert changed.wait(20), "its end"


def test_the_first_reason_to_stop_counts(make_rig: MakeRig) -> None:
    rig = make_rig(itertools.chain(["open"], itertools.repeat("frame")))
    rig.open()
    rig.supervisor.stop("no longer in the configuration")
    rig.supervisor.stop()
    rig.supervisor.close()
    assert (rig.stats.condition.state, rig.stats.condition.reason) == (
        CameraState.STOPPED,
        "no longer in the configuration",
    )
    assert rig.ring.ended or rig.ring.waiting == 1
    assert rig.stats.hangs == 0


def test_frames_that_wait_to_be_embedded_are_counted(make_rig: MakeRig) -> None:
    rig = make_rig(["open", "frame", "hang"])
    rig.open()
    assert rig.sources[0].hanging.wait(20)
    assert rig.supervisor.waiting == 1
    rig.take_frame()
    assert rig.supervisor.waiting == 0


def test_a_supervisor_that_nobody_stopped_ends_because_the_daemon_does(make_rig: MakeRig) -> None:
    rig = make_rig(itertools.chain(["open"], itertools.repeat("frame")))
    rig.open()
    rig.supervisor.close()
    assert (rig.stats.condition.state, rig.stats.condition.reason) == (CameraState.STOPPED, STOPPING)


def test_a_thread_that_takes_its_time_to_end_is_waited_for_as_long_as_it_does_not_hang(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = make_rig(itertools.chain(["open"], itertools.repeat("frame")))
    rig.open()
    join, joins = Capture.join, itertools.count(1)
    monkeypatch.setattr(Capture, "join", lambda capture, _: next(joins) > 3 and join(capture, 20))
    rig.supervisor.close()
    assert next(joins) == 5
    assert rig.stats.hangs == 0
    assert rig.supervisor.due < math.inf, "the supervisor itself does not hang"


def test_after_a_thread_that_hangs_nobody_waits_for_frames(make_rig: MakeRig) -> None:
    rig = make_rig(["open", "frame", "hang"])
    rig.open()
    assert rig.sources[0].hanging.wait(20)
    rig.take_frame()
    rig.clock.advance(Capture.step_seconds + 1)
    rig.readers[0].wake = lambda: None  # type: ignore[method-assign]  # nothing of it closes the ring
    rig.supervisor.close()
    assert rig.stats.hangs == 1
    assert rig.ring.ended


def test_a_thread_that_hangs_keeps_no_supervisor_from_its_end(make_rig: MakeRig) -> None:
    rig = make_rig(["open", "frame", "hang"])
    rig.open()
    assert rig.sources[0].hanging.wait(20)
    rig.clock.advance(Capture.step_seconds + 1)
    rig.supervisor.stop("no longer in the configuration")
    rig.supervisor.close()
    assert rig.stats.hangs == 1
    assert rig.left_behind.count("cam") == 1
    assert rig.stats.condition.state is CameraState.STOPPED
    assert rig.stats.condition.reason == "no longer in the configuration"
    rig.clock.advance(3600)
    assert not rig.stats.notice_silence(), "a camera that has stopped is not lost"


def test_what_a_thread_that_was_left_behind_does_later_changes_nothing(make_rig: MakeRig) -> None:
    rig = make_rig(["open", "frame", "hang"], ["open", "frame", "hang"])
    rig.open()
    rig.let_hang(0)
    rig.step_until(lambda: rig.sources[1].hanging.is_set(), "another thread")
    rig.sources[0].released.set()
    assert rig.readers[0].join(20)
    assert rig.sources[0].events == ["open", "close"]
    assert rig.stats.condition.state is CameraState.RUNNING
    assert rig.stats.format is not None
    assert not rig.ring.ended
    assert (rig.stats.captured, rig.stats.reopens, rig.stats.errors) == (2, 1, 0)
