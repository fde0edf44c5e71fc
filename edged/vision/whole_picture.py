"""A whole picture as a vector: of a reference, of an example, and of what it was made into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edged.errors import PictureError
from edged.regions import Box
from edged.values import PixelFormat
from edged.vision.pixels.reduction import crop_size, reduce_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edged.values import Rotation
    from edged.vision.embedder import Embedder
    from edged.vision.pixels.reduction import Decode

__all__ = ["embed_whole"]


def embed_whole(
    picture: NDArray[np.uint8], rotation: Rotation, decode: Decode, embedder: Embedder
) -> NDArray[np.float32] | NDArray[np.int8]:
    """Return the vector of *picture*, RGB, which is rotated as a region is; shape ``(dimension,)``.

    *decode* is how it was decoded: in full it is reduced first, where *embedder* gets reduced pictures.

    Raises:
        PictureError: its vector is one of zeros, which cannot be compared, or there is no memory to reduce it.
    """
    if embedder.options.decode == "reduced" and decode == "full":
        size = embedder.model.input
        picture = reduce_picture(picture, crop_size((size.width, size.height), rotation))
    height, width = picture.shape[:2]
    vector = np.zeros(embedder.dimension, embedder.dtype)
    embedder.embed(picture, PixelFormat.RGB, Box(0, 0, width, height), rotation, vector)
    if not vector.any():
        raise PictureError("the model gives a vector of zeros, which is like nothing")
    return vector
