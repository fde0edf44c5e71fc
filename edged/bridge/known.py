"""Known cameras, regions and events of the bridge, and the JSON that keeps them for the next bridge of its name."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

from edged.bridge.topics import CameraKey, ReferencePlace, SetPlace
from edged.errors import map_exceptions
from edged.values import check_name

__all__ = ["Activity", "Known", "KnownCamera", "KnownRegion", "read_known", "write_known"]


MAX_BYTES = 2 << 20  # for all that a bridge keeps, with the longest names


@dataclass(slots=True)
class KnownRegion:
    """State of a region.

    ``last_seen`` is when its last message came, ``t_cap_us`` and ``scores`` are those of its last frame, and
    ``next_score`` is when the scores are due to be published.
    """

    last_seen: float
    t_cap_us: int = 0
    scores: dict[str, float] = field(default_factory=dict)
    next_score: float = -inf


@dataclass(slots=True)
class KnownCamera:
    """State of a camera: when its last message came, and its content. ``state`` is empty before the first status."""

    last_seen: float
    state: str = ""
    run: str = ""
    model: str = ""
    next_status: float = -inf
    regions: dict[str, KnownRegion] = field(default_factory=dict)

    def delivers(self, now: float, silent_seconds: float) -> bool:
        """Whether a vector of any region came in the last *silent_seconds*."""
        return any(now - region.last_seen < silent_seconds for region in self.regions.values())


@dataclass(slots=True)
class Activity:
    """State of a reference that makes events.

    ``is_on`` says whether an event is open (None: not known yet). ``t_cap_us`` is the time of the last frame that an
    event reported (None: this bridge has seen no event).
    """

    is_on: bool | None = None
    t_cap_us: int | None = None


class Known(NamedTuple):
    """The knowledge of a bridge: its cameras, for each reference in a region whether it makes events, and its sets."""

    cameras: list[CameraKey]
    places: dict[ReferencePlace, bool]
    sets: list[SetPlace]


def write_known(
    cameras: Iterable[CameraKey],
    places: Iterable[ReferencePlace],
    active: Collection[ReferencePlace],
    sets: Iterable[SetPlace],
) -> bytes:
    """Return JSON of all *cameras*, *places* and *sets*, and which of the places make events."""
    content = {
        "cameras": list(cameras),
        "places": [[*place, place in active] for place in places],
        "sets": list(sets),
    }
    return json.dumps(content, separators=(",", ":")).encode()


def read_known(content: bytes) -> Known:
    """Return what JSON of `write_known` holds; that of an earlier bridge has no sets.

    Raises:
        ValueError: another program wrote *content*.
    """
    if len(content) > MAX_BYTES:
        raise ValueError(f"has more than {MAX_BYTES} bytes, which no bridge writes")
    failures = ValueError, TypeError, KeyError, AttributeError, RecursionError
    with map_exceptions(dict.fromkeys(failures, ValueError), "is not what a bridge writes"):
        known = json.loads(content)
        cameras = [CameraKey(*map(check_name, names)) for names in known["cameras"]]
        places = {ReferencePlace(*map(check_name, names)): is_active is True for *names, is_active in known["places"]}
        sets = [SetPlace(*map(check_name, names)) for names in known.get("sets", ())]
    return Known(cameras, places, sets)
