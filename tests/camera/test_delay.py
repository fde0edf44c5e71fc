"""How far a stream is behind: by its own clock, as long as its frames are not waited for."""

from __future__ import annotations

import pytest

from edged.camera.delay import Backlog, Delay, is_from_before
from edged.errors import SourceError

FPS = 25.0
AWAITED, AT_ONCE = True, False


def read(delay: Delay, seconds: float, *, per_frame: float, awaited: bool, clock: float = 1 / FPS) -> list[float]:
    """How far each frame is behind that is read in *seconds*: one each *per_frame*, with times *clock* apart."""
    behind = []
    for n in range(1, round(seconds / per_frame) + 1):
        delay.note(1000.0 + n * per_frame, 50.0 + n * clock, was_awaited=awaited)
        behind.append(delay.seconds)
    return behind


def test_frames_that_are_decoded_more_slowly_than_they_come_are_behind_by_what_the_clocks_are_apart() -> None:
    delay = Delay()
    behind = read(delay, 3.6, per_frame=0.08, awaited=AT_ONCE)
    assert behind[-1] == pytest.approx(1.76)
    assert not delay.is_late
    assert delay.is_hopeless(1e9) is False


def test_frames_that_are_too_late_are_passed_over_until_one_is_awaited() -> None:
    delay = Delay()
    delay.note(100.0, 0.0, was_awaited=AWAITED)
    delay.note(105.0, 0.04, was_awaited=AT_ONCE)  # nobody read for five seconds
    for n in range(1, 120):
        delay.note(105.0 + n / 1000, 0.04 + n / FPS, was_awaited=AT_ONCE)
        assert delay.is_late
        assert not delay.is_hopeless(105.0 + n / 1000)
    delay.note(105.13, 4.9, was_awaited=AWAITED)
    assert not delay.is_late
    assert delay.seconds == 0.0


def test_passing_over_what_does_not_come_faster_for_it_is_hopeless_after_a_second() -> None:
    delay = Delay()
    hopeless = []
    for n in range(100):
        delay.note(n * 0.08, n * 0.04, was_awaited=AT_ONCE)
        hopeless.append(delay.is_hopeless(n * 0.08))
    first = hopeless.index(True)
    assert first * 0.08 == pytest.approx(5.1, abs=0.15)  # 2 s behind after 4 s, and one of passing over
    assert first * 0.04 == pytest.approx(2.6, abs=0.1)


@pytest.mark.parametrize("clock", [0.0, 0.01, 0.0399, 0.04, 0.0401, 0.5, -0.04, 1 / 90000])
def test_a_camera_whose_clock_is_wrong_is_never_late_as_long_as_its_frames_are_awaited(clock: float) -> None:
    delay = Delay()
    assert max(read(delay, 3600, per_frame=0.04, awaited=AWAITED, clock=clock)) == 0.0
    assert not delay.is_late


@pytest.mark.parametrize("every", [2, 10, 25])
def test_it_is_enough_to_wait_now_and_then(every: int) -> None:
    """As for a camera that sends some frames at a time."""
    delay = Delay()
    for n in range(10_000):
        delay.note(n * 0.04, n * 0.033, was_awaited=n % every == 0)
        assert not delay.is_late


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 5.0, -5.0])
def test_a_clock_that_is_set_is_not_a_delay(jump: float) -> None:
    delay = Delay()
    for n in range(100):
        delay.note(n * 0.04, 5000 + n * 0.04 + (jump if n >= 50 else 0.0), was_awaited=AT_ONCE)
        assert not delay.is_late


@pytest.mark.parametrize(
    ("waited", "advanced", "old"),
    [
        (3.0, 0.04, True),  # the next one, held up
        (3.0, 2.9, False),  # a stream of one frame in three seconds
        (0.9, 0.04, False),  # a hiccup
        (3.0, 0.0, False),  # a stream that gives no times
        (3.0, -100.0, False),  # one whose clock was set
    ],
)
def test_a_frame_from_before_a_silence_is_known_by_the_times_of_the_stream(
    waited: float, advanced: float, old: bool
) -> None:
    assert is_from_before(waited, advanced) == old


def test_one_frame_from_before_a_silence_is_passed_over_and_never_two_in_a_row() -> None:
    backlog = Backlog()
    assert backlog.note(100.0, 50.0, 0.03)
    for n in range(1, 5):  # a slow camera that counts its frames looks as if each of them was held up
        assert backlog.note(100.0 + 3 * n, 50.0 + n / FPS, 3.0) is (n % 2 == 0)
        assert backlog.has_old is (n % 2 == 1)


def test_frames_that_stay_behind_are_passed_over_and_then_are_a_loss() -> None:
    backlog = Backlog()
    assert backlog.note(100.0, 50.0, 0.03)
    assert not backlog.note(105.0, 50.04, 0.0)
    assert not backlog.note(105.9, 50.08, 0.0)
    with pytest.raises(SourceError, match=r"^this machine cannot keep up with the stream \(6\.0 s behind\): use the"):
        backlog.note(106.1, 50.12, 0.0)
