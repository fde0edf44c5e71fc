"""One look through each camera: the frame with its regions, and what the model is given of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from edged.camera import open_source
from edged.errors import DamagedFrame, EndOfStream, SourceError
from edged.pipeline.loading.model import read_model_file
from edged.values import FULL
from edged.vision.pixels.view import portraits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edged.camera import Source
    from edged.config import Loaded

__all__ = ["Photographer"]

FRAME_SECONDS = 15.0  # within which an open camera must deliver a good frame
GRAB_SECONDS = 0.25


class Photographer:
    """Takes pictures through the cameras of a configuration, one after the other.

    Raises:
        ConfigError: its model cannot be used.
    """

    def __init__(self, loaded: Loaded) -> None:
        self._config = loaded.config
        self._input = read_model_file(loaded).input

    def take(self, camera: str) -> dict[str, NDArray[np.uint8]]:
        """One frame of *camera*: RGB pictures, the frame under its name, and each region's as ``camera.region``.

        Raises:
            SourceError: the camera cannot be opened, or gives no good frame.
        """
        config = self._config.cameras[camera]
        size = (self._input.width, self._input.height)
        source = open_source(config, decode=self._config.model.decode, input_size=size)
        try:
            frame_format = source.open()
            slot = np.zeros(frame_format.shape, np.uint8)
            _take_frame(source, slot, config.settle_frames)
        finally:
            source.close()
        # A camera that cuts the region out itself shows nothing else.
        regions = {name: FULL if config.scaler_crop else region.region for name, region in config.regions.items()}
        resize = self._config.model.resize
        return portraits(camera, slot, frame_format, regions, config.rotation, self._input, resize)


def _take_frame(source: Source, slot: NDArray[np.uint8], skip: int) -> None:
    """Fill *slot* with the first good frame after *skip* others."""
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
        except EndOfStream as exc:
            raise SourceError(str(exc)) from exc
        return
    raise SourceError(f"no good frame within {FRAME_SECONDS:g} s{damage}")
