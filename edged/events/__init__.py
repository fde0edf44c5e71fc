"""Events: from scores that rise and fall to things that began and ended. ``docs/events.md`` is the manual.

Nothing here knows of threads, sockets, cameras or clocks: it is given scores with the times at which their frames were
captured, and returns what begins, goes on and ends.
"""

from __future__ import annotations

from edged.events.detector import PEAK_STEP, SOONEST_UPDATE_SECONDS, UPDATE_SECONDS, Detector, EventChange, Reason
from edged.events.events import Events
from edged.events.rules import EventRule, EventRules, Thresholds

__all__ = [
    "PEAK_STEP",
    "SOONEST_UPDATE_SECONDS",
    "UPDATE_SECONDS",
    "Detector",
    "EventChange",
    "EventRule",
    "EventRules",
    "Events",
    "Reason",
    "Thresholds",
]
