"""Durations, counts, times and text from the network, as people read them."""

from __future__ import annotations

import time

from edged.label_text import is_text

__all__ = ["lasted", "printable", "some", "time_of_day"]


def printable(text: str) -> str:
    """Return *text* from the network without control characters, which could move the cursor or worse."""
    return "".join(character if is_text(character) else "\N{REPLACEMENT CHARACTER}" for character in text)


def lasted(seconds: float) -> str:
    """Return a duration: ``12.4 s``, ``3 min 20 s``, ``5 h 2 min``, ``2 d 3 h``."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, part, smaller in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part} {smaller}"
    return f"{whole // 60} min {whole % 60} s"


def some(count: int, noun: str) -> str:
    """Return a count with its noun: ``1 message``, ``2 messages``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def time_of_day(wall_us: int) -> str:
    """Return the local time as ``14:03:07``; dashes for a number that no clock can show: it came over a network."""
    try:
        return time.strftime("%H:%M:%S", time.localtime(wall_us / 1e6))
    except (OverflowError, OSError, ValueError):
        return "--:--:--"
