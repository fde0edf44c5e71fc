"""Events of one set of states in one place: its decided state is one of those that events are made of."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Literal

from edged.events import PEAK_STEP, SOONEST_UPDATE_SECONDS, UPDATE_SECONDS, Reason
from edged.states import StateChange, StateReason

__all__ = ["SetEvent", "SetEvents"]

_ENDS: dict[StateReason, Reason] = {
    "camera-lost": "camera-lost",
    "stopped": "stopped",
    "set-removed": "reference-removed",
    "relearned": "reference-removed",
}
"""Reasons for the end of an event, by those for the end of its state; any other is ``left``."""


@dataclass(frozen=True, slots=True)
class SetEvent:
    """The begin, an update or the end of an event; the fields are those of `edged.events.EventChange`."""

    event_id: str
    phase: Literal["begin", "update", "end"]
    state: str
    s: float
    peak: float
    reason: Reason | None
    t_begin_us: int
    t_cap_us: int
    frame_seq: int


class SetEvents:
    """Makes an event of each time that the decided state of a set is one of *states*.

    The score of an event is the probability of its state. It is updated as the events of references are.
    """

    def __init__(self, states: Collection[str], new_id: Callable[[], str]) -> None:
        self.states = states
        """The states of which events are made; an open event of another one ends with the next answer."""
        self._new_id = new_id
        self._newest: SetEvent | None = None  # of the open event, published or not
        self._published: SetEvent | None = None
        self._is_update_requested = False

    def request_update(self) -> None:
        """Update an open event with the next answer, or as soon after the last update as another may come."""
        self._is_update_requested = self._newest is not None

    def follow(self, decided: StateChange) -> tuple[SetEvent, ...]:
        """Return what the *decided* state, as it is after an answer, makes of the event: mostly nothing."""
        newest = self._newest
        if newest is not None and newest.state == decided.state and decided.state in self.states:
            return self._continue(newest, decided)
        ended = self._end("left", decided.t_cap_us, decided.frame_seq)
        return (*ended, self._begin(decided)) if decided.state in self.states else ended

    def end(self, reason: StateReason) -> tuple[SetEvent, ...]:
        """End the open event, because no more answers are to come, or others. Harmless when done twice."""
        newest = self._newest
        return () if newest is None else self._end(_ENDS.get(reason, "left"), newest.t_cap_us, newest.frame_seq)

    def _begin(self, decided: StateChange) -> SetEvent:
        p = decided.p
        self._newest = self._published = SetEvent(
            self._new_id(), "begin", decided.state, p, p, None, decided.t_since_us, decided.t_cap_us, decided.frame_seq
        )
        return self._newest

    def _continue(self, before: SetEvent, decided: StateChange) -> tuple[SetEvent, ...]:
        assert self._published is not None, "by its begin"
        self._newest = replace(
            before,
            phase="update",
            s=decided.p,
            peak=max(before.peak, decided.p),
            t_cap_us=decided.t_cap_us,
            frame_seq=decided.frame_seq,
        )
        silent_us = decided.t_cap_us - self._published.t_cap_us
        is_news = self._is_update_requested or self._newest.peak - self._published.peak >= PEAK_STEP
        if silent_us < UPDATE_SECONDS * 1e6 and not (is_news and silent_us >= SOONEST_UPDATE_SECONDS * 1e6):
            return ()
        self._published, self._is_update_requested = self._newest, False
        return (self._newest,)

    def _end(self, reason: Reason, t_cap_us: int, frame_seq: int) -> tuple[SetEvent, ...]:
        newest, self._newest, self._is_update_requested = self._newest, None, False
        if newest is None:
            return ()
        return (replace(newest, phase="end", reason=reason, t_cap_us=t_cap_us, frame_seq=frame_seq),)
