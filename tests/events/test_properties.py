"""What holds for any scores at any times, with anything done in between."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edged.events import (
    SOONEST_UPDATE_SECONDS,
    EventRule,
    EventRules,
    Events,
    Happening,
    Thresholds,
)
from edged.wire import Match

PLACES = [("a", "x"), ("a", "y"), ("b", "x")]
REFERENCES = ("cat", "dog")

score = st.floats(-1, 1)
seconds = st.sampled_from([0.0, 0.1, 1.0, 30.0])
thresholds = st.builds(
    lambda pair, least, cool: Thresholds(max(pair), min(pair), least, cool), st.tuples(score, score), seconds, seconds
)
rules = st.builds(
    lambda of, places: EventRules([EventRule(name, one) for name, one in of.items()], places),
    st.dictionaries(st.sampled_from(REFERENCES), thresholds),
    st.lists(st.sampled_from(PLACES), unique=True),
)
step_us = st.sampled_from([0, 1, 100_000, 700_000, 5_000_000, 60_000_000])
# A frame, or what else can happen to a daemon. What goes on is much likelier than what breaks off.
frame = st.tuples(st.just("frame"), st.sampled_from(PLACES), step_us, st.tuples(score, score))
story = st.lists(
    st.one_of(
        frame,
        frame,
        frame,
        st.tuples(st.just("lose"), st.sampled_from(["a", "b"])),
        st.tuples(st.just("use"), rules),
        st.tuples(st.just("ask")),
        st.tuples(st.just("back"), step_us),
    ),
    max_size=60,
)


def play(first: EventRules, steps: list[tuple]) -> list[Happening]:  # type: ignore[type-arg]  # of several shapes
    """Everything that happens in a story, to its end."""
    events, t_us, happenings = Events("run", first), 0, []
    for number, step in enumerate(steps):
        match step:
            case "frame", (camera, region), later_us, values:
                t_us += later_us
                matches = tuple(Match(name, value) for name, value in zip(REFERENCES, values, strict=True))
                happenings += events.see(camera, region, number, t_us, matches)
            case "lose", camera:
                happenings += events.lose(camera, t_us)
            case "use", new:
                happenings += events.use(new)
            case ("ask",):
                events.ask()
            case "back", earlier_us:
                t_us -= earlier_us
    return happenings + events.stop()


@given(rules, story)
def test_events_begin_and_end_in_turn_and_their_ids_pair_up(first: EventRules, steps: list[tuple]) -> None:  # type: ignore[type-arg]  # as above
    happenings = play(first, steps)
    of_subject = defaultdict(list)
    for happening in happenings:
        of_subject[happening.camera, happening.region, happening.reference].append(happening)
    for told in of_subject.values():
        edges = [happening for happening in told if happening.phase != "update"]
        assert [edge.phase for edge in edges] == ["begin", "end"] * (len(edges) // 2)
        open_id = None
        for happening in told:
            if happening.phase == "begin":
                open_id = happening.event_id
            assert happening.event_id == open_id
            assert (happening.reason is not None) == (happening.phase == "end")
    begins = [happening.event_id for happening in happenings if happening.phase == "begin"]
    assert len(set(begins)) == len(begins)


@given(rules, story)
def test_times_are_ordered_peaks_are_peaks_and_updates_are_seldom(first: EventRules, steps: list[tuple]) -> None:  # type: ignore[type-arg]  # as above
    of_event = defaultdict(list)
    for happening in play(first, steps):
        of_event[happening.event_id].append(happening)
    for told in of_event.values():
        assert len({happening.t_begin_us for happening in told}) == 1
        times = [told[0].t_begin_us, *(happening.t_cap_us for happening in told)]
        assert times == sorted(times)
        peaks = [happening.peak for happening in told]
        assert peaks == sorted(peaks)
        assert all(happening.peak >= happening.s for happening in told)
        updates = [happening.t_cap_us for happening in told if happening.phase != "end"]
        gaps = [later - sooner for sooner, later in pairwise(updates)]
        assert all(gap >= SOONEST_UPDATE_SECONDS * 1e6 for gap in gaps)


@given(thresholds, st.lists(st.tuples(step_us, score), max_size=60))
def test_an_event_keeps_its_thresholds_its_least_time_and_its_cooldown(
    of: Thresholds, shown: list[tuple[int, float]]
) -> None:
    events, t_us = Events("run", EventRules([EventRule("cat", of)], PLACES)), 0
    past: list[tuple[int, float]] = []
    last_end = None
    for number, (later_us, value) in enumerate(shown):
        t_us += later_us
        past.append((t_us, value))
        for happening in events.see("a", "x", number, t_us, (Match("cat", value),)):
            if happening.phase == "begin":
                since = [value for at, value in past if at > happening.t_begin_us]
                assert min([value, *since]) >= of.enter
                assert t_us - happening.t_begin_us >= of.min_seconds * 1e6
                assert last_end is None or t_us - last_end >= of.cooldown_seconds * 1e6
                assert last_end is None or happening.t_begin_us >= last_end
            elif happening.phase == "end":
                assert value < of.leave
                last_end = t_us


@given(st.floats(-0.9, 0.9), st.floats(0.001, 0.1), st.data())
def test_a_score_that_trembles_within_the_band_makes_one_event(middle: float, band: float, data: st.DataObject) -> None:
    of = Thresholds(middle + band / 2, middle - band / 2)
    trembling = data.draw(st.lists(st.floats(of.leave, 1), min_size=1, max_size=100))
    events = Events("run", EventRules([EventRule("cat", of)], PLACES))
    happenings = []
    for number, value in enumerate([-1.0, of.enter, *trembling, -1.0]):
        happenings += events.see("a", "x", number, number * 100_000, (Match("cat", value),))
    assert [happening.phase for happening in happenings if happening.phase != "update"] == ["begin", "end"]
