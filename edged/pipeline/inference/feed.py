"""One camera as the inference sees it."""

from __future__ import annotations

from dataclasses import dataclass

from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.inference.skip_unchanged import UnchangedSettings
from edged.pipeline.ring import FrameRing
from edged.values import Region, Rotation

__all__ = ["Feed"]


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """One camera as the worker sees it: where its frames come from, and what is looked at in each.

    ``wait_for_publisher`` is the policy ``block``: a result that cannot be handed over is waited with, not dropped.
    ``is_cropped`` says that the camera itself cuts out the region, so that its frames show nothing else. ``skipping``
    says when a region is not embedded because nothing has moved there; None: each frame is. With ``on_demand`` only
    what somebody needs is embedded: see `Demand`.
    """

    camera: str
    ring: FrameRing
    tally: CameraStats
    regions: tuple[tuple[str, Region], ...]
    rotation: Rotation
    wait_for_publisher: bool
    is_cropped: bool = False
    skipping: UnchangedSettings | None = None
    on_demand: bool = False
