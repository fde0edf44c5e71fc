"""The scores of a reference in a recording, and the events that thresholds make of them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from edged.errors import WireError
from edged.events import Detector, Happening, Reason, Thresholds
from edged.events.detector import Score
from edged.wire import Status, Vec, decode, subscription

if TYPE_CHECKING:
    from edged.recording import Recording

__all__ = ["Found", "Series", "Span", "collect", "spans"]

LOST = ("lost", "frozen")
LONGEST_US = 1 << 60  # whatever the times in a recording say
TOPICS = subscription("vec"), subscription("status")


@dataclass(slots=True)
class Series:
    """The scores of one reference in one region of one camera, oldest first.

    ``at_us`` counts from the first of them and never goes back: within a run by capture times, from one run to the next
    by the wall clock. ``breaks`` says before which of them the pictures broke off, and why.
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
        """From the first score to the last."""
        return self.at_us[-1] / 1e6

    def add(self, vec: Vec, score: float) -> None:
        """Add the *score* that is in *vec*."""
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
        """Note that the pictures broke off after the last score."""
        self.breaks.setdefault(len(self.scores), reason)


@dataclass(frozen=True, slots=True)
class Found:
    """What a recording holds of a reference: its places, and the names of all references that were seen."""

    series: list[Series]
    references: set[str]
    other_spaces: int
    """How many scores were left out because a later model had another space: they cannot be compared."""


@dataclass(frozen=True, slots=True)
class Span:
    """An event in seconds since the first score, and when it began on the wall clock.

    ``reason`` is why it ended; None where it was still open at the end of the recording.
    """

    begin: float
    end: float
    begin_wall_us: int
    peak: float
    reason: Reason | None


def collect(
    recording: Recording, reference: str, wanted: Callable[[Vec], bool], look: Callable[[], None] = lambda: None
) -> Found:
    """Every score of *reference* in the *wanted* messages of *recording*; *look* is called after each message."""
    found: dict[tuple[str, str, str], Series] = {}
    references: set[str] = set()
    other_spaces = 0
    for message in _messages(recording):
        look()
        if isinstance(message, Status):
            for series in found.values():
                if (series.node, series.camera) == (message.node, message.camera) and message.state in LOST:
                    series.break_off("camera-lost")
            continue
        references.update(match.ref for match in message.sims)
        score = next((match.s for match in message.sims if match.ref == reference), None)
        if score is None or not wanted(message):
            continue
        place = message.node, message.camera, message.region
        series = found.get(place) or Series(*place, message.space_id)
        if series.space_id != message.space_id:
            other_spaces += len(series.scores)
            series = Series(*place, message.space_id)
        found[place] = series
        series.add(message, score)
    return Found(list(found.values()), references, other_spaces)


def spans(series: Series, thresholds: Thresholds) -> list[Span]:
    """The events that *thresholds* make of *series*, by the same rules as the daemon's."""
    numbers = count(1)
    detector = Detector(series.camera, series.region, "", thresholds, lambda: str(next(numbers)))
    happenings: list[Happening] = []
    for number, (at_us, score) in enumerate(zip(series.at_us, series.scores, strict=True)):
        if number in series.breaks:
            happenings += detector.end(series.breaks[number])
        happenings += detector.add_score(Score(number, at_us, score))
    is_open = detector.end("stopped")
    made = [_span(series, end, end.reason) for end in happenings if end.phase == "end"]
    return made + [_span(series, end, None) for end in is_open]


def _span(series: Series, end: Happening, reason: Reason | None) -> Span:
    begin_wall_us = series.wall_us[end.frame_seq] - (end.t_cap_us - end.t_begin_us)
    return Span(end.t_begin_us / 1e6, end.t_cap_us / 1e6, begin_wall_us, end.peak, reason)


def _messages(recording: Recording) -> Iterator[Vec | Status]:
    for recorded in recording:
        if recorded.frames[0].startswith(TOPICS):
            try:
                message = decode(recorded.frames)
            except WireError:  # of a later edged, or of nobody
                continue
            if isinstance(message, Vec | Status):
                yield message
