"""The seam between capture and whatever delivers frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from edged.values import Format, Stamp

if TYPE_CHECKING:
    from edged.config import CameraConfig

__all__ = ["Source", "open_source"]


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


def open_source(camera: CameraConfig) -> Source:
    """The source that *camera* asks for, not opened yet."""
    match camera.source.kind:
        case "file":
            from edged.camera.file import VideoFile

            return VideoFile(camera.source.target, loop=camera.loop, fps=camera.fps)
        case "usb":
            from edged.camera.usb import UsbCamera

            return UsbCamera(camera.source.target)
        case kind:
            raise AssertionError(f"the configuration let an unknown kind of source pass: {kind}")
