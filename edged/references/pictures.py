"""Reference pictures: found in folders, read upright, and embedded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edged.errors import PictureError, ReferenceImageError, map_exceptions
from edged.values import MAX_PIXELS, Box, PixelFormat
from edged.vision.image import read_picture
from edged.vision.pixels.reduction import reduce_picture

if TYPE_CHECKING:
    from edged.vision.embedder import Embedder

__all__ = ["PICTURE_SUFFIXES", "embed_picture", "embed_upright", "picture_files", "read_reference"]

PICTURE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""The suffixes of the files in a folder that are taken for pictures."""


def picture_files(path: Path) -> list[Path]:
    """Return *path* itself, or the pictures in the folder *path*, by name.

    Raises:
        ReferenceImageError: the folder cannot be read or holds no picture.
    """
    try:
        if not path.is_dir():
            return [path]
        pictures = sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES)
    except OSError as exc:
        raise ReferenceImageError(f"{path}: cannot be read: {exc.strerror}") from exc
    if not pictures:
        raise ReferenceImageError(
            f"{path}: the folder holds no picture (files that end in {', '.join(sorted(PICTURE_SUFFIXES))})"
        )
    return pictures


def read_reference(path: Path, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Return a picture turned upright by its EXIF orientation: RGB, ``(height, width, 3)``.

    Raises:
        ReferenceImageError: *path* is missing or not a picture, or has more than *max_pixels*.
    """
    with map_exceptions({PictureError: ReferenceImageError}, str(path)):
        return read_picture(path, max_pixels)


def embed_picture(
    path: Path, embedder: Embedder, max_pixels: int = MAX_PIXELS
) -> NDArray[np.float32] | NDArray[np.int8]:
    """Return the vector of a whole picture, upright and decoded as the embedder's are; shape ``(dimension,)``.

    Raises:
        ReferenceImageError: *path* is missing, is not a picture, has more than *max_pixels*, or gives a vector that
            cannot be compared.
    """
    return embed_upright(path, read_reference(path, max_pixels), embedder)


def embed_upright(path: Path, picture: NDArray[np.uint8], embedder: Embedder) -> NDArray[np.float32] | NDArray[np.int8]:
    """Return the vector of *picture*, which `read_reference` has read from *path*; shape ``(dimension,)``.

    Raises:
        ReferenceImageError: it gives a vector that cannot be compared, or there is no memory to reduce it.
    """
    if embedder.options.decode == "reduced":
        with map_exceptions({PictureError: ReferenceImageError}, str(path)):
            picture = reduce_picture(picture, (embedder.model.input.width, embedder.model.input.height))
    height, width = picture.shape[:2]
    vector = np.zeros(embedder.dimension, embedder.dtype)
    embedder.embed(picture, PixelFormat.RGB, Box(0, 0, width, height), 0, vector)
    if not vector.any():
        raise ReferenceImageError(f"{path}: the model gives a vector of zeros, which is like nothing")
    return vector
