"""One camera as the inference sees it."""

from __future__ import annotations

from dataclasses import dataclass

from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.inference.skip_unchanged import UnchangedSettings
from edged.pipeline.ring import FrameRing
from edged.regions import AnyRegion
from edged.values import Rotation

__all__ = ["Feed"]


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """The frames of one camera and the regions to embed in each.

    ``wait_for_publisher`` is the policy ``block``: the inference waits with a result that cannot be handed over, and
    does not drop it. With ``is_cropped`` the camera itself cuts out the region, so that its frames show nothing else.
    ``skipping`` sets when a region is not embedded because nothing has moved there; None: each frame is embedded. With
    ``on_demand`` only wanted regions are embedded: see `Demand`.
    """

    camera: str
    ring: FrameRing
    stats: CameraStats
    regions: tuple[tuple[str, AnyRegion], ...]
    rotation: Rotation
    wait_for_publisher: bool
    is_cropped: bool = False
    skipping: UnchangedSettings | None = None
    on_demand: bool = False
