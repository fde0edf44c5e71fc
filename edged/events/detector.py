"""The state machine of one reference in one region of one camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from edged.events.rules import Thresholds

__all__ = ["PEAK_STEP", "SOONEST_UPDATE_SECONDS", "UPDATE_SECONDS", "Detector", "EventChange", "Reason", "Score"]

Reason = Literal["left", "camera-lost", "stopped", "reference-removed"]
"""Reasons for the end of an event."""

UPDATE_SECONDS = 10.0
"""The longest time between updates of an open event: ZeroMQ keeps nothing for those who come later."""

SOONEST_UPDATE_SECONDS = 1.0
"""The shortest time between updates."""

PEAK_STEP = 0.01
"""The rise of the peak that is worth an update before its time."""


@dataclass(frozen=True, slots=True)
class Score:
    """A score, its frame, and when that was captured, in microseconds on a clock that is never set."""

    frame_seq: int
    t_us: int
    value: float


@dataclass(frozen=True, slots=True)
class EventChange:
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
class _Span:
    """The time since the score rose to ``enter``; with an ``event_id`` it is an event."""

    t_begin_us: int
    peak: float
    event_id: str | None = None
    reported_us: int = 0
    reported_peak: float = 0.0


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
        self._span: _Span | None = None
        self._last: Score | None = None
        self._quiet_until_us: int | None = None
        self._is_update_requested = False

    def use(self, thresholds: Thresholds) -> None:
        """Apply *thresholds* from the next score on. An open event continues; the time before one is counted anew."""
        if thresholds != self._thresholds:
            self._thresholds = thresholds
            if not self._is_open:
                self._span = None

    def request_update(self) -> None:
        """Update an open event with the next score, or as soon after the last update as another may come."""
        self._is_update_requested = self._is_open

    def add_score(self, score: Score) -> tuple[EventChange, ...]:
        """Return what the next score makes of the event: mostly nothing."""
        ended = self._end_stretch() if self._last is not None and score.t_us < self._last.t_us else ()
        self._last = score
        if self._is_open:
            return self._continue(score)
        if score.value < self._thresholds.enter:
            self._span = None
            return ended
        return ended + self._begin(score)

    def end(self, reason: Reason) -> tuple[EventChange, ...]:
        """End what is open, because no more scores are to come, or not without a break. Harmless when done twice."""
        span, last = self._span, self._last
        self._span = None
        if span is None or span.event_id is None or last is None:
            return ()
        self._quiet_until_us = last.t_us + _us(self._thresholds.cooldown_seconds)
        return (self._change("end", span, span.event_id, last, reason),)

    @property
    def _is_open(self) -> bool:
        return self._span is not None and self._span.event_id is not None

    def _end_stretch(self) -> tuple[EventChange, ...]:
        ended = self.end("camera-lost")
        self._quiet_until_us = None
        return ended

    def _begin(self, score: Score) -> tuple[EventChange, ...]:
        span = self._span = self._span or _Span(score.t_us, score.value)
        span.peak = max(span.peak, score.value)
        is_quiet = self._quiet_until_us is not None and score.t_us < self._quiet_until_us
        if is_quiet or score.t_us - span.t_begin_us < _us(self._thresholds.min_seconds):
            return ()
        span.event_id = self._new_id()
        return (self._change("begin", span, span.event_id, score),)

    def _continue(self, score: Score) -> tuple[EventChange, ...]:
        span = self._span
        assert span is not None
        assert span.event_id is not None
        if score.value < self._thresholds.leave:
            return self.end("left")
        span.peak = max(span.peak, score.value)
        silent_us = score.t_us - span.reported_us
        is_news = self._is_update_requested or span.peak - span.reported_peak >= PEAK_STEP
        if silent_us >= _us(UPDATE_SECONDS) or (is_news and silent_us >= _us(SOONEST_UPDATE_SECONDS)):
            return (self._change("update", span, span.event_id, score),)
        return ()

    def _change(
        self,
        phase: Literal["begin", "update", "end"],
        span: _Span,
        event_id: str,
        score: Score,
        reason: Reason | None = None,
    ) -> EventChange:
        span.reported_us, span.reported_peak, self._is_update_requested = score.t_us, span.peak, False
        return EventChange(
            event_id,
            phase,
            *self._where,
            s=score.value,
            peak=span.peak,
            reason=reason,
            t_begin_us=span.t_begin_us,
            t_cap_us=score.t_us,
            frame_seq=score.frame_seq,
        )


def _us(seconds: float) -> int:
    return round(seconds * 1e6)
