"""The settings that make events of a reference."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from edged.config import Config, ReferenceConfig

Told = Callable[[str], list[str]]
Read = Callable[[str], Config]

TEXT = "cameras: {street: {source: 'file:a.mp4'}}\nreferences: {cat: {images: [cat.jpg], SETTINGS}}\n"


def cat(read: Read, settings: str) -> ReferenceConfig:
    return read(TEXT.replace("SETTINGS", settings)).references["cat"]


def test_a_reference_makes_no_events_without_a_threshold(read: Read) -> None:
    reference = cat(read, "")
    assert (reference.enter, reference.leaves_below) == (None, None)


def test_an_event_ends_a_little_below_enter_unless_leave_is_set(read: Read) -> None:
    assert cat(read, "enter: 0.9").leaves_below == 0.87
    assert cat(read, "enter: 0.9, leave: 0.9").leaves_below == 0.9
    assert cat(read, "enter: -1").leaves_below == -1


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ("enter: 1.1", "enter: must be at most 1 (got 1.1)"),
        ("enter: -1.1", "enter: must be at least -1 (got -1.1)"),
        ("enter: '0.9'", "enter: must be a number (got '0.9')"),
        ("enter: .nan", "enter: must be a finite number (got nan)"),
        ("enter: 0.8, leave: 0.9", "leave: must be at most enter (got 0.9 and 0.8)"),
        ("leave: 0.9", "leave: does nothing without enter"),
        ("min_seconds: 1", "min_seconds: does nothing without enter"),
        ("cooldown_seconds: 1", "cooldown_seconds: does nothing without enter"),
        ("enter: 0.9, min_seconds: -1", "min_seconds: must be at least 0 (got -1)"),
        ("enter: 0.9, cooldown_seconds: 1e9", "cooldown_seconds: must be at most 86400"),
    ],
)
def test_an_impossible_rule_is_reported(told: Told, settings: str, rule: str) -> None:
    (line,) = told(TEXT.replace("SETTINGS", settings))
    assert f"references.cat.{rule}" in line


def test_several_mistakes_are_reported_at_once(told: Told) -> None:
    assert len(told(TEXT.replace("SETTINGS", "leave: 2, min_seconds: -1, cooldown_seconds: 5"))) == 3
