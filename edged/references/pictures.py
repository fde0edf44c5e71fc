"""Reference pictures: found in folders, read upright, and embedded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edged.errors import PictureError, ReferenceImageError, map_exceptions
from edged.label_text import shown_path
from edged.values import MAX_PIXELS, WHITE, Colour
from edged.vision.image import read_picture
from edged.vision.pictures.picture_folder import list_pictures
from edged.vision.whole_picture import embed_whole

if TYPE_CHECKING:
    from edged.vision.embedder import Embedder

__all__ = ["embed_picture", "embed_upright", "picture_files", "read_reference"]


def picture_files(path: Path, report: Callable[[str], object] = lambda _: None) -> list[Path]:
    """Return *path* itself, or the pictures in the folder *path*, in the order of `list_pictures`.

    A line about what is passed over in the folder goes to *report*.

    Raises:
        ReferenceImageError: the folder cannot be read or holds no picture.
    """
    try:
        if not path.is_dir():
            return [path]
        folder = list_pictures(path)
    except OSError as exc:
        raise ReferenceImageError(f"{path}: cannot be read: {exc.strerror}") from exc
    if not folder.pictures:
        raise ReferenceImageError(folder.emptiness)
    if folder.notice:
        report(folder.notice)
    return list(folder.pictures)


def read_reference(path: Path, max_pixels: int = MAX_PIXELS, background: Colour = WHITE) -> NDArray[np.uint8]:
    """Return a picture turned upright by its EXIF orientation and laid on *background*: RGB, ``(height, width, 3)``.

    Raises:
        ReferenceImageError: *path* is missing or not a picture, or has more than *max_pixels*.
    """
    with map_exceptions({PictureError: ReferenceImageError}, shown_path(path)):
        return read_picture(path, max_pixels, background)


def embed_picture(
    path: Path, embedder: Embedder, max_pixels: int = MAX_PIXELS, background: Colour = WHITE
) -> NDArray[np.float32] | NDArray[np.int8]:
    """Return the vector of a whole picture, read as `read_reference` does and decoded as the embedder's are.

    Its shape is ``(dimension,)``.

    Raises:
        ReferenceImageError: *path* is missing, is not a picture, has more than *max_pixels*, or gives a vector that
            cannot be compared.
    """
    return embed_upright(path, read_reference(path, max_pixels, background), embedder)


def embed_upright(path: Path, picture: NDArray[np.uint8], embedder: Embedder) -> NDArray[np.float32] | NDArray[np.int8]:
    """Return the vector of *picture*, which `read_reference` has read from *path*; shape ``(dimension,)``.

    Raises:
        ReferenceImageError: it gives a vector that cannot be compared, or there is no memory to reduce it.
    """
    with map_exceptions({PictureError: ReferenceImageError}, shown_path(path)):
        return embed_whole(picture, 0, "full", embedder)
