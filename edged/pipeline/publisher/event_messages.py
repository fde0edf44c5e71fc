"""Builds event messages of the results and conditions of all cameras."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from edged import wire
from edged.events import EventChange, EventRules, Events
from edged.pipeline.camera_stats import CameraState, Condition
from edged.pipeline.publisher.message_builder import MessageBuilder

__all__ = ["EventMessages"]

LAST_RESULTS_SECONDS = 1.0  # for what a camera that has stopped had captured before


class EventMessages:
    """Builds events from what is published. Only the publisher's thread uses it."""

    def __init__(self, builder: MessageBuilder, rules: EventRules) -> None:
        self._builder = builder
        self.rules = rules
        """The rules in effect."""
        self._events = Events(builder.run, rules)
        self._space_id = ""
        self._wall_us = 0  # from the monotonic clock to the wall clock, at the last result

    def use_rules(self, rules: EventRules) -> Iterator[wire.Event]:
        """Go by *rules* from now on. Returns the ends of the events that they leave no place for."""
        self.rules = rules
        return self._messages(self._events.use(rules))

    def follow_result(self, vec: wire.Vec, scores: Sequence[wire.Match] | None = None) -> Iterator[wire.Event]:
        """Return the events of a result that was just published; *scores* are its ``sims`` and those it leaves out."""
        scores = vec.sims if scores is None else scores
        self._space_id = vec.space_id
        self._wall_us = vec.t_wall_us - vec.t_cap_us
        return self._messages(self._events.add_scores(vec.camera, vec.region, vec.frame_seq, vec.t_cap_us, scores))

    def follow_condition(self, camera: str, condition: Condition) -> Iterator[wire.Event]:
        """Return the ends of events of a camera in *condition*: one that is lost or frozen shows nothing any more.

        One that has stopped shows nothing either, a moment later: its last results may still be on their way.
        """
        since_us = condition.since_ns // 1000
        if condition.state in (CameraState.LOST, CameraState.FROZEN):
            return self._messages(self._events.end_camera(camera, since_us))
        is_over = time.monotonic_ns() - condition.since_ns > LAST_RESULTS_SECONDS * 1e9
        if condition.state is CameraState.STOPPED and is_over:
            return self._messages(self._events.end_camera(camera, since_us, "stopped"))
        return iter(())

    def greet_subscribers(self, prefixes: Sequence[bytes]) -> None:
        """Publish open events again soon, if a new subscription is to events: its subscriber cannot know of them."""
        topic = wire.subscription("event")
        if any(prefix.startswith(topic) or topic.startswith(prefix) for prefix in prefixes):
            self._events.request_updates()

    def end_camera(self, camera: str) -> Iterator[wire.Event]:
        """Return the ends of the events of *camera*: nothing more is published of it."""
        return self._messages(self._events.end_camera(camera, time.monotonic_ns() // 1000, "stopped"))

    def end_all(self) -> Iterator[wire.Event]:
        """Return the ends of all events: nothing more is published."""
        return self._messages(self._events.end_all())

    def _messages(self, changes: Sequence[EventChange]) -> Iterator[wire.Event]:
        for change in changes:
            yield wire.Event(
                run=self._builder.run,
                seq=self._builder.next_seq("event", change.camera, change.region),
                node=self._builder.node,
                camera=change.camera,
                region=change.region,
                event_id=change.event_id,
                phase=change.phase,
                ref=change.reference,
                s=change.s,
                peak=change.peak,
                reason=change.reason,
                # By the clock of now: the duration is right also if the clock was set in between.
                t_begin_us=change.t_begin_us + self._wall_us,
                t_cap_us=change.t_cap_us,
                t_wall_us=change.t_cap_us + self._wall_us,
                frame_seq=change.frame_seq,
                space_id=self._space_id,
            )
