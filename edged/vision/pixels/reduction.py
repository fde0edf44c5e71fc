"""Decoding of JPEGs at a fraction of their size: the largest fraction, and the same reduction of a reference."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from edged.errors import PictureError, map_exceptions
from edged.regions import FULL, AnyRegion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edged.values import Rotation

__all__ = ["Decode", "crop_size", "largest_reduction", "reduce_picture"]

Decode = Literal["full", "reduced"]
"""The size that JPEGs are decoded at: full, or a fraction where that leaves enough pixels for the model."""

_FLAGS = MappingProxyType({8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2})


def crop_size(input_size: tuple[int, int], rotation: Rotation) -> tuple[int, int]:
    """Return width and height of a crop after resizing, before *rotation* turns it into a picture of *input_size*."""
    width, height = input_size
    return (height, width) if rotation in (90, 270) else (width, height)


def largest_reduction(width: int, height: int, regions: Iterable[AnyRegion], least: tuple[int, int]) -> int:
    """Return by how much *width* × *height* can be reduced so that each region keeps its *least* width and height.

    Returns 8, 4 or 2; or 1, which leaves them as they are. Sides are rounded up, as a JPEG's decoder does.
    """
    placed = [region.at(width, height) for region in regions]
    for reduction in _FLAGS:
        boxes = [region.to_box(-(-width // reduction), -(-height // reduction)) for region in placed]
        if all(box.width >= least[0] and box.height >= least[1] for box in boxes):
            return reduction
    return 1


def reduce_picture(picture: NDArray[np.uint8], least: tuple[int, int]) -> NDArray[np.uint8]:
    """Return *picture*, RGB, as from a camera whose JPEGs are reduced as far as the *least* size allows.

    It goes through the same decoder, as a JPEG of the best quality. Its vector then has a cosine of 0.998 and more to
    that of a camera's JPEG of the same scene; in full it would have one of 0.92 to 0.99.

    Raises:
        PictureError: there is not enough memory to encode it.
    """
    reduction = largest_reduction(picture.shape[1], picture.shape[0], [FULL], least)
    if reduction == 1:
        return picture
    with map_exceptions(dict.fromkeys((cv2.error, MemoryError), PictureError), "the picture cannot be reduced"):
        encoded = cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 100])[1]
        decoded = cv2.imdecode(encoded, _FLAGS[reduction])
        assert decoded is not None, "what was just encoded can be decoded"
        return np.ascontiguousarray(decoded[..., ::-1], np.uint8)
