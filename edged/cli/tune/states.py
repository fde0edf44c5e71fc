"""Answers of a set of states in a recording, and the changes that other settings would have decided."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from edged.cli.text import lasted, some, time_of_day
from edged.states import Decision, StateChange
from edged.values import UNKNOWN, StateAnswer
from edged.wire import Message, Status, Vec

__all__ = ["AnswerSeries", "CollectedAnswers", "as_json", "as_text", "collect_answers"]

MIN_SECONDS = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
UNKNOWN_BELOW = (0.6, 0.73, 0.85, 0.95)
USUAL_SECONDS, USUAL_BELOW, UNKNOWN_SECONDS = 0.5, 0.73, 30.0
MOST_STRETCHES = 5
RARE = 0.01  # of the answers
MANY = 0.05


@dataclass(slots=True)
class _Answered:
    answer: StateAnswer
    t_cap_us: int
    t_wall_us: int
    run: str


@dataclass(slots=True)
class AnswerSeries:
    """The answers of one set in one region of one camera, in the order in which they came."""

    place: str
    states: tuple[str, ...]
    answers: list[_Answered] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Seconds between the first answer and the last, by the wall clock."""
        return max(0, self.answers[-1].t_wall_us - self.answers[0].t_wall_us) / 1e6

    def shares(self, unknown_below: float = USUAL_BELOW) -> dict[str, float]:
        """Return the share of each answer, where one below that probability is unknown."""
        counts = Counter(_judged(each.answer, unknown_below).state for each in self.answers)
        return {state: counts[state] / len(self.answers) for state in (*self.states, UNKNOWN)}

    def changes(self, min_seconds: float, unknown_below: float = USUAL_BELOW) -> list[StateChange]:
        """Return the changes that would have been decided."""
        decision, found, run = Decision(min_seconds, UNKNOWN_SECONDS), [], self.answers[0].run
        for number, each in enumerate(self.answers):
            if each.run != run:
                run, decision = each.run, Decision(min_seconds, UNKNOWN_SECONDS)
            if change := decision.add(_judged(each.answer, unknown_below), each.t_cap_us, number):
                found.append(change)
        return found

    def unknown_stretches(self) -> list[tuple[int, float]]:
        """Return when the answers were unknown on the wall clock, and for how many seconds, the longest first."""
        found, begin, last = [], None, 0
        for each in self.answers:
            is_unknown = _judged(each.answer, USUAL_BELOW).state == UNKNOWN
            if is_unknown and begin is None:
                begin = each.t_wall_us
            if not is_unknown and begin is not None:
                found.append((begin, (each.t_wall_us - begin) / 1e6))
                begin = None
            last = each.t_wall_us
        if begin is not None:
            found.append((begin, (last - begin) / 1e6))
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
        if isinstance(message, Status) or not isinstance(message, Vec):
            continue
        sets.update(each.set for each in message.states)
        found = next((each for each in message.states if each.set == name), None)
        if found is None or not is_wanted(message):
            continue
        place = f"{message.node}/{message.camera}/{message.region}"
        states = tuple(found.p)
        if place not in places or places[place].states != states:  # learned anew, with other states
            places[place] = AnswerSeries(place, states)
        answer = StateAnswer(name, found.state, tuple(found.p.items()), found.novelty)
        places[place].answers.append(_Answered(answer, message.t_cap_us, message.t_wall_us, message.run))
    return CollectedAnswers(tuple(places.values()), frozenset(sets))


def _judged(answer: StateAnswer, unknown_below: float) -> StateAnswer:
    state, p = max(answer.p, key=lambda pair: pair[1])
    return replace(answer, state=state if p >= unknown_below else UNKNOWN)


def as_text(name: str, series: AnswerSeries) -> str:
    """Return what the set *name* answered, what other settings would have decided, and what to do next, in lines."""
    return "\n".join(_lines(name, series))


def _lines(name: str, series: AnswerSeries) -> Iterator[str]:
    yield f"{name} in {series.place}: {some(len(series.answers), 'answer')} in {lasted(series.seconds)}"
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
        "answers": len(series.answers),
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
            {"state": change.state, "was": change.was, "t_wall_us": series.answers[change.frame_seq].t_wall_us}
            for change in series.changes(USUAL_SECONDS)
        ],
    }
    return json.dumps(content, allow_nan=False)
