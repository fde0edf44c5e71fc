"""The conditions of all cameras, as ``status`` messages, and before each what it means for the camera's events."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence

from edged import wire
from edged.pipeline.camera_stats import CameraState, CameraStats, Condition
from edged.pipeline.publisher.camera_status import STATUS_SECONDS, CameraStatus
from edged.pipeline.publisher.event_messages import EventMessages

__all__ = ["Describe", "StatusMessages"]

log = logging.getLogger(__name__)

Describe = Callable[[CameraStatus, Condition, bool], wire.Status]
"""Makes the status of a camera in that condition; True where it is the last one."""


class StatusMessages:
    """Tells how the cameras are, in the publisher's thread; what it yields is to be sent in that order.

    Args:
        tallies: of the cameras.
        announcer: makes events of what their conditions mean.
        describe: makes a status.
    """

    def __init__(self, tallies: Sequence[CameraStats], announcer: EventMessages, describe: Describe) -> None:
        self._reporters = {tally.camera: CameraStatus(tally) for tally in tallies}
        self._announcer = announcer
        self._describe = describe

    def of(self, camera: str) -> CameraStatus | None:
        """The reporter of *camera*; None where it is not, or no more, reported on."""
        return self._reporters.get(camera)

    @property
    def seconds_to_wait(self) -> float:
        """Until the next status is due."""
        due = min(reporter.next_status for reporter in self._reporters.values())
        return max(0.0, due - time.monotonic())

    def report(self) -> Iterator[wire.Message]:
        """The conditions that are new, and every camera's when its time has come."""
        now = time.monotonic()
        for camera, reporter in self._reporters.items():
            tally = reporter.tally
            if tally.notice_silence():
                log.warning("camera %s is lost: %s", camera, tally.condition.reason)
            while tally.changes:
                condition = tally.changes.popleft()
                yield from self._announcer.note(camera, condition)
                yield self._status(reporter, condition)
            yield from self._announcer.note(camera, tally.condition)
            if now >= reporter.next_status:
                yield self._status(reporter)

    def change(self, tallies: Sequence[CameraStats]) -> Iterator[wire.Message]:
        """Report on these from now on. A camera that is no longer among them gets its last status.

        Where another tally comes for a camera, what was published is counted on.
        """
        before, self._reporters = self._reporters, {}
        for tally in tallies:
            known = before.pop(tally.camera, None)
            if known is None or known.tally is not tally:
                if known is not None:
                    tally.published = known.tally.published
                known = CameraStatus(tally)
                yield self._status(known)  # it is not captured yet, and will be at once
            self._reporters[tally.camera] = known
        for gone in before.values():
            yield from self._announcer.part(gone.tally.camera)
            yield self._parted(gone, "no longer in the configuration")

    def greet(self, node: str, prefixes: Sequence[bytes]) -> None:
        """Make a fresh status due for every camera that somebody has begun to listen to."""
        for camera, reporter in self._reporters.items():
            if any(wire.topic("status", node, camera).startswith(prefix) for prefix in prefixes):
                reporter.greet()

    def make_due(self) -> None:
        """Tell all of it again at once: something that stands in every status has changed."""
        for reporter in self._reporters.values():
            reporter.next_status = time.monotonic()

    def part(self, reason: str) -> Iterator[wire.Message]:
        """The last of these topics: the node gets another name."""
        yield from self._announcer.stop()
        for reporter in self._reporters.values():
            yield self._parted(reporter, reason)
        self.make_due()

    def stop(self) -> Iterator[wire.Message]:
        """The last of all: what is new, and that every camera has stopped."""
        yield from self.report()
        yield from self._announcer.stop()
        for reporter in self._reporters.values():
            reporter.tally.turn(CameraState.STOPPED, reporter.tally.condition.reason)  # one that never started, too
            yield self._status(reporter, bye=True)

    def _parted(self, reporter: CameraStatus, reason: str) -> wire.Status:
        return self._status(reporter, Condition(CameraState.STOPPED, reason, time.monotonic_ns()), bye=True)

    def _status(self, reporter: CameraStatus, condition: Condition | None = None, *, bye: bool = False) -> wire.Status:
        reporter.next_status = time.monotonic() + STATUS_SECONDS
        return self._describe(reporter, condition or reporter.tally.condition, bye)
