"""Durations, counts, times and text from the network, for people to read."""

from __future__ import annotations

import time

__all__ = ["lasted", "printable", "some", "time_of_day"]


def printable(text: str) -> str:
    """*text* without what would move the cursor, ring the bell or worse: it came over a network."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def lasted(seconds: float) -> str:
    """How long something was: ``12.4 s``, ``3 min 20 s``, ``5 h 2 min``, ``2 d 3 h``."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, part, smaller in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part} {smaller}"
    return f"{whole // 60} min {whole % 60} s"


def some(count: int, noun: str) -> str:
    """``1 message``, ``2 messages``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def time_of_day(wall_us: int) -> str:
    """``14:03:07``, where we are; dashes for a time that is none, because it came over a network."""
    try:
        return time.strftime("%H:%M:%S", time.localtime(wall_us / 1e6))
    except (OverflowError, OSError, ValueError):
        return "--:--:--"
