"""The JPEGs that a network camera sends, all of one size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edged.camera.jpeg import check_jpeg, decode_jpeg, reduced
from edged.errors import DamagedFrame, SourceError
from edged.values import Format

__all__ = ["SentJpegs"]


class SentJpegs:
    """Decodes the pictures of one camera, which keep the size of the first.

    Args:
        shown: the camera, as texts name it.
        reduce, max_pixels: see `MjpegSource`.
    """

    def __init__(self, shown: str, reduce: Callable[[int, int], int] | None, max_pixels: int) -> None:
        self._shown = shown
        self._reduce = reduce
        self._max_pixels = max_pixels
        self._size = (0, 0)  # as they come
        self._fraction = 1

    def begin(self, first: memoryview, fps: float | None = None) -> Format:
        """Return the format of the frames, of which *first* is the first picture.

        Raises:
            DamagedFrame, SourceError: see `check_jpeg`; the text does not name the camera.
        """
        self._size = check_jpeg(first, self._max_pixels)
        self._fraction = self._reduce(*self._size) if self._reduce is not None else 1
        width, height = (reduced(side, self._fraction) for side in self._size)
        return Format(width, height, fps=fps, codec="jpeg", decoder="opencv", captured_size=self._size)

    def decode(self, picture: memoryview, slot: NDArray[np.uint8]) -> None:
        """Decode *picture* into *slot*.

        Raises:
            DamagedFrame: it is damaged.
            SourceError: it has another size than the first, or too many pixels.
        """
        try:
            decode_jpeg(np.frombuffer(picture, np.uint8), slot, self._fraction, self._max_pixels)
        except DamagedFrame as exc:
            raise self._damage(picture, exc) from exc

    def _damage(self, picture: memoryview, damage: DamagedFrame) -> SourceError:
        try:
            size = check_jpeg(picture, self._max_pixels)
        except SourceError as exc:  # damaged, or too large
            return type(exc)(f"{self._shown}: {exc}")
        if size != self._size:
            now, before = (f"{width}×{height}" for width, height in (size, self._size))
            return SourceError(f"{self._shown}: its pictures are {now} now instead of {before}")
        return DamagedFrame(f"{self._shown}: {damage}")
