"""The scores of one reference over time, collected from messages, and the events that thresholds make of them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count

from edged.events.detector import Detector, EventChange, Reason, Score
from edged.events.rules import Thresholds
from edged.wire import Message, Status, Vec

__all__ = ["CollectedScores", "EventSpan", "ScoreSeries", "collect_scores", "event_spans"]

LOST = ("lost", "frozen")
LONGEST_US = 1 << 60  # times in a message come from outside and may be anything


@dataclass(slots=True)
class ScoreSeries:
    """The scores of one reference in one region of one camera, oldest first.

    ``at_us`` counts from the first score and never goes back: within a run it follows the capture times, from one run
    to the next the wall clock. ``breaks`` holds, by the index of the score that comes next, why the frames broke off.
    """

    node: str
    camera: str
    region: str
    space_id: str
    scores: array[float] = field(default_factory=lambda: array("d"))
    at_us: array[int] = field(default_factory=lambda: array("q"))
    wall_us: array[int] = field(default_factory=lambda: array("q"))
    breaks: dict[int, Reason] = field(default_factory=dict)
    _run: str = ""
    _cap_us: int = 0

    @property
    def place(self) -> str:
        """``node/camera/region``."""
        return f"{self.node}/{self.camera}/{self.region}"

    @property
    def seconds(self) -> float:
        """Seconds from the first score to the last."""
        return self.at_us[-1] / 1e6

    def add_score(self, vec: Vec, score: float) -> None:
        """Add the *score* of *vec*."""
        if not self.scores:
            at_us = 0
        elif vec.run == self._run and vec.t_cap_us >= self._cap_us:
            at_us = self.at_us[-1] + vec.t_cap_us - self._cap_us
        else:
            at_us = self.at_us[-1] + max(0, vec.t_wall_us - self.wall_us[-1])
            self.break_off("stopped")
        self._run, self._cap_us = vec.run, vec.t_cap_us
        self.scores.append(min(1.0, max(-1.0, score)))
        self.at_us.append(min(at_us, LONGEST_US))
        self.wall_us.append(vec.t_wall_us)

    def break_off(self, reason: Reason) -> None:
        """Note that no frames follow the last score without a break."""
        self.breaks.setdefault(len(self.scores), reason)


@dataclass(frozen=True, slots=True)
class CollectedScores:
    """The series of a reference, one for each place, and the names of all references with a score."""

    series: list[ScoreSeries]
    references: set[str]
    other_spaces: int
    """Scores that were left out because a later model has another space: they cannot be compared."""


@dataclass(frozen=True, slots=True)
class EventSpan:
    """An event in seconds since the first score, and its begin on the wall clock.

    ``reason`` is why it ended; None if it was still open at the last score.
    """

    begin: float
    end: float
    begin_wall_us: int
    peak: float
    reason: Reason | None


def collect_scores(
    messages: Iterable[Message], reference: str, is_wanted: Callable[[Vec], bool] = lambda _vec: True
) -> CollectedScores:
    """Collect every score of *reference* in those of *messages* that are wanted. Lost cameras break a series off."""
    places: dict[tuple[str, str, str], ScoreSeries] = {}
    references: set[str] = set()
    other_spaces = 0
    for message in messages:
        if isinstance(message, Status):
            _break_off(places.values(), message)
        if not isinstance(message, Vec):
            continue
        references.update(match.ref for match in message.sims)
        score = next((match.s for match in message.sims if match.ref == reference), None)
        if score is None or not is_wanted(message):
            continue
        place = message.node, message.camera, message.region
        series = places.get(place) or ScoreSeries(*place, message.space_id)
        if series.space_id != message.space_id:
            other_spaces += len(series.scores)
            series = ScoreSeries(*place, message.space_id)
        places[place] = series
        series.add_score(message, score)
    return CollectedScores(list(places.values()), references, other_spaces)


def event_spans(series: ScoreSeries, thresholds: Thresholds) -> list[EventSpan]:
    """Return the events that *thresholds* make of *series*, by the same rules as in the daemon."""
    numbers = count(1)
    detector = Detector(series.camera, series.region, "", thresholds, lambda: str(next(numbers)))
    changes: list[EventChange] = []
    for number, (at_us, score) in enumerate(zip(series.at_us, series.scores, strict=True)):
        if number in series.breaks:
            changes += detector.end(series.breaks[number])
        changes += detector.add_score(Score(number, at_us, score))
    still_open = detector.end("stopped")
    ended = [_span(series, end, end.reason) for end in changes if end.phase == "end"]
    return ended + [_span(series, end, None) for end in still_open]


def _break_off(known: Iterable[ScoreSeries], status: Status) -> None:
    if status.state in LOST:
        for series in known:
            if (series.node, series.camera) == (status.node, status.camera):
                series.break_off("camera-lost")


def _span(series: ScoreSeries, end: EventChange, reason: Reason | None) -> EventSpan:
    begin_wall_us = series.wall_us[end.frame_seq] - (end.t_cap_us - end.t_begin_us)
    return EventSpan(end.t_begin_us / 1e6, end.t_cap_us / 1e6, begin_wall_us, end.peak, reason)
