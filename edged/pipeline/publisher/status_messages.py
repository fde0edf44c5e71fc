"""Status messages of all cameras, and the states and events that end with a camera's condition."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence

from edged import wire
from edged.pipeline.camera_stats import STOPPING, CameraState, CameraStats, Condition
from edged.pipeline.publisher.event_messages import EventMessages
from edged.pipeline.publisher.state_messages import StateMessages

__all__ = ["STATUS_SECONDS", "BuildStatus", "CameraStatus", "StatusMessages"]

log = logging.getLogger(__name__)

STATUS_SECONDS = 2.0
GREETING_SECONDS = 0.2  # a new subscriber gets a fresh status, but a crowd of them makes no more than five a second


class CameraStatus:
    """Schedule and rates of the status messages of one camera."""

    def __init__(self, stats: CameraStats) -> None:
        self.stats = stats
        self.picture = stats.picture
        """The one that was reported last."""
        self.due = time.monotonic()
        self._greeted = -math.inf
        self._rates: tuple[float | None, float | None] = (None, None)
        self._restart_rates()

    def greet_subscriber(self) -> None:
        """Make a status due now, or as soon as the one for the last new subscribers is old enough."""
        self._greeted = max(time.monotonic(), self._greeted + GREETING_SECONDS)
        self.due = min(self.due, self._greeted)

    def rates(self) -> tuple[float | None, float | None]:
        """Frames captured and messages published a second, over at least `STATUS_SECONDS`; None before that."""
        seconds = time.monotonic() - self._since
        if seconds >= STATUS_SECONDS:
            captured, published = self.stats.captured - self._captured, self.stats.published - self._published
            self._rates = (round(captured / seconds, 2), round(published / seconds, 2))
            self._restart_rates()
        return self._rates

    def _restart_rates(self) -> None:
        self._since = time.monotonic()
        self._captured, self._published = self.stats.captured, self.stats.published


BuildStatus = Callable[[CameraStatus, Condition, bool], wire.Status]
"""Builds the status of a camera in that condition; True for the last one."""


class StatusMessages:
    """The status messages of all cameras, for the publisher's thread, which sends what it yields in that order.

    Args:
        all_stats: of the cameras.
        event_messages, state_messages: what a camera's condition may end.
        build_status: builds a status.
    """

    def __init__(
        self,
        all_stats: Sequence[CameraStats],
        event_messages: EventMessages,
        state_messages: StateMessages,
        build_status: BuildStatus,
    ) -> None:
        self._cameras = {stats.camera: CameraStatus(stats) for stats in all_stats}
        self._followers = state_messages, event_messages
        self._build_status = build_status

    def stats_of(self, camera: str) -> CameraStats | None:
        """The stats of *camera*; None if nothing is published of it, or not any more."""
        return status.stats if (status := self._cameras.get(camera)) else None

    @property
    def seconds_to_wait(self) -> float:
        """Until the next status is due."""
        due = min(status.due for status in self._cameras.values())
        return max(0.0, due - time.monotonic())

    def report(self) -> Iterator[wire.Message]:
        """Every condition that is new, and the status of every camera for which it is due."""
        now = time.monotonic()
        for camera, status in self._cameras.items():
            stats = status.stats
            was_lost = stats.condition.state in (CameraState.LOST, CameraState.FROZEN)
            if stats.notice_silence():
                level = logging.DEBUG if was_lost else logging.WARNING  # one line for each loss
                log.log(level, "camera %s is lost: %s", camera, stats.condition.reason)
            while stats.changes:
                condition = stats.changes.popleft()
                yield from self._follow_condition(camera, condition)
                yield self._message(status, condition)
            yield from self._follow_condition(camera, stats.condition)
            if now >= status.due or stats.picture != status.picture:
                yield self._message(status)

    def change_cameras(self, all_stats: Sequence[CameraStats]) -> Iterator[wire.Message]:
        """Report on these from now on. A camera that is no longer among them gets its last status.

        Where a camera gets other stats, their count of published messages continues.
        """
        before, self._cameras = self._cameras, {}
        for stats in all_stats:
            known = before.pop(stats.camera, None)
            if known is None or known.stats is not stats:
                if known is not None:
                    stats.published = known.stats.published
                known = CameraStatus(stats)
                yield self._message(known)  # it is not captured yet, and will be at once
            self._cameras[stats.camera] = known
        for gone in before.values():
            for follower in self._followers:
                yield from follower.end_camera(gone.stats.camera)
            yield self._last_message(gone, "no longer in the configuration")

    def greet_subscribers(self, node: str, prefixes: Sequence[bytes]) -> None:
        """Make a fresh status due for every camera whose topic begins with one of the new subscriptions."""
        begins = tuple(prefixes)  # all in one call, because peers subscribe by the thousand
        for camera, status in self._cameras.items():
            if wire.topic("status", node, camera).startswith(begins):
                status.greet_subscriber()

    def make_due(self) -> None:
        """Make every status due now: something that stands in all of them has changed."""
        for status in self._cameras.values():
            status.due = time.monotonic()

    def end_topics(self, reason: str) -> Iterator[wire.Message]:
        """The last messages of these topics: the node gets another name."""
        yield from self._end_followed()
        for status in self._cameras.values():
            yield self._last_message(status, reason)
        self.make_due()

    def end_all(self) -> Iterator[wire.Message]:
        """The last messages of the daemon: what is new, and that every camera has stopped."""
        yield from self.report()
        yield from self._end_followed()
        for status in self._cameras.values():
            # One that never started, too, and one whose driver takes longer to close than this stage waits.
            status.stats.turn(CameraState.STOPPED, status.stats.condition.reason or STOPPING)
            yield self._message(status, bye=True)

    def _follow_condition(self, camera: str, condition: Condition) -> Iterator[wire.Message]:
        for follower in self._followers:
            yield from follower.follow_condition(camera, condition)

    def _end_followed(self) -> Iterator[wire.Message]:
        for follower in self._followers:
            yield from follower.end_all()

    def _last_message(self, status: CameraStatus, reason: str) -> wire.Status:
        return self._message(status, Condition(CameraState.STOPPED, reason, time.monotonic_ns()), bye=True)

    def _message(self, status: CameraStatus, condition: Condition | None = None, *, bye: bool = False) -> wire.Status:
        status.due = time.monotonic() + STATUS_SECONDS
        status.picture = status.stats.picture
        return self._build_status(status, condition or status.stats.condition, bye)
