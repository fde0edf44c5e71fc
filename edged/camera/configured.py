"""The source that a camera of the configuration asks for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol

from edged.camera.frame_needs import FrameNeeds
from edged.camera.prepared import PreparedSource, PreparedStream
from edged.camera.source import LiveStream, Source
from edged.values import MAX_PIXELS, WHITE, Colour

if TYPE_CHECKING:
    from edged.config import CameraConfig
    from edged.vision.pixels.reduction import Decode

__all__ = ["open_source"]


class ConfiguredSource(Protocol):
    """A class of sources that the configuration can ask for."""

    def from_config(self, camera: CameraConfig, needs: FrameNeeds) -> Source:
        """Return the source that *camera* asks for, not opened yet.

        A source that can have its sensor mirror frames does so, and its format reports that; others need not.
        """


def open_source(
    camera: CameraConfig,
    *,
    decode: Decode = "full",
    input_size: tuple[int, int] | None = None,
    max_pixels: int = MAX_PIXELS,
    background: Colour = WHITE,
    can_change_mask: bool = False,
) -> Source:
    """Return the source that *camera* asks for, not opened yet. Its frames are mirrored and masked already.

    *input_size* is the width and height of the model's input; without it frames are as large as the camera likes. With
    *decode* ``reduced``, which only cameras that send JPEGs can do, these are decoded as small as the model allows.
    Its frames may have *max_pixels*; transparent pictures are laid on *background*. With *can_change_mask* it is a
    `MaskedSource`.
    """
    module, _, name = camera.source.kind.source_class.partition(":")
    # Imported only now, because some kinds need libraries that others do not.
    source_class: ConfiguredSource = getattr(importlib.import_module(module), name)
    source = source_class.from_config(camera, FrameNeeds.of(camera, decode, input_size, max_pixels, background))
    if camera.mirror == "none" and not camera.mask and not can_change_mask:
        return source
    if isinstance(source, LiveStream):
        return PreparedStream(source, camera.mirror, camera.mask)
    return PreparedSource(source, camera.mirror, camera.mask)
