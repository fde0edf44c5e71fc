"""Builds the messages of decided states, and the events of sets, of the answers for all cameras."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from edged import wire
from edged.pipeline.camera_stats import CameraState, Condition
from edged.pipeline.placed_set import PlacedSet, sets_at
from edged.pipeline.publisher.event_messages import LAST_RESULTS_SECONDS
from edged.pipeline.publisher.message_builder import MessageBuilder
from edged.pipeline.publisher.set_events import SetEvent, SetEvents
from edged.states import Decision, StateChange, StateReason, StateSet
from edged.values import StateAnswer

__all__ = ["DecidedState", "StateMessages"]

REPEAT_SECONDS = 30.0  # ZeroMQ keeps nothing for those who come later


class DecidedState(NamedTuple):
    """The decided state of a set in one place; *states* are all that it may be in."""

    camera: str
    region: str
    set: str
    state: str
    states: tuple[str, ...]


class _Followed:
    """One set in one place: its decision, and its open event."""

    def __init__(self, state_set: StateSet, events: SetEvents) -> None:
        self.state_set = state_set
        self.events = events
        self.decision = Decision(state_set.min_seconds, state_set.unknown_seconds)
        self.reported_us: int | None = None  # None: soon


_Place: TypeAlias = tuple[str, str]


class StateMessages:
    """Makes decided states of the answers that are published. Only the publisher's thread uses it."""

    def __init__(self, builder: MessageBuilder) -> None:
        self._builder = builder
        self.sets: Sequence[PlacedSet] = ()
        """The sets in effect."""
        self._followed: dict[_Place, dict[str, _Followed]] = {}
        self._blind_until_us: dict[str, int] = {}
        self._decided: tuple[DecidedState, ...] = ()
        self._number = 0
        self._space_id = ""
        self._wall_us = 0  # from the monotonic clock to the wall clock, at the last result

    @property
    def decided(self) -> tuple[DecidedState, ...]:
        """The decided state of every set in every place that has had an answer; may be read from any thread."""
        return self._decided

    def at(self, camera: str) -> tuple[PlacedSet, ...]:
        """Return the sets that decide somewhere on *camera*."""
        return tuple(each for each in self.sets if any(place.split("/")[0] == camera for place in each.places))

    def use_sets(self, sets: Sequence[PlacedSet]) -> Iterator[wire.Message]:
        """Go by *sets* from now on. Yields the ends of the states, and of the events, that they leave no place for."""
        self.sets = sets
        for (camera, region), followed in self._followed.items():
            here = sets_at(self.sets, camera, region)
            for name, each in tuple(followed.items()):
                if name not in here:
                    yield from self._end(each, camera, region, "set-removed")
                    del followed[name]
                    continue
                state_set = here[name]
                if each.decision.state not in state_set.states:
                    yield from self._end(each, camera, region, "relearned")
                each.state_set, each.events.states = state_set, self._events_of(name)
                each.decision.use(state_set.min_seconds, state_set.unknown_seconds)
        self._note_decided()

    def follow_result(self, vec: wire.Vec, answers: Sequence[StateAnswer]) -> Iterator[wire.Message]:
        """Yield the changes of states, and the events, that the *answers* of a result make that was just published."""
        if not answers or vec.t_cap_us <= self._blind_until_us.get(vec.camera, vec.t_cap_us - 1):
            return
        self._space_id, self._wall_us = vec.space_id, vec.t_wall_us - vec.t_cap_us
        is_new = False
        for answer in answers:
            followed = self._follow(vec.camera, vec.region, answer.set)
            if followed is None:
                continue  # of a set that is gone
            is_new |= followed.reported_us is None
            change = followed.decision.add(answer, vec.t_cap_us, vec.frame_seq)
            is_new |= change is not None
            if change is None and _is_due(followed, vec.t_cap_us):
                change = followed.decision.report("repeat")
            if change is not None:
                followed.reported_us = vec.t_cap_us
                yield self._message(vec.camera, vec.region, change)
            if (decided := followed.decision.report("repeat")) is not None:
                yield from self._event_messages(vec.camera, vec.region, followed, followed.events.follow(decided))
        if is_new:
            self._note_decided()

    def follow_condition(self, camera: str, condition: Condition) -> Iterator[wire.Message]:
        """Yield the ends of the states of a camera in *condition*: one that is lost or frozen shows nothing any more.

        One that has stopped shows nothing either, a moment later: its last results may still be on their way.
        """
        if condition.state in (CameraState.LOST, CameraState.FROZEN):
            yield from self._end_camera(camera, condition.since_ns // 1000, "camera-lost")
        is_over = time.monotonic_ns() - condition.since_ns > LAST_RESULTS_SECONDS * 1e9
        if condition.state is CameraState.STOPPED and is_over:
            yield from self._end_camera(camera, condition.since_ns // 1000, "stopped")

    def greet_subscribers(self, prefixes: Sequence[bytes]) -> None:
        """Repeat states and events with the next frame, if a new subscription is to them."""
        for kind in ("state", "event"):
            topic = wire.subscription(kind)
            if any(prefix.startswith(topic) or topic.startswith(prefix) for prefix in prefixes):
                for followed in self._all():
                    if kind == "state":
                        followed.reported_us = None
                    else:
                        followed.events.request_update()

    def end_camera(self, camera: str) -> Iterator[wire.Message]:
        """Yield the ends of the states of *camera*: nothing more is published of it."""
        yield from self._end_camera(camera, time.monotonic_ns() // 1000, "stopped")
        for place in [place for place in self._followed if place[0] == camera]:
            del self._followed[place]
        self._note_decided()

    def end_all(self) -> Iterator[wire.Message]:
        """Yield the ends of all states: nothing more is published."""
        for (camera, region), followed in self._followed.items():
            for each in followed.values():
                yield from self._end(each, camera, region, "stopped")
        self._note_decided()

    def _end_camera(self, camera: str, t_us: int, reason: StateReason) -> Iterator[wire.Message]:
        """End what is decided on *camera*, whose pictures broke off at *t_us*: frames from before are ignored."""
        self._blind_until_us[camera] = t_us
        for (where, region), followed in self._followed.items():
            if where == camera:
                for each in followed.values():
                    yield from self._end(each, camera, region, reason)
        self._note_decided()

    def _end(self, followed: _Followed, camera: str, region: str, reason: StateReason) -> Iterator[wire.Message]:
        if (change := followed.decision.end(reason)) is not None:
            yield self._message(camera, region, change)
        yield from self._event_messages(camera, region, followed, followed.events.end(reason))
        followed.reported_us = None

    def _follow(self, camera: str, region: str, name: str) -> _Followed | None:
        followed = self._followed.setdefault((camera, region), {})
        if name not in followed:
            state_set = sets_at(self.sets, camera, region).get(name)
            if state_set is None:
                return None
            followed[name] = _Followed(state_set, SetEvents(self._events_of(name), self._new_event_id))
        return followed[name]

    def _events_of(self, name: str) -> frozenset[str]:
        return frozenset(state for each in self.sets if each.name == name for state in each.events)

    def _new_event_id(self) -> str:
        self._number += 1
        return f"{self._builder.run}-s{self._number}"

    def _all(self) -> Iterator[_Followed]:
        for followed in self._followed.values():
            yield from followed.values()

    def _note_decided(self) -> None:
        self._decided = tuple(
            DecidedState(camera, region, name, each.decision.state, each.state_set.states)
            for (camera, region), followed in self._followed.items()
            for name, each in followed.items()
        )

    def _message(self, camera: str, region: str, change: StateChange) -> wire.State:
        return wire.State(
            run=self._builder.run,
            seq=self._builder.next_seq("state", camera, region),
            node=self._builder.node,
            camera=camera,
            region=region,
            set=change.set,
            state=change.state,
            was=change.was,
            p=round(change.p, 6),
            novelty=None if change.novelty is None else round(change.novelty, 6),
            # By the clock of now: the duration is right also if the clock was set in between.
            t_since_us=change.t_since_us + self._wall_us,
            t_cap_us=change.t_cap_us,
            t_wall_us=change.t_cap_us + self._wall_us,
            frame_seq=change.frame_seq,
            space_id=self._space_id,
            reason=change.reason,
        )

    def _event_messages(
        self, camera: str, region: str, followed: _Followed, events: Sequence[SetEvent]
    ) -> Iterator[wire.Event]:
        for event in events:
            yield wire.Event(
                run=self._builder.run,
                seq=self._builder.next_seq("event", camera, region),
                node=self._builder.node,
                camera=camera,
                region=region,
                event_id=event.event_id,
                phase=event.phase,
                ref=followed.state_set.name,
                state=event.state,
                s=round(event.s, 6),
                peak=round(event.peak, 6),
                reason=event.reason,
                t_begin_us=event.t_begin_us + self._wall_us,
                t_cap_us=event.t_cap_us,
                t_wall_us=event.t_cap_us + self._wall_us,
                frame_seq=event.frame_seq,
                space_id=self._space_id,
            )


def _is_due(followed: _Followed, t_us: int) -> bool:
    reported_us = followed.reported_us
    return reported_us is None or not 0 <= t_us - reported_us < REPEAT_SECONDS * 1e6
