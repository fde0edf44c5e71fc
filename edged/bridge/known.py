"""Known cameras, regions and events of the bridge, and the JSON that keeps them for the next bridge of its name."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from math import inf

from edged.bridge.topics import CameraKey, ReferencePlace
from edged.errors import map_exceptions
from edged.values import check_name

__all__ = ["Activity", "KnownCamera", "KnownRegion", "read_known", "write_known"]


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


@dataclass(slots=True)
class Activity:
    """State of a reference that makes events.

    ``is_on`` says whether an event is open (None: not known yet). ``t_cap_us`` is the time of the last frame that an
    event reported (None: this bridge has seen no event).
    """

    is_on: bool | None = None
    t_cap_us: int | None = None


def write_known(
    cameras: Iterable[CameraKey], places: Iterable[ReferencePlace], active: Collection[ReferencePlace]
) -> bytes:
    """Return JSON of all *cameras* and *places*, and which of the places make events."""
    content = {"cameras": list(cameras), "places": [[*place, place in active] for place in places]}
    return json.dumps(content, separators=(",", ":")).encode()


def read_known(content: bytes) -> tuple[list[CameraKey], dict[ReferencePlace, bool]]:
    """Return the cameras, and for each place whether it makes events, from JSON of `write_known`.

    Raises:
        ValueError: another program wrote *content*.
    """
    if len(content) > MAX_BYTES:
        raise ValueError(f"has more than {MAX_BYTES} bytes, which no bridge writes")
    failures = ValueError, TypeError, KeyError, RecursionError
    with map_exceptions(dict.fromkeys(failures, ValueError), "is not what a bridge writes"):
        known = json.loads(content)
        cameras = [CameraKey(*map(check_name, names)) for names in known["cameras"]]
        places = {ReferencePlace(*map(check_name, names)): is_active is True for *names, is_active in known["places"]}
    return cameras, places
