"""Settings of a capture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edged.errors import EdgedError
from edged.regions import AnyRegion, Polygon

__all__ = ["CaptureSettings"]


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """Settings of a capture: which frames it takes, and when its source counts as lost.

    ``wait_for_reader`` is the policy ``block``: no frame is taken before the last one has been. ``max_fps`` caps a live
    source. ``settle_frames`` are skipped after each opening, while exposure settles.

    No good frame for ``stall_seconds`` is a loss, the same picture for ``frozen_seconds`` a freeze; 0 switches either
    off. The source is opened again after ``retry_seconds``, and after pauses that double up to ``retry_max_seconds``;
    after ``max_reopens`` in a row without a good frame the stage fails (0: never).

    ``regions`` are those that may be outside the frame, because they are in pixels: then the source counts as lost.

    ``refuse`` makes the error with which the daemon refuses to start if the source cannot be opened then; without it
    the source is tried again like a lost one.

    ``mask`` are the polygons that are grey in each frame of a `MaskedSource`; None: those that it has.
    """

    wait_for_reader: bool = False
    max_fps: float | None = None
    settle_frames: int = 0
    stall_seconds: float = 0.0
    frozen_seconds: float = 0.0
    retry_seconds: float = 0.5
    retry_max_seconds: float = 30.0
    max_reopens: int = 0
    regions: tuple[tuple[str, AnyRegion], ...] = ()
    refuse: Callable[[str], EdgedError] | None = None
    mask: tuple[Polygon, ...] | None = None
