"""Scores, states and events of the last 15 minutes of each region. Pure; instants are wall clock in microseconds."""

from __future__ import annotations

from array import array
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from math import isnan, nan
from typing import Any

from edged.wire import Event, State, Vec

__all__ = ["History"]

STEP_US = 1_000_000
STEPS = 900
MOST_REGIONS = 64
MOST_SERIES = 48
MOST_ENTRIES = 400


class _Series:
    """One value for each step, in a ring; ``nan`` where none came. ``newest`` is the last step with one."""

    def __init__(self) -> None:
        self._values = array("f", [nan]) * STEPS
        self.newest = -1

    def put(self, step: int, value: float) -> None:
        if step <= self.newest - STEPS:
            return
        first = max(self.newest + 1, step - STEPS + 1)
        for missed in range(first, step):
            self._values[missed % STEPS] = nan
        self._values[step % STEPS] = value
        self.newest = max(self.newest, step)

    def values(self, first: int) -> list[float | None]:
        """Return the values of the steps from *first* on, to four digits."""
        result: list[float | None] = []
        for step in range(first, first + STEPS):
            value = self._values[step % STEPS] if self.newest - STEPS < step <= self.newest else nan
            result.append(None if isnan(value) else round(value, 4))
        return result


@dataclass(slots=True)
class _RegionHistory:
    series: OrderedDict[tuple[str, str, str], _Series] = field(default_factory=OrderedDict)
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=MOST_ENTRIES))
    states: deque[State] = field(default_factory=lambda: deque(maxlen=MOST_ENTRIES))
    newest_us: int = 0
    full_step: int = -1

    def has_room(self, step: int) -> bool:
        """Return whether there may be one more series: in place of one that has ended, if there are enough."""
        if len(self.series) < MOST_SERIES:
            return True
        if step == self.full_step:  # looked at already
            return False
        self.full_step = step
        oldest = min(self.series, key=lambda key: self.series[key].newest)
        if self.series[oldest].newest > step - STEPS:
            return False
        del self.series[oldest]
        self.full_step = -1
        return True


class History:
    """Keeps what comes of each region; the region that was silent for longest gives way when there are too many."""

    def __init__(self) -> None:
        self._regions: OrderedDict[tuple[str, str], _RegionHistory] = OrderedDict()

    def put_scores(self, vec: Vec) -> None:
        """Keep the scores of a frame: of each reference the best, and the probabilities of each set.

        A frame that is older than all that is kept comes of a clock that was set back: the history begins anew.
        """
        kept = self._regions.get((vec.camera, vec.region))
        if kept is not None and vec.t_wall_us < kept.newest_us - STEPS * STEP_US:
            del self._regions[vec.camera, vec.region]
        region = self._region(vec.camera, vec.region, vec.t_wall_us)
        step = vec.t_wall_us // STEP_US
        for answer in vec.states:  # first, because there are few of these
            for state, p in answer.p.items():
                self._put(region, ("p", answer.set, state), step, p)
        best: dict[str, float] = {}
        for match in vec.sims:
            best[match.ref] = max(match.s, best.get(match.ref, -1.0))
        for ref, score in best.items():
            self._put(region, ("ref", "", ref), step, score)

    def put_event(self, event: Event) -> None:
        """Keep the beginning or end of an event."""
        if event.phase != "update":
            self._region(event.camera, event.region, event.t_wall_us).events.append(event)

    def put_state(self, state: State) -> None:
        """Keep a decided state, if it is a change."""
        if state.reason != "repeat":
            self._region(state.camera, state.region, state.t_wall_us).states.append(state)

    def report(self, camera: str, region: str) -> dict[str, Any]:
        """Return what is known of a region: 15 minutes to its newest message, a value each second."""
        kept = self._regions.get((camera, region)) or _RegionHistory()
        first = kept.newest_us // STEP_US - STEPS + 1
        t0_us = first * STEP_US
        series = []
        for (kind, set_, name), each in kept.series.items():
            values = each.values(first)
            if any(value is not None for value in values):
                series.append({"kind": kind, **({"set": set_} if set_ else {}), "name": name, "values": values})
        return {
            "t0_wall_us": t0_us,
            "step_ms": STEP_US // 1000,
            "series": series,
            "events": [event for event in kept.events if event.t_wall_us >= t0_us],
            "states": [state for state in kept.states if state.t_wall_us >= t0_us],
        }

    def _region(self, camera: str, region: str, t_wall_us: int) -> _RegionHistory:
        kept = self._regions.setdefault((camera, region), _RegionHistory())
        self._regions.move_to_end((camera, region))
        if len(self._regions) > MOST_REGIONS:
            self._regions.popitem(last=False)
        kept.newest_us = max(kept.newest_us, t_wall_us)
        return kept

    @staticmethod
    def _put(region: _RegionHistory, key: tuple[str, str, str], step: int, value: float) -> None:
        series = region.series.get(key)
        if series is None:
            if not region.has_room(step):
                return
            series = region.series[key] = _Series()
        series.put(step, value)
