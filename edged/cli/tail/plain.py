"""Plain lines of ``edged tail``, for pipes and log files."""

from __future__ import annotations

from edged.cli.tail.state import Line
from edged.cli.text import lasted

__all__ = ["OLD_SCORES", "best", "dropped", "plain", "remaining"]

OLD_SCORES = {"lost", "frozen", "silent", "stopped", "bye"}
"""States in which the last scores are outdated, so that the reason stands in their place."""

MOST_SCORES = 6


def plain(line: Line) -> str:
    """Return *line* as text."""
    words = ["/".join(filter(None, (line.node, line.camera, line.region))), line.state or "-"]
    if line.state in OLD_SCORES:
        words += [f"({line.reason})"] if line.reason else []
    else:
        events = dict(line.events)
        for name, score in best(line.scores):
            words.append(f"{name} {score:.3f}" + (f" (event, {lasted(events[name])})" if name in events else ""))
        words += filter(None, [remaining(line)])
        words += [f"{name} {p:.2f}" for name, p in line.states]
    words.append(f"{line.rate:.1f} msg/s")
    if line.latency_ms is not None and line.age_ms is not None:
        words += [f"latency {line.latency_ms:.1f} ms", f"age {line.age_ms:.1f} ms"]
    words += [f"drops {dropped(line.drops, ', ')}", f"gaps {line.gaps}"]
    return "  ".join(words)


def best(scores: tuple[tuple[str, float], ...]) -> list[tuple[str, float]]:
    """Return the best few scores, sorted by name, because lines that change places cannot be read."""
    return sorted(scores[:MOST_SCORES])


def remaining(line: Line) -> str:
    """Return how many scores of *line* ``best`` leaves out: ``and 3 more``; an empty text if it leaves out none."""
    count = len(line.scores) + line.more - MOST_SCORES
    return f"and {count} more" if count > 0 else ""


def dropped(drops: tuple[tuple[str, int], ...], separator: str) -> str:
    """Return the causes of drops with their counts, or ``0``."""
    return separator.join(f"{cause} {count}" for cause, count in drops if count) or "0"
