"""The ``Source`` protocol: a camera or file as the capture uses it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from edged.regions import Polygon
from edged.values import Format, Stamp

__all__ = ["LiveStream", "MaskedSource", "Source"]


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


@runtime_checkable
class MaskedSource(Source, Protocol):
    """A source whose frames are masked, by polygons that can change while it is open."""

    def use_mask(self, polygons: Sequence[Polygon]) -> None:
        """Make *polygons* grey, from the next ``retrieve`` on.

        It may be called at any time, by the thread that owns the source.
        """
