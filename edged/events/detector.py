"""The state machine of one reference in one region of one camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from edged.events.rules import Thresholds

__all__ = ["PEAK_STEP", "SOONEST_UPDATE_SECONDS", "UPDATE_SECONDS", "Detector", "Happening", "Reason", "Sight"]

Reason = Literal["left", "camera-lost", "stopped", "reference-removed"]
"""Why an event ended."""

UPDATE_SECONDS = 10.0
"""How often an open event is told again at least: ZeroMQ keeps nothing for those who come later."""

SOONEST_UPDATE_SECONDS = 1.0
"""How often it is told again at most."""

PEAK_STEP = 0.01
"""How much the peak must have risen to be worth an update before its time."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One score: of which frame, and when that was captured, in microseconds on a clock that nobody sets."""

    frame_seq: int
    t_us: int
    score: float


@dataclass(frozen=True, slots=True)
class Happening:
    """The begin, an update or the end of an event.

    ``s`` is the score now and ``peak`` the highest of the event. ``t_begin_us`` is when the score rose, and
    ``t_cap_us`` and ``frame_seq`` are of the frame that this is about: of an end that no frame made, the last one.
    ``reason`` is that of an end, else None.
    """

    event_id: str
    phase: Literal["begin", "update", "end"]
    camera: str
    region: str
    reference: str
    s: float
    peak: float
    reason: Reason | None
    t_begin_us: int
    t_cap_us: int
    frame_seq: int


@dataclass(slots=True)
class _Rise:
    """The time since the score rose to ``enter``; with an ``event_id`` it is an event."""

    t_begin_us: int
    peak: float
    event_id: str | None = None
    told_us: int = 0
    told_peak: float = 0.0


class Detector:
    """Makes events of the scores of one reference in one region of one camera.

    Only the times of the scores count, never the time at which they are looked at. Between two scores the first is
    taken to last: where frames were dropped, ``min_seconds`` have passed when two scores so far apart were both at or
    above ``enter``. A time before the one of the last score begins another stretch of time, as when a recording holds
    two: an open event ends as if the camera had been lost, and nothing of before counts.
    """

    def __init__(
        self, camera: str, region: str, reference: str, thresholds: Thresholds, new_id: Callable[[], str]
    ) -> None:
        self._where = camera, region, reference
        self._thresholds = thresholds
        self._new_id = new_id
        self._rise: _Rise | None = None
        self._last: Sight | None = None
        self._quiet_until_us: int | None = None
        self._is_asked = False

    def use(self, thresholds: Thresholds) -> None:
        """Go by *thresholds* from the next score on. An open event goes on; a rise is counted anew."""
        if thresholds != self._thresholds:
            self._thresholds = thresholds
            if not self._is_open:
                self._rise = None

    def ask(self) -> None:
        """Tell an open event again with the next score, or as soon after the last time as updates may come."""
        self._is_asked = self._is_open

    def see(self, sight: Sight) -> tuple[Happening, ...]:
        """What the next score means: mostly nothing."""
        ended = self._end_stretch() if self._last is not None and sight.t_us < self._last.t_us else ()
        self._last = sight
        if self._is_open:
            return self._go_on(sight)
        if sight.score < self._thresholds.enter:
            self._rise = None
            return ended
        return ended + self._go_up(sight)

    def end(self, reason: Reason) -> tuple[Happening, ...]:
        """End what is open, because no more scores are to come, or not without a break. Twice is as good as once."""
        rise, last = self._rise, self._last
        self._rise = None
        if rise is None or rise.event_id is None or last is None:
            return ()
        self._quiet_until_us = last.t_us + _us(self._thresholds.cooldown_seconds)
        return (self._told("end", rise, rise.event_id, last, reason),)

    @property
    def _is_open(self) -> bool:
        return self._rise is not None and self._rise.event_id is not None

    def _end_stretch(self) -> tuple[Happening, ...]:
        ended = self.end("camera-lost")
        self._quiet_until_us = None
        return ended

    def _go_up(self, sight: Sight) -> tuple[Happening, ...]:
        rise = self._rise = self._rise or _Rise(sight.t_us, sight.score)
        rise.peak = max(rise.peak, sight.score)
        is_quiet = self._quiet_until_us is not None and sight.t_us < self._quiet_until_us
        if is_quiet or sight.t_us - rise.t_begin_us < _us(self._thresholds.min_seconds):
            return ()
        rise.event_id = self._new_id()
        return (self._told("begin", rise, rise.event_id, sight),)

    def _go_on(self, sight: Sight) -> tuple[Happening, ...]:
        rise = self._rise
        assert rise is not None
        assert rise.event_id is not None
        if sight.score < self._thresholds.leave:
            return self.end("left")
        rise.peak = max(rise.peak, sight.score)
        silent_us = sight.t_us - rise.told_us
        is_news = self._is_asked or rise.peak - rise.told_peak >= PEAK_STEP
        if silent_us >= _us(UPDATE_SECONDS) or (is_news and silent_us >= _us(SOONEST_UPDATE_SECONDS)):
            return (self._told("update", rise, rise.event_id, sight),)
        return ()

    def _told(
        self,
        phase: Literal["begin", "update", "end"],
        rise: _Rise,
        event_id: str,
        sight: Sight,
        reason: Reason | None = None,
    ) -> Happening:
        rise.told_us, rise.told_peak, self._is_asked = sight.t_us, rise.peak, False
        return Happening(
            event_id,
            phase,
            *self._where,
            s=sight.score,
            peak=rise.peak,
            reason=reason,
            t_begin_us=rise.t_begin_us,
            t_cap_us=sight.t_us,
            frame_seq=sight.frame_seq,
        )


def _us(seconds: float) -> int:
    return round(seconds * 1e6)
