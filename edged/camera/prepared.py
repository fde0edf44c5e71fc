"""Preparation of frames before anything sees them: they are mirrored, and then masked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edged.camera.mask import Mask
from edged.camera.mirror import Flip, combined
from edged.regions import Polygon
from edged.values import Format, Mirror, Stamp

if TYPE_CHECKING:
    from edged.camera.source import LiveStream, Source

__all__ = ["PreparedSource", "PreparedStream"]


class PreparedSource:
    """A `Source` whose frames are those of another one, mirrored and masked.

    Whatever *source* does by itself of *mirror*, as its format reports, is not done again. The polygons of *mask* are
    in 0…1 of the frame as it is mirrored. They are grey as soon as ``retrieve`` returns.
    """

    def __init__(self, source: Source, mirror: Mirror, mask: Sequence[Polygon]) -> None:
        self._source = source
        self._mirror = mirror
        self._polygons = mask
        self._format: Format | None = None
        self._flip: Flip | None = None
        self._stored: NDArray[np.uint8]  # the frame before it is mirrored
        self._mask: Mask | None = None

    def open(self) -> Format:
        given = self._source.open()
        if given != self._format:
            self._format = given
            missing = combined(self._mirror, given.mirror)
            self._flip = None if missing == "none" else Flip(given, missing)
            self._make_mask(given)
            self._stored = np.zeros(given.shape if self._flip else 0, np.uint8)
        return replace(given, mirror=self._mirror)

    def grab(self, timeout: float) -> Stamp | None:
        return self._source.grab(timeout)

    def retrieve(self, slot: NDArray[np.uint8]) -> None:
        if self._flip is None:
            self._source.retrieve(slot)
        else:
            self._source.retrieve(self._stored)
            self._flip(self._stored, slot)
        if self._mask is not None:
            self._mask(slot)

    def use_mask(self, polygons: Sequence[Polygon]) -> None:
        if polygons != self._polygons:
            self._polygons = polygons
            if self._format is not None:
                self._make_mask(self._format)

    def _make_mask(self, given: Format) -> None:
        self._mask = Mask(self._polygons, given) if self._polygons else None

    def wake(self) -> None:
        self._source.wake()

    def close(self) -> None:
        self._source.close()


class PreparedStream(PreparedSource):
    """The same of a `LiveStream`."""

    def __init__(self, source: LiveStream, mirror: Mirror, mask: Sequence[Polygon]) -> None:
        super().__init__(source, mirror, mask)
        self._stream = source

    def last_received(self) -> float:
        return self._stream.last_received()

    def expect_rate(self, max_fps: float | None) -> None:
        self._stream.expect_rate(max_fps)
