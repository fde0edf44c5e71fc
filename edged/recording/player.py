"""Plays a recording: publishes every message when its time has come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Protocol

from edged.recording.reader import Recorded, Recording
from edged.wire import Frames

__all__ = ["Player", "Sockets", "queue_length"]

POLL_SECONDS = 0.2
SETTLE_SECONDS = 0.1  # for the other subscriptions of a subscriber that has just come
SAMPLE = 1000  # messages that the rate is taken from
QUEUE_SECONDS = 2
SHORTEST_QUEUE = 16


class Sockets(Protocol):
    """Sockets that a player publishes at, such as the ``PubSockets`` of the daemon."""

    def send(self, frames: Frames, /) -> None:
        """Send one message; never waits."""

    def attend(self) -> list[bytes]:
        """Do what the sockets need, and return the topic prefixes that were subscribed to; never waits."""

    def wait(self, seconds: float) -> None:
        """Wait until the sockets need `attend`, at most *seconds*."""


def queue_length(recording: Iterable[Recorded], speed: float) -> int:
    """Return how many messages to keep for a slow subscriber: two seconds of them, as the daemon keeps."""
    times = [message.t_us for message in islice(recording, SAMPLE)]
    seconds = max(1.0, times[-1] / 1e6 / speed) if times else 1.0
    return max(SHORTEST_QUEUE, round(QUEUE_SECONDS * len(times) / seconds))


class Player:
    """Publishes recorded messages at *sockets*, *speed* times as fast as they came.

    One thread uses it, which is the thread of the sockets. Every wait ends soon after *is_stopped* returns True.
    """

    def __init__(self, sockets: Sockets, speed: float, is_stopped: Callable[[], bool]) -> None:
        self.messages = 0
        """Number of messages that were sent."""
        self._sockets = sockets
        self._speed = speed
        self._is_stopped = is_stopped

    def play(self, recording: Recording, report: Callable[[Recording, Recorded], None] | None = None) -> None:
        """Send every message of *recording*; *report* is called now and then while the next message is not due."""
        begin = time.monotonic()
        for message in recording:
            due = begin + message.t_us / 1e6 / self._speed
            self._sockets.attend()
            while not self._is_time(due):
                if report:
                    report(recording, message)
            if self._is_stopped():
                return
            self._sockets.send(message.frames)
            self.messages += 1

    def wait_for_subscriber(self, seconds: float) -> None:
        """Wait for a first subscription, at most *seconds*."""
        due = time.monotonic() + seconds
        while not self._sockets.attend() and time.monotonic() < due and not self._is_stopped():
            self._sockets.wait(POLL_SECONDS)
        self.pause(SETTLE_SECONDS)

    def pause(self, seconds: float) -> None:
        """Send nothing for some *seconds*; the sockets are attended meanwhile."""
        due = time.monotonic() + seconds
        while not self._is_time(due):
            pass  # the condition waits

    def _is_time(self, due: float) -> bool:
        """Wait a little for *due* (monotonic clock) and attend the sockets; True at *due*, and when it is stopped."""
        left = due - time.monotonic()
        if left <= 0 or self._is_stopped():
            return True
        self._sockets.wait(min(left, POLL_SECONDS))
        self._sockets.attend()
        return False
