"""Answers of a set of states in a recording, and the changes that other settings would have decided."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from edged.cli.text import lasted, some, time_of_day
from edged.states import Decision, StateChange
from edged.values import UNKNOWN, StateAnswer
from edged.wire import Message, SetState, Vec

__all__ = ["AnswerSeries", "CollectedAnswers", "as_json", "as_text", "collect_answers"]

MIN_SECONDS = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
UNKNOWN_BELOW = (0.6, 0.73, 0.85, 0.95)
USUAL_SECONDS, USUAL_BELOW, UNKNOWN_SECONDS = 0.5, 0.73, 30.0
MOST_STRETCHES = 5
RARE = 0.01  # of the answers
MANY = 0.05


@dataclass(slots=True)
class AnswerSeries:
    """The answers of one set in one region of one camera, in the order in which they came.

    ``p`` has the probabilities of each answer, in the order of ``states``; ``cap_us`` and ``wall_us`` are its times.
    ``begins`` are the numbers of answers with which a daemon began: there may be millions, so these are all that is
    kept.
    """

    place: str
    states: tuple[str, ...]
    p: array[float] = field(default_factory=lambda: array("f"))
    cap_us: array[int] = field(default_factory=lambda: array("q"))
    wall_us: array[int] = field(default_factory=lambda: array("q"))
    begins: set[int] = field(default_factory=set)
    _run: str = ""

    def add(self, vec: Vec, answer: SetState) -> None:
        """Add the *answer* of *vec*."""
        if vec.run != self._run:
            self._run = vec.run
            self.begins.add(len(self))
        self.p.extend(answer.p[state] for state in self.states)
        self.cap_us.append(vec.t_cap_us)
        self.wall_us.append(vec.t_wall_us)

    def __len__(self) -> int:
        return len(self.cap_us)

    @property
    def seconds(self) -> float:
        """Seconds between the first answer and the last, by the wall clock."""
        return max(0, self.wall_us[-1] - self.wall_us[0]) / 1e6

    def judged(self, unknown_below: float = USUAL_BELOW) -> list[int]:
        """Return the number of the state of each answer; that of `UNKNOWN` comes after all states."""
        p = np.frombuffer(self.p, np.float32).reshape(-1, len(self.states))
        found: list[int] = np.where(p.max(axis=1) >= unknown_below, p.argmax(axis=1), len(self.states)).tolist()
        return found

    def shares(self, unknown_below: float = USUAL_BELOW) -> dict[str, float]:
        """Return the share of each answer, where one below that probability is unknown."""
        counts = Counter(self.judged(unknown_below))
        return {state: counts[number] / len(self) for number, state in enumerate((*self.states, UNKNOWN))}

    def changes(self, min_seconds: float, unknown_below: float = USUAL_BELOW) -> list[StateChange]:
        """Return the changes that would have been decided; ``frame_seq`` is the number of an answer."""
        answers = [StateAnswer("", state, ((state, 1.0),), None) for state in (*self.states, UNKNOWN)]
        decision, found = Decision(min_seconds, UNKNOWN_SECONDS), []
        for number, (judged, t_us) in enumerate(zip(self.judged(unknown_below), self.cap_us, strict=True)):
            if number in self.begins:
                decision = Decision(min_seconds, UNKNOWN_SECONDS)
            if change := decision.add(answers[judged], t_us, number):
                found.append(change)
        return found

    def unknown_stretches(self) -> list[tuple[int, float]]:
        """Return when the answers were unknown on the wall clock, and for how many seconds, the longest first."""
        found: list[tuple[int, float]] = []
        begin: int | None = None
        for judged, wall_us in zip(self.judged(), self.wall_us, strict=True):
            if judged != len(self.states) and begin is not None:
                found.append((begin, (wall_us - begin) / 1e6))
                begin = None
            elif judged == len(self.states) and begin is None:
                begin = wall_us
        if begin is not None:
            found.append((begin, (self.wall_us[-1] - begin) / 1e6))
        return sorted(found, key=lambda stretch: -stretch[1])


@dataclass(frozen=True, slots=True)
class CollectedAnswers:
    """The series of a set, one for each place, and the names of all sets with an answer."""

    series: Sequence[AnswerSeries]
    sets: frozenset[str]


def collect_answers(
    messages: Iterable[Message], name: str, is_wanted: Callable[[Vec], bool] = lambda _vec: True
) -> CollectedAnswers:
    """Collect every answer of the set *name* in those of *messages* that are wanted."""
    places: dict[str, AnswerSeries] = {}
    sets: set[str] = set()
    for message in messages:
        if not isinstance(message, Vec):
            continue
        sets.update(each.set for each in message.states)
        found = next((each for each in message.states if each.set == name), None)
        if found is None or not found.p or not is_wanted(message):
            continue
        place = f"{message.node}/{message.camera}/{message.region}"
        states = tuple(found.p)
        if place not in places or places[place].states != states:  # learned anew, with other states
            places[place] = AnswerSeries(place, states)
        places[place].add(message, found)
    return CollectedAnswers(tuple(places.values()), frozenset(sets))


def as_text(name: str, series: AnswerSeries) -> str:
    """Return what the set *name* answered, what other settings would have decided, and what to do next, in lines."""
    return "\n".join(_lines(name, series))


def _lines(name: str, series: AnswerSeries) -> Iterator[str]:
    yield f"{name} in {series.place}: {some(len(series), 'answer')} in {lasted(series.seconds)}"
    shares = series.shares()
    yield from (f"  {state:<16} {share:6.1%}" for state, share in shares.items())
    yield ""
    yield f"{'min_seconds':>13} {'changes':>9}"
    for seconds in MIN_SECONDS:
        usual = "  (the default)" if seconds == USUAL_SECONDS else ""
        yield f"{seconds:13g} {len(series.changes(seconds)):9}{usual}"
    yield ""
    yield f"{'unknown_below':>13} {'changes':>9} {'unknown':>9}"
    for below in UNKNOWN_BELOW:
        usual = "  (the default)" if below == USUAL_BELOW else ""
        yield f"{below:13g} {len(series.changes(USUAL_SECONDS, below)):9} {series.shares(below)[UNKNOWN]:9.1%}{usual}"
    yield ""
    yield from _next(name, series, shares)


def _next(name: str, series: AnswerSeries, shares: dict[str, float]) -> Iterator[str]:
    if missing := [state for state in series.states if shares[state] < RARE]:
        yield f"The recording hardly shows {' and '.join(missing)}: record until each state was there several times."
    if shares[UNKNOWN] > MANY:
        camera, region = series.place.split("/")[1:]
        times = ", ".join(
            f"{time_of_day(begin)} for {lasted(seconds)}"
            for begin, seconds in series.unknown_stretches()[:MOST_STRETCHES]
        )
        yield f"Many answers are unknown, the longest at {times}. Teach the set what it shows then:"
        yield f"  edged enroll {name} --state STATE --camera {camera} --region {region}"
    if not missing and shares[UNKNOWN] <= MANY:
        yield "Thresholds need no tuning here. Raise min_seconds if the state changes more often than the scene does."


def as_json(name: str, series: AnswerSeries) -> str:
    """Return the same as one JSON object, with the changes that the defaults would have decided."""
    content = {
        "set": name,
        "place": series.place,
        "answers": len(series),
        "seconds": series.seconds,
        "shares": series.shares(),
        "changes_by_min_seconds": {f"{seconds:g}": len(series.changes(seconds)) for seconds in MIN_SECONDS},
        "by_unknown_below": {
            f"{below:g}": {
                "changes": len(series.changes(USUAL_SECONDS, below)),
                "unknown": series.shares(below)[UNKNOWN],
            }
            for below in UNKNOWN_BELOW
        },
        "changes": [
            {"state": change.state, "was": change.was, "t_wall_us": series.wall_us[change.frame_seq]}
            for change in series.changes(USUAL_SECONDS)
        ],
    }
    return json.dumps(content, allow_nan=False)
