"""What holds for any scores at any times, with anything done in between."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise
from typing import TypeVar, get_args

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from edged.events import (
    SOONEST_UPDATE_SECONDS,
    EventChange,
    EventRule,
    EventRules,
    Events,
    Reason,
    Thresholds,
)
from edged.wire import Match

PLACES = [("a", "x"), ("a", "y"), ("b", "x")]
REFERENCES = ("cat", "dog")

T = TypeVar("T")


def mostly(usual: st.SearchStrategy[T], other: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """Four times of five what is *usual*; ``one_of`` takes a strategy that it is given several times for one."""
    return st.sampled_from([usual, usual, usual, usual, other]).flatmap(lambda chosen: chosen)


LEVELS = (-0.4, 0.3, 0.35, 0.8)
"""Thresholds that are drawn again and again, so that scores can be drawn near them."""

anywhere = st.floats(-1, 1)
near = [level + off for level in LEVELS for off in (-0.01, 0.0, 0.005, 0.02)]
high = st.sampled_from([0.8, 0.805, 0.82, 0.9, 1.0])
score = st.one_of(high, st.sampled_from([*near, *[0.81, 0.83, 0.95] * 10]), anywhere)
threshold = mostly(st.sampled_from(LEVELS), anywhere)
seconds = st.sampled_from([0.0, 0.0, 0.1, 1.0, 30.0])
thresholds = st.builds(
    lambda pair, least, cool: Thresholds(max(pair), min(pair), least, cool),
    st.tuples(threshold, threshold),
    seconds,
    seconds,
)
rules = st.builds(
    lambda of, places: EventRules([EventRule(name, one) for name, one in of.items()], places),
    mostly(st.dictionaries(st.sampled_from(REFERENCES), thresholds, min_size=1), st.just({})),
    mostly(st.just(PLACES), st.lists(st.sampled_from(PLACES), unique=True)),
)
step_us = st.sampled_from([0, 1, 100_000, 700_000, 5_000_000, 60_000_000])
# A frame, or what else can happen to a daemon. What goes on is much likelier than what breaks off.
frame = st.tuples(st.just("frame"), st.sampled_from(PLACES), step_us, st.tuples(score, score))
happens = st.sampled_from(["frame"] * 24 + ["ask"] * 3 + ["lose", "use", "back"])
STEPS = {
    "frame": frame,
    "lose": st.tuples(st.just("lose"), st.sampled_from(["a", "b"])),
    "use": st.tuples(st.just("use"), rules),
    "ask": st.tuples(st.just("ask")),
    "back": st.tuples(st.just("back"), step_us),
}
step = happens.flatmap(STEPS.__getitem__)
# Lists without a least size are short as a rule, but they let a failure be made small.
story = st.one_of(*(st.lists(step, min_size=least, max_size=40) for least in (0, 20, 25, 30)))


def play(first: EventRules, steps: list[tuple]) -> list[EventChange]:  # type: ignore[type-arg]  # of several shapes
    """Everything that happens in a story, to its end."""
    events, t_us, changes = Events("run", first), 0, []
    for number, step in enumerate(steps):
        match step:
            case "frame", (camera, region), later_us, values:
                t_us += later_us
                matches = tuple(Match(name, value) for name, value in zip(REFERENCES, values, strict=True))
                changes += events.add_scores(camera, region, number, t_us, matches)
            case "lose", camera:
                changes += events.end_camera(camera, t_us)
            case "use", new:
                changes += events.use(new)
            case ("ask",):
                events.request_updates()
            case "back", earlier_us:
                t_us -= earlier_us
    return changes + events.end_all()


def test_the_stories_are_full_of_events() -> None:
    """Otherwise what is claimed of events here would be claimed of nothing."""
    seen: Counter[str] = Counter()

    @seed(1)  # derandomize draws by the text of this function, so that each change of it would be another throw
    @settings(max_examples=300, database=None)
    @given(rules, story)
    def look(first: EventRules, steps: list[tuple]) -> None:  # type: ignore[type-arg]  # as above
        changes = play(first, steps)
        seen.update({change.phase for change in changes})
        seen.update({change.reason for change in changes if change.reason})

    look()
    assert seen["begin"] >= 150, seen
    assert seen["update"] >= 100, seen
    assert seen["left"] >= 50, seen
    assert all(seen[reason] for reason in get_args(Reason)), seen


@given(rules, story)
def test_events_begin_and_end_in_turn_and_their_ids_pair_up(first: EventRules, steps: list[tuple]) -> None:  # type: ignore[type-arg]  # as above
    changes = play(first, steps)
    of_subject = defaultdict(list)
    for change in changes:
        of_subject[change.camera, change.region, change.reference].append(change)
    for told in of_subject.values():
        edges = [change for change in told if change.phase != "update"]
        assert [edge.phase for edge in edges] == ["begin", "end"] * (len(edges) // 2)
        open_id = None
        for change in told:
            if change.phase == "begin":
                open_id = change.event_id
            assert change.event_id == open_id
            assert (change.reason is not None) == (change.phase == "end")
    begins = [change.event_id for change in changes if change.phase == "begin"]
    assert len(set(begins)) == len(begins)


@given(rules, story)
def test_times_are_ordered_peaks_are_peaks_and_updates_are_seldom(first: EventRules, steps: list[tuple]) -> None:  # type: ignore[type-arg]  # as above
    of_event = defaultdict(list)
    for change in play(first, steps):
        of_event[change.event_id].append(change)
    for told in of_event.values():
        assert len({change.t_begin_us for change in told}) == 1
        times = [told[0].t_begin_us, *(change.t_cap_us for change in told)]
        assert times == sorted(times)
        peaks = [change.peak for change in told]
        assert peaks == sorted(peaks)
        assert all(change.peak >= change.s for change in told)
        updates = [change.t_cap_us for change in told if change.phase != "end"]
        gaps = [later - sooner for sooner, later in pairwise(updates)]
        assert all(gap >= SOONEST_UPDATE_SECONDS * 1e6 for gap in gaps)


shown_scores = st.lists(st.tuples(step_us, score), min_size=20, max_size=60)


def test_what_is_shown_makes_many_events_and_is_held_back_by_many_cooldowns() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=100, derandomize=True, database=None)
    @given(thresholds, shown_scores)
    def look(of: Thresholds, shown: list[tuple[int, float]]) -> None:
        begins = begins_of(of, shown)
        seen["event"] += bool(begins)
        seen["one after another"] += len(begins) > 1
        seen["cooldown"] += begins != begins_of(replace(of, cooldown_seconds=0.0), shown)
        seen["least time"] += begins != begins_of(replace(of, min_seconds=0.0), shown)

    look()
    assert seen["event"] >= 50, seen
    assert seen["one after another"] >= 20, seen
    assert seen["cooldown"] >= 10, seen
    assert seen["least time"] >= 10, seen


def begins_of(of: Thresholds, shown: list[tuple[int, float]]) -> list[tuple[int, int]]:
    """When each event rose and in which frame it began."""
    events, t_us, begins = Events("run", EventRules([EventRule("cat", of)], PLACES)), 0, []
    for number, (later_us, value) in enumerate(shown):
        t_us += later_us
        told = events.add_scores("a", "x", number, t_us, (Match("cat", value),))
        begins += [(change.t_begin_us, number) for change in told if change.phase == "begin"]
    return begins


@given(thresholds, shown_scores)
def test_an_event_keeps_its_thresholds_its_least_time_and_its_cooldown(
    of: Thresholds, shown: list[tuple[int, float]]
) -> None:
    events, t_us = Events("run", EventRules([EventRule("cat", of)], PLACES)), 0
    past: list[tuple[int, float]] = []
    last_end = None
    for number, (later_us, value) in enumerate(shown):
        t_us += later_us
        past.append((t_us, value))
        for change in events.add_scores("a", "x", number, t_us, (Match("cat", value),)):
            if change.phase == "begin":
                since = [value for at, value in past if at > change.t_begin_us]
                assert min([value, *since]) >= of.enter
                assert t_us - change.t_begin_us >= of.min_seconds * 1e6
                assert last_end is None or t_us - last_end >= of.cooldown_seconds * 1e6
                assert last_end is None or change.t_begin_us >= last_end
            elif change.phase == "end":
                assert value < of.leave
                last_end = t_us


@given(st.floats(-0.9, 0.9), st.floats(0.001, 0.1), st.data())
def test_a_score_that_trembles_within_the_band_makes_one_event(middle: float, band: float, data: st.DataObject) -> None:
    of = Thresholds(middle + band / 2, middle - band / 2)
    trembling = data.draw(st.lists(st.floats(of.leave, 1), min_size=1, max_size=100))
    events = Events("run", EventRules([EventRule("cat", of)], PLACES))
    changes = []
    for number, value in enumerate([-1.0, of.enter, *trembling, -1.0]):
        changes += events.add_scores("a", "x", number, number * 100_000, (Match("cat", value),))
    assert [change.phase for change in changes if change.phase != "update"] == ["begin", "end"]
