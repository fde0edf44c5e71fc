"""All references in all places: who is ended, by what, and why."""

from __future__ import annotations

from edged.events import EventChange, EventRule, EventRules, Events, Thresholds
from edged.wire import Match

HALF = Thresholds(0.5, 0.4)
PLACES = [("street", "path"), ("street", "door"), ("yard", "full")]
EVERYWHERE = EventRules([EventRule("cat", HALF), EventRule("dog", HALF)], PLACES)


def scores(cat: float, dog: float) -> tuple[Match, ...]:
    return Match("cat", cat), Match("dog", dog), Match("no-rule", 1.0)


def all_open(rules: EventRules = EVERYWHERE) -> Events:
    """Events of which all that *rules* know are open since the first second."""
    events = Events("run", rules)
    for camera, region in PLACES:
        events.add_scores(camera, region, 1, 1_000_000, scores(1.0, 1.0))
    return events


def told(changes: list[EventChange]) -> set[str]:
    return {f"{h.camera}/{h.region} {h.reference}: {h.reason or h.phase}" for h in changes}


def test_each_reference_in_each_place_has_its_own_events() -> None:
    events = Events("run", EVERYWHERE)
    assert told(events.add_scores("street", "path", 1, 1, scores(0.6, 0.1))) == {"street/path cat: begin"}
    assert told(events.add_scores("street", "door", 1, 1, scores(0.6, 0.1))) == {"street/door cat: begin"}
    assert told(events.add_scores("street", "path", 2, 2, scores(0.1, 0.6))) == {
        "street/path cat: left",
        "street/path dog: begin",
    }


def test_ids_are_those_of_no_other_run() -> None:
    events = [Events(run, EVERYWHERE) for run in ("a", "b")]
    ids = [h.event_id for one in events for h in one.add_scores("street", "path", 1, 1, scores(1, 1))]
    assert ids == ["a-1", "a-2", "b-1", "b-2"]


def test_without_a_rule_nothing_happens() -> None:
    assert Events("run").add_scores("street", "path", 1, 1, scores(1, 1)) == []
    assert Events("run", EVERYWHERE).add_scores("street", "gate", 1, 1, scores(1, 1)) == []
    assert Events("run", EVERYWHERE).add_scores("street", "path", 1, 1, (Match("no-rule", 1.0),)) == []


def test_of_several_pictures_of_a_reference_the_first_and_best_counts() -> None:
    events = Events("run", EVERYWHERE)
    seen = (Match("cat", 0.6, "sitting"), Match("dog", 0.45), Match("cat", 0.1, "running"))
    assert told(events.add_scores("street", "path", 1, 1, seen)) == {"street/path cat: begin"}
    assert events.add_scores("street", "path", 2, 2, seen) == []


def test_a_lost_camera_ends_its_own_events_only() -> None:
    events = all_open()
    assert told(events.end_camera("street", 2_000_000)) == {
        f"street/{region} {reference}: camera-lost" for region in ("path", "door") for reference in ("cat", "dog")
    }
    assert events.end_camera("street", 2_000_000) == []
    assert told(events.end_all()) == {"yard/full cat: stopped", "yard/full dog: stopped"}
    assert events.end_all() == []


def test_what_a_camera_saw_before_it_was_lost_begins_nothing_afterwards() -> None:
    events = all_open()
    events.end_camera("street", 2_000_000)
    assert events.add_scores("street", "path", 2, 2_000_000, scores(1, 1)) == []
    assert told(events.add_scores("street", "path", 3, 2_000_001, scores(1, 0))) == {"street/path cat: begin"}
    assert events.add_scores("yard", "full", 2, 1_500_000, scores(0, 0)) != []


def test_a_reference_that_is_removed_ends_where_it_was() -> None:
    events = all_open()
    ends = events.use(EventRules([EventRule("cat", HALF), EventRule("dog", HALF, ("yard",))], PLACES))
    assert told(ends) == {"street/path dog: reference-removed", "street/door dog: reference-removed"}
    assert told(events.add_scores("street", "path", 2, 2_000_000, scores(0, 0))) == {"street/path cat: left"}


def test_a_region_that_is_gone_takes_its_references_with_it_and_a_camera_stops() -> None:
    events = all_open()
    ends = events.use(EventRules([EventRule("cat", HALF), EventRule("dog", HALF)], [("street", "path")]))
    assert told(ends) == {
        "street/door cat: reference-removed",
        "street/door dog: reference-removed",
        "yard/full cat: stopped",
        "yard/full dog: stopped",
    }
    assert len(events.end_all()) == 2


def test_the_same_rules_again_change_nothing() -> None:
    events = all_open()
    assert events.use(EventRules([EventRule("cat", HALF), EventRule("dog", HALF)], PLACES)) == []
    assert events.add_scores("street", "path", 2, 2_000_000, scores(1, 1)) == []


def test_a_reference_that_comes_back_has_another_event() -> None:
    events = all_open()
    (first,) = [end for end in events.use(EventRules([], PLACES)) if (end.region, end.reference) == ("path", "cat")]
    assert events.use(EVERYWHERE) == []
    (second,) = events.add_scores("street", "path", 2, 2_000_000, scores(1, 0))
    assert second.phase == "begin"
    assert second.event_id != first.event_id


def test_a_late_subscriber_gets_all_open_events() -> None:
    events = all_open()
    events.add_scores("yard", "full", 2, 1_100_000, scores(1, 0))
    events.request_updates()
    assert told(events.add_scores("yard", "full", 3, 3_000_000, scores(1, 0))) == {"yard/full cat: update"}
    assert events.add_scores("yard", "full", 4, 5_000_000, scores(1, 0)) == []
