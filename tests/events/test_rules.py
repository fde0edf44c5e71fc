"""What may be a rule, and where it holds."""

from __future__ import annotations

import math

import pytest

from edged.config import Config
from edged.events import EventRule, EventRules, Thresholds
from edged.pipeline.loading.event_rules import event_rules

LOW, HIGH = Thresholds(0.5, 0.4), Thresholds(0.9, 0.8)


@pytest.mark.parametrize(
    ("enter", "leave", "seconds"),
    [(0.5, 0.6, 0), (1.1, 0.5, 0), (0.5, -1.1, 0), (math.nan, 0, 0), (0.5, 0.4, -1), (0.5, 0.4, math.inf)],
)
def test_thresholds_that_cannot_be_are_refused(enter: float, leave: float, seconds: float) -> None:
    with pytest.raises(ValueError, match="must"):
        Thresholds(enter, leave, cooldown_seconds=seconds)


def test_a_rule_holds_in_its_cameras_and_regions_or_everywhere() -> None:
    places = [("street", "path"), ("street", "door"), ("yard", "path")]
    rules = EventRules(
        [EventRule("a", LOW), EventRule("b", LOW, ("street",)), EventRule("c", LOW, ("street/path", "yard/path"))],
        places,
    )
    assert {"".join(place): "".join(rules.at(*place)) for place in places} == {
        "streetpath": "abc",
        "streetdoor": "ab",
        "yardpath": "ac",
    }
    assert rules.at("yard", "door") == {}
    assert rules.cameras == {"street", "yard"}


def test_the_last_rule_for_a_reference_counts() -> None:
    rules = EventRules([EventRule("a", LOW), EventRule("a", HIGH, ("street/path",))], [("street", "path"), ("b", "c")])
    assert rules.at("street", "path") == {"a": HIGH}
    assert rules.at("b", "c") == {"a": LOW}


def test_the_configuration_decides_which_references_make_events() -> None:
    config = Config.model_validate(
        {
            "cameras": {"street": {"source": "pattern:", "regions": {"path": {}, "door": {}}}},
            "references": {
                "silent": {"images": ["a.jpg"]},
                "bounded": {"images": ["a.jpg"], "enter": 0.9, "for": ["street/path"]},
                "full": {"images": ["a.jpg"], "enter": 0.9, "leave": 0.5, "min_seconds": 1.0, "cooldown_seconds": 2.0},
            },
        }
    )
    rules = event_rules(config, [EventRule("live", LOW, ("street/door",))])
    assert rules.at("street", "path") == {"bounded": Thresholds(0.9, 0.87), "full": Thresholds(0.9, 0.5, 1.0, 2.0)}
    assert set(rules.at("street", "door")) == {"full", "live"}
