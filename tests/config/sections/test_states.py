"""Sets of states: their names, places and pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edged.config import Config, StateSetConfig, config_hash, dump, load_text

Told = Callable[[str], list[str]]
Read = Callable[[str], Config]

TEXT = "cameras: {dock: {source: 'file:a.mp4', regions: {bay: {}}}}\nstates: {bay: {SETTINGS}}\n"
OF = "of: [empty, truck]"


def bay(read: Read, settings: str) -> StateSetConfig:
    return read(TEXT.replace("SETTINGS", settings)).states["bay"]


def test_a_set_needs_nothing_but_the_names_of_its_states(read: Read) -> None:
    states = bay(read, OF)
    assert states.states == ("empty", "truck")
    assert (states.places, states.images, states.references, states.events) == (None, {}, {}, ())
    assert (states.unknown_below, states.min_seconds, states.unknown_seconds, states.review) == (0.73, 0.5, 30, False)
    assert read("cameras: {a: {source: 'file:a'}}\nstates:\n").states == {}


def test_a_set_has_pictures_of_its_states(read: Read, tmp_path: Path) -> None:
    states = bay(read, f"for: [dock/bay], {OF}, images: {{truck: [t.jpg, trucks/]}}, events: [truck], review: true")
    assert states.places == ("dock/bay",)
    assert states.images == {"truck": (tmp_path / "t.jpg", tmp_path / "trucks")}
    assert (states.events, states.review) == (("truck",), True)


def test_a_set_can_group_references_that_are_enrolled_later(read: Read) -> None:
    states = bay(read, "for: [dock], of: {empty: bay-empty, truck: bay-truck}")
    assert states.states == ("empty", "truck")
    assert states.references == {"empty": "bay-empty", "truck": "bay-truck"}


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ("", "2:10: states.bay.of: is missing"),
        ("of: empty", "2:20: states.bay.of: must be a list of states, or a mapping with a reference for each state"),
        ("of: [empty]", "2:20: states.bay.of: must have 2 to 8 states (got 1)"),
        ("of: {empty: a}, for: [dock]", "states.bay.of: must have 2 to 8 states (got 1)"),
        ("of: [a, b, c, d, e, f, g, h, i]", "states.bay.of: must have 2 to 8 states (got 9)"),
        ("of: [a, b, a]", "2:27: states.bay.of[2]: must not be given twice (got 'a')"),
        ("of: {a: r, b: r}, for: [dock]", "2:30: states.bay.of.b: must not be given twice (got 'r')"),
        ("of: [a, 1]", "states.bay.of[1]: must be text (got 1)"),
        ("of: [a, B]", "states.bay.of[1]: must start with a letter a-z or a digit"),
        ("of: {a: r, b: /}, for: [dock]", "states.bay.of.b: must start with a letter a-z or a digit"),
        ("of: [a, unknown]", "2:24: states.bay.of[1]: must not be unknown, because that is the answer of a set"),
        ("of: {a: r, unknown: s}, for: [dock]", "2:27: states.bay.of.unknown: must not be unknown"),
        ("of: {a: r, b: s}", "states.bay.for: must be given with references in of: the cameras or regions where"),
        (f"{OF}, images: {{truck: [a]}}", "states.bay.for: must be given with images: the cameras or regions where"),
        (f"{OF}, for: [dock], images: {{truk: [a]}}", "images.truk: names no state of this set (got 'truk'); did you"),
        (f"{OF}, for: [dock], images: {{truck: []}}", "states.bay.images.truck: must name at least one (got none)"),
        (f"{OF}, for: [dock], images: [a]", "states.bay.images: must be a mapping (got a list)"),
        (f"{OF}, for: [dock/by]", "for[0]: names no region of camera dock (got 'dock/by'); did you mean 'bay'?"),
        (f"{OF}, for: []", "states.bay.for: must name at least one (got none)"),
        (f"{OF}, unknown_below: 0.5", "states.bay.unknown_below: must be greater than 0.5 (got 0.5)"),
        (f"{OF}, unknown_below: 1", "states.bay.unknown_below: must be less than 1 (got 1)"),
        (f"{OF}, min_seconds: -1", "states.bay.min_seconds: must be at least 0 (got -1)"),
        (f"{OF}, unknown_seconds: 1e9", "states.bay.unknown_seconds: must be at most 86400"),
        (f"{OF}, events: [truk]", "states.bay.events[0]: names no state of this set (got 'truk'); did you mean"),
        (f"{OF}, events: [truck, truck]", "states.bay.events[1]: must not be given twice (got 'truck')"),
        (f"{OF}, state: 1", "states.bay.state: unknown key; known are for, of, images, unknown_below"),
    ],
)
def test_a_wrong_setting_of_a_set_is_reported_in_a_sentence(told: Told, settings: str, rule: str) -> None:
    (line,) = told(TEXT.replace("SETTINGS", settings))
    assert rule in line


def test_a_set_is_not_named_like_a_reference(told: Told) -> None:
    lines = told(TEXT.replace("SETTINGS", OF) + "references: {bay: {images: [a.jpg]}}\nlog: {level: 1}")
    assert len(lines) == 2, "it is found whatever else is wrong"
    assert "2:15: states.bay: must not have the name of a reference (got bay); rename one of the two" in lines[0]
    (line,) = told(TEXT.replace("SETTINGS", OF) + "references: {bay: {images: [a.jpg]}}")
    assert line == lines[0]


def test_wrong_places_are_reported_with_all_other_mistakes(told: Told) -> None:
    lines = told(TEXT.replace("SETTINGS", "of: [a], for: [x]"))
    assert [line.split(": ")[1] for line in lines] == ["states.bay.of", "states.bay.for[0]"]


@pytest.mark.parametrize("of", ["[empty, truck]", "{empty: a, truck: b}"])
def test_a_set_is_written_out_and_read_again(read: Read, of: str) -> None:
    config = read(TEXT.replace("SETTINGS", f"of: {of}, for: [dock], images: {{empty: [e]}}, events: [truck]"))
    again = load_text(dump(config), "/edged.yaml").config
    assert again == config
    assert config_hash(again) == config_hash(config)
