"""Findings of checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Check", "Finding", "Level", "bad", "ok", "warning"]

Level: TypeAlias = Literal["ok", "warning", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: ``bad`` would keep the daemon from starting, or end it; ``cure`` is what to do."""

    topic: str
    level: Level
    text: str
    cure: str = ""


Check: TypeAlias = Callable[[str | None], Iterator[Finding]]
"""A check. Its argument is the file of the configuration, if there is one. It may hang or die."""


def ok(topic: str, text: str) -> Finding:
    """Return a finding without anything to do."""
    return Finding(topic, "ok", text)


def warning(topic: str, text: str, cure: str = "") -> Finding:
    """Return a finding with which the daemon runs, but something is missing or slow."""
    return Finding(topic, "warning", text, cure)


def bad(topic: str, text: str, cure: str) -> Finding:
    """Return a finding with which the daemon does not start, or does not work at all."""
    return Finding(topic, "bad", text, cure)
