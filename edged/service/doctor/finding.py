"""What a check has found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Check", "Finding", "Level", "bad", "ok", "warning"]

Level: TypeAlias = Literal["ok", "warning", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: ``bad`` would keep the daemon from starting, or end it; ``cure`` says what to do."""

    topic: str
    level: Level
    text: str
    cure: str = ""


Check: TypeAlias = Callable[[str | None], Iterator[Finding]]
"""Looks at something, and is told the file of the configuration, if there is one. It need not come to its end."""


def ok(topic: str, text: str) -> Finding:
    """All is well, or nothing is wrong with it."""
    return Finding(topic, "ok", text)


def warning(topic: str, text: str, cure: str = "") -> Finding:
    """The daemon runs, but something will be missing or slow."""
    return Finding(topic, "warning", text, cure)


def bad(topic: str, text: str, cure: str) -> Finding:
    """The daemon would not start, or not work at all."""
    return Finding(topic, "bad", text, cure)
