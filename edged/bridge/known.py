"""What the bridge knows of a daemon, and how it tells the next bridge of its name."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from math import inf

from edged.bridge.topics import CameraKey, ReferencePlace
from edged.values import check_name

__all__ = ["Activity", "KnownCamera", "KnownRegion", "recollect", "remember"]


@dataclass(slots=True)
class KnownRegion:
    """Of a region: when it was last heard of, the time and the scores of the last frame, and when to tell them."""

    heard: float
    t_cap_us: int = 0
    scores: dict[str, float] = field(default_factory=dict)
    next_score: float = -inf


@dataclass(slots=True)
class KnownCamera:
    """Of a camera: when it was last heard of, and what was said. ``state`` is empty before it is known."""

    heard: float
    state: str = ""
    run: str = ""
    model: str = ""
    next_status: float = -inf
    regions: dict[str, KnownRegion] = field(default_factory=dict)


@dataclass(slots=True)
class Activity:
    """Of a reference that makes events: whether one is open (None: not known yet), and the time of the last frame that
    an event told of (None: none since somebody looks)."""

    is_on: bool | None = None
    t_cap_us: int | None = None


def remember(
    cameras: Iterable[CameraKey], places: Iterable[ReferencePlace], active: Collection[ReferencePlace]
) -> bytes:
    """JSON of all *cameras* and *places*, and which of these make events."""
    content = {"cameras": list(cameras), "places": [[*place, place in active] for place in places]}
    return json.dumps(content, separators=(",", ":")).encode()


def recollect(content: bytes) -> tuple[list[CameraKey], dict[ReferencePlace, bool]]:
    """The cameras, and the places with whether they make events, out of what `remember` made.

    Raises:
        ValueError: somebody else made it.
    """
    try:
        known = json.loads(content)
        cameras = [CameraKey(*map(check_name, names)) for names in known["cameras"]]
        places = {ReferencePlace(*map(check_name, names)): is_active is True for *names, is_active in known["places"]}
    except (ValueError, TypeError, KeyError, RecursionError) as exc:
        raise ValueError(f"is not what a bridge writes: {exc}") from exc
    return cameras, places
