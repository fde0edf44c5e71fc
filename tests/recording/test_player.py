"""A player sends recorded messages at their time, attends its sockets, and stops as soon as it is asked to."""

from __future__ import annotations

from pathlib import Path

import pytest

from edged.recording import Recorded, Recorder, read_recording
from edged.recording.player import Player, queue_length
from edged.wire import Frames

FRAMES = [(b"topic", b"{}", bytes([number])) for number in range(3)]


class ScriptedSockets:
    """Sockets that record every call; the wait number *stop_at* asks for the end."""

    def __init__(self, subscriptions: list[list[bytes]] | None = None, stop_at: int | None = None) -> None:
        self.calls: list[str] = []
        self.sent: list[Frames] = []
        self._subscriptions = subscriptions or []
        self._stop_at = stop_at

    @property
    def is_stopped(self) -> bool:
        return self._stop_at is not None and self.calls.count("wait") >= self._stop_at

    def send(self, frames: Frames, /) -> None:
        self.calls.append("send")
        self.sent.append(frames)

    def attend(self) -> list[bytes]:
        self.calls.append("attend")
        return self._subscriptions.pop(0) if self._subscriptions else []

    def wait(self, seconds: float) -> None:
        assert 0 < seconds <= 0.2, "the longest that a player may go without looking"
        assert self.is_stopped is False or self.calls.count("wait") < 10 * (self._stop_at or 0), "it does not stop"
        self.calls.append("wait")


def recording(folder: Path, seconds_apart: float) -> Path:
    path = folder / "a"
    with Recorder(path) as recorder:
        for number, frames in enumerate(FRAMES):
            recorder.record(frames, 10**9 + round(number * seconds_apart * 1e9))
    return path


def test_a_player_stops_while_the_next_message_is_an_hour_away(tmp_path: Path) -> None:
    sockets = ScriptedSockets(stop_at=3)
    player = Player(sockets, 1.0, lambda: sockets.is_stopped)
    with read_recording(recording(tmp_path, 3600)) as file:
        player.play(file)
    assert sockets.sent == FRAMES[:1]
    assert player.messages == 1


def test_an_hour_passes_in_a_moment_at_a_million_times_the_speed(tmp_path: Path) -> None:
    sockets = ScriptedSockets()
    with read_recording(recording(tmp_path, 3600)) as file:
        Player(sockets, 1e6, lambda: False).play(file)
    assert sockets.sent == FRAMES


def test_sockets_are_attended_before_every_message_and_after_every_wait(tmp_path: Path) -> None:
    sockets = ScriptedSockets()
    with read_recording(recording(tmp_path, 0.01)) as file:
        Player(sockets, 1.0, lambda: False).play(file)
    assert "wait" in sockets.calls
    for before, after in zip(sockets.calls, sockets.calls[1:], strict=False):
        assert after != "send" or before == "attend"
        assert before != "wait" or after == "attend"


def test_a_first_subscription_ends_the_wait_for_a_subscriber() -> None:
    sockets = ScriptedSockets([[], [], [b"edged/"]], stop_at=1000)
    Player(sockets, 1.0, lambda: sockets.is_stopped).wait_for_subscriber(3600)
    assert sockets.calls[:5] == ["attend", "wait", "attend", "wait", "attend"]
    assert not sockets.sent


@pytest.mark.parametrize(
    ("messages_per_second", "speed", "length"),
    [(10, 1, 20), (10, 4, 80), (1, 1, 16), (900, 100, 1800)],
)
def test_a_queue_holds_two_seconds_and_never_less_than_sixteen_messages(
    messages_per_second: int, speed: float, length: int
) -> None:
    times = [number * 1_000_000 // messages_per_second for number in range(1, 901)]
    messages = [Recorded(t_us, (b"topic", b"{}", b"")) for t_us in times]
    assert queue_length(messages, speed) == length
