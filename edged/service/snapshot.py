"""Snapshots of cameras that no daemon holds: the frame with its regions, and the model's input for each region."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from edged.camera import open_source
from edged.camera.pixel_regions import check_regions
from edged.errors import DamagedFrame, EndOfStream, SourceError, map_exceptions
from edged.regions import FULL
from edged.vision.pixels.view import frame_pictures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edged.camera import Source
    from edged.config import Config
    from edged.vision.specs import InputSpec

__all__ = ["take_snapshot"]

FRAME_SECONDS = 15.0  # within which an open camera must deliver a good frame
GRAB_SECONDS = 0.25


def take_snapshot(config: Config, camera: str, model_input: InputSpec) -> dict[str, NDArray[np.uint8]]:
    """Return one frame of *camera*: RGB pictures, the frame under its name, and each region's as ``camera.region``.

    Args:
        config: has the camera, and the model's settings.
        model_input: the input of its model.

    Raises:
        SourceError: the camera cannot be opened, delivers no good frame, or one too small for a region.
    """
    camera_config, model = config.cameras[camera], config.model
    source = open_source(
        camera_config,
        decode=model.decode,
        input_size=(model_input.width, model_input.height),
        max_pixels=config.max_pixels,
        background=config.background,
    )
    places = {name: each.region for name, each in camera_config.regions.items()}
    try:
        frame_format = source.open()
        check_regions(places, frame_format)
        slot = np.zeros(frame_format.shape, np.uint8)
        with map_exceptions({EndOfStream: SourceError}):
            _take_frame(source, slot, camera_config.settle_frames)
    finally:
        source.close()
    # A camera that crops to the region itself shows nothing else.
    regions = {name: FULL if camera_config.scaler_crop else frame_format.region(each) for name, each in places.items()}
    return frame_pictures(
        camera, slot, frame_format, regions, camera_config.rotation, model_input, model.resize, model.fit
    )


def _take_frame(source: Source, slot: NDArray[np.uint8], skip: int) -> None:
    """Fill *slot* with the first good frame after *skip* others; raises SourceError or EndOfStream without one."""
    deadline = time.monotonic() + FRAME_SECONDS
    damage = ""
    while time.monotonic() < deadline:
        try:
            if source.grab(GRAB_SECONDS) is None:
                continue
            if skip:
                skip -= 1
                continue
            source.retrieve(slot)
        except DamagedFrame as exc:
            damage = f": {exc}"
            continue
        return
    raise SourceError(f"no good frame within {FRAME_SECONDS:g} s{damage}")
