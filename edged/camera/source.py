"""The ``Source`` protocol: a camera or file as the capture uses it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from edged.camera.frame_needs import FrameNeeds
from edged.camera.prepared import PreparedSource, PreparedStream
from edged.values import MAX_PIXELS, WHITE, Colour, Format, Stamp

if TYPE_CHECKING:
    from edged.config import CameraConfig
    from edged.vision.pixels.reduction import Decode

__all__ = ["LiveStream", "Source", "open_source"]


class Source(Protocol):
    """Something that delivers frames. One thread opens, uses and closes it; after ``close`` it can be opened again.

    A frame comes in two steps, because most frames of a fast camera are thrown away: ``grab`` takes the next frame off
    the driver's queue and is cheap, ``retrieve`` decodes it and is called only for a frame that goes on.
    """

    def open(self) -> Format:
        """Start delivering; returns what the driver really delivers, not what it was asked for.

        Raises:
            SourceError: it cannot be opened now.
        """

    def grab(self, timeout: float) -> Stamp | None:
        """Take the next frame; None if there was none within about *timeout* seconds.

        Raises:
            DamagedFrame: frames came that are not whole; others may follow.
            SourceError: it has stopped delivering and must be opened again.
            EndOfStream: there are no more frames, and there will be none.
        """

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        """Decode the grabbed frame into *slot*, an array of the ``shape`` of the format that ``open`` returned.

        Raises:
            SourceError: it cannot be decoded, or has another size.
        """

    def wake(self) -> None:
        """End a ``grab`` that waits, as far as that can be done; the one method that any thread may call."""

    def close(self) -> None:
        """Stop delivering and free the device; harmless when done twice or never opened."""


@runtime_checkable
class LiveStream(Source, Protocol):
    """A source that may give out fewer frames than it receives, because it decodes only what is wanted."""

    def last_received(self) -> float:
        """Return when something last came that shows that the camera still sends, in seconds on the monotonic clock.

        It is called after ``open`` and before ``close``.
        """

    def expect_rate(self, max_fps: float | None) -> None:
        """Take note that no more than *max_fps* frames per second are wanted; None: all that come.

        It may be called at any time, by the thread that owns the source.
        """


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
) -> Source:
    """Return the source that *camera* asks for, not opened yet. Its frames are mirrored and masked already.

    *input_size* is the width and height of the model's input; without it frames are as large as the camera likes. With
    *decode* ``reduced``, which only cameras that send JPEGs can do, these are decoded as small as the model allows.
    Its frames may have *max_pixels*; transparent pictures are laid on *background*.
    """
    module, _, name = camera.source.kind.source_class.partition(":")
    # Imported only now, because some kinds need libraries that others do not.
    source_class: ConfiguredSource = getattr(importlib.import_module(module), name)
    source = source_class.from_config(camera, FrameNeeds.of(camera, decode, input_size, max_pixels, background))
    if camera.mirror == "none" and not camera.mask:
        return source
    if isinstance(source, LiveStream):
        return PreparedStream(source, camera.mirror, camera.mask)
    return PreparedSource(source, camera.mirror, camera.mask)
