"""What the results of all cameras come to, as ``event`` messages."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from edged import wire
from edged.events import EventRules, Events, Happening
from edged.pipeline.camera_stats import CameraState, Condition
from edged.pipeline.publisher.message_builder import MessageBuilder

__all__ = ["EventMessages"]

LAST_RESULTS_SECONDS = 1.0  # for what a camera that has stopped had captured before


class EventMessages:
    """Makes events of what is published. Only the publisher's thread uses it."""

    def __init__(self, scribe: MessageBuilder, rules: EventRules) -> None:
        self._scribe = scribe
        self.rules = rules
        """What makes events now."""
        self._events = Events(scribe.run, rules)
        self._space_id = ""
        self._wall_us = 0  # what the wall clock was ahead of the monotonic one at the last result

    def use(self, rules: EventRules) -> Iterator[wire.Event]:
        """Go by *rules* from now on. Returns the ends of the events that these leave no place for."""
        self.rules = rules
        return self._messages(self._events.use(rules))

    def see(self, vec: wire.Vec, scores: Sequence[wire.Match] | None = None) -> Iterator[wire.Event]:
        """What a result that was just published means; *scores* are its ``sims`` and those that it does not tell."""
        scores = vec.sims if scores is None else scores
        self._space_id = vec.space_id
        self._wall_us = vec.t_wall_us - vec.t_cap_us
        return self._messages(self._events.add_scores(vec.camera, vec.region, vec.frame_seq, vec.t_cap_us, scores))

    def note(self, camera: str, condition: Condition) -> Iterator[wire.Event]:
        """What it means that a camera is in that *condition*: one that is lost or frozen shows nothing any more.

        One that has stopped shows nothing either, a moment later: its last results may still be on their way.
        """
        since_us = condition.since_ns // 1000
        if condition.state in (CameraState.LOST, CameraState.FROZEN):
            return self._messages(self._events.end_camera(camera, since_us))
        is_over = time.monotonic_ns() - condition.since_ns > LAST_RESULTS_SECONDS * 1e9
        if condition.state is CameraState.STOPPED and is_over:
            return self._messages(self._events.end_camera(camera, since_us, "stopped"))
        return iter(())

    def greet(self, prefixes: Sequence[bytes]) -> None:
        """Tell what is open again soon, if one of the new subscriptions is to events: they cannot know of it."""
        topic = wire.subscription("event")
        if any(prefix.startswith(topic) or topic.startswith(prefix) for prefix in prefixes):
            self._events.request_updates()

    def part(self, camera: str) -> Iterator[wire.Event]:
        """The ends of the events of a camera of which nothing more is published."""
        return self._messages(self._events.end_camera(camera, time.monotonic_ns() // 1000, "stopped"))

    def stop(self) -> Iterator[wire.Event]:
        """The ends of all events: nothing more is published."""
        return self._messages(self._events.end_all())

    def _messages(self, happenings: Sequence[Happening]) -> Iterator[wire.Event]:
        for happening in happenings:
            yield wire.Event(
                run=self._scribe.run,
                seq=self._scribe.next_seq("event", happening.camera, happening.region),
                node=self._scribe.node,
                camera=happening.camera,
                region=happening.region,
                event_id=happening.event_id,
                phase=happening.phase,
                ref=happening.reference,
                s=happening.s,
                peak=happening.peak,
                reason=happening.reason,
                # By the clock of now, so that the duration is right also when that was set in between.
                t_begin_us=happening.t_begin_us + self._wall_us,
                t_cap_us=happening.t_cap_us,
                t_wall_us=happening.t_cap_us + self._wall_us,
                frame_seq=happening.frame_seq,
                space_id=self._space_id,
            )
