"""``TensorImage``: a picture in memory, from a file, from bytes or from an array."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from edged.values import MAX_PIXELS, WHITE, PixelFormat
from edged.vision.odd_sides import SUBSAMPLED, odd_size, padded
from edged.vision.pictures.decoding import decode, read_file
from edged.vision.pixels.colour import frame_size

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from edged.values import Colour

__all__ = ["ColorSpaceType", "TensorImage", "read_picture"]


class ColorSpaceType(Enum):
    """The colour spaces that the Task Library has names for."""

    GRAYSCALE = "GRAYSCALE"
    RGB = "RGB"
    RGBA = "RGBA"


_BY_CHANNELS = {1: PixelFormat.GRAY, 3: PixelFormat.RGB, 4: PixelFormat.RGBA}

_COLOR_SPACES = {
    PixelFormat.GRAY: ColorSpaceType.GRAYSCALE,
    PixelFormat.RGB: ColorSpaceType.RGB,
    PixelFormat.RGBA: ColorSpaceType.RGBA,
}


class TensorImage:
    """A picture and the layout of its bytes. It keeps its array alive, and never copies or changes it.

    Only a YUV picture of odd sides is copied once.

    Made by ``create_from_file``, ``create_from_buffer`` or ``create_from_array``.

    Raises:
        ValueError: *array* is not of the layout *pixels*, or has no pixels.
    """

    def __init__(self, array: NDArray[np.uint8], pixels: PixelFormat, size: tuple[int, int] | None = None) -> None:
        self._size = size or frame_size(array, pixels)
        if 0 in self._size:
            raise ValueError(f"Invalid stride information. The picture has no pixels (got shape {array.shape})")
        self._array = array
        self._pixels = pixels

    @classmethod
    def create_from_file(
        cls, file_name: str | bytes | os.PathLike[str], *, exif: bool = False, max_pixels: int = MAX_PIXELS
    ) -> Self:
        """Return the picture in a file, gray, RGB or RGBA as stored.

        As in the Task Library, the orientation in its EXIF data is ignored; with *exif* it is applied, and the picture
        is RGB, with white where it is transparent. The file may have 64 MiB, and the picture *max_pixels* pixels.

        Raises:
            PictureError: the file cannot be read, is not a picture, or is too large; a ``RuntimeError`` and a
                ``ValueError``.
        """
        return cls.create_from_buffer(read_file(file_name), exif=exif, max_pixels=max_pixels)

    @classmethod
    def create_from_buffer(cls, buffer: bytes, *, exif: bool = False, max_pixels: int = MAX_PIXELS) -> Self:
        """Return the picture in *buffer*, the bytes of a picture file; else like ``create_from_file``.

        Raises:
            PictureError: the bytes are not a picture, or are one that is too large; a ``RuntimeError`` and a
                ``ValueError``.
            TypeError: *buffer* holds no bytes.
        """
        return cls.create_from_array(decode(bytes(memoryview(buffer)), exif=exif, max_pixels=max_pixels))

    @classmethod
    def create_from_array(
        cls, array: NDArray[Any], pixels: PixelFormat | str | None = None, size: tuple[int, int] | None = None
    ) -> Self:
        """Return the picture in a ``uint8`` array of any memory layout; a later change of the array is seen.

        Without *pixels* it is RGB of shape ``(height, width, 3)``, RGBA of ``(height, width, 4)`` or gray of ``(height,
        width)`` or ``(height, width, 1)``, each also with a 1 before it: a batch of one. Where that is in doubt, as
        with ``(1, 10, 3)``, the last number means the channels. With *pixels* it is of that layout, which may be BGR or
        one of a camera's. NV12, NV21, I420 and YV12 of an odd width need their *size*, width and height; then *array*
        may have any shape, and holds the bytes without padding.

        Raises:
            AttributeError: *array* is not an array.
            ValueError: it is not ``uint8``, or of another shape.
        """
        if array.dtype != np.uint8:
            raise ValueError(f"Expect numpy array with dtype=uint8. (got {array.dtype})")
        if pixels is not None:
            return cls(*_of_layout(array, _pixel_format(pixels), size))
        return cls(*_recognised(array))

    @property
    def buffer(self) -> NDArray[np.uint8]:
        """The array, ``(height, width, channels)`` but for YUV: a view of the memory that ``embed`` reads, no copy."""
        return (
            self._array[..., np.newaxis] if self._pixels == PixelFormat.GRAY and self._array.ndim == 2 else self._array
        )

    @property
    def pixels(self) -> PixelFormat:
        """The layout of ``buffer``."""
        return self._pixels

    @property
    def width(self) -> int:
        """In pixels."""
        return self._size[0]

    @property
    def height(self) -> int:
        """In pixels."""
        return self._size[1]

    @property
    def color_space_type(self) -> ColorSpaceType:
        """``GRAYSCALE``, ``RGB`` or ``RGBA``.

        Raises:
            ValueError: it is none of these; ``pixels`` names its format.
        """
        try:
            return _COLOR_SPACES[self._pixels]
        except KeyError:
            raise ValueError(f"Unsupported color space type. (got {self._pixels}; see pixels)") from None


def read_picture(
    path: str | bytes | os.PathLike[str], max_pixels: int = MAX_PIXELS, background: Colour = WHITE
) -> NDArray[np.uint8]:
    """Return the picture in the file *path*, upright by its EXIF data: RGB, ``uint8`` of shape ``(height, width, 3)``.

    What is transparent is laid on *background*.

    Raises:
        PictureError: the file cannot be read, is not a picture, or has more than 64 MiB or *max_pixels*; a
            ``RuntimeError`` and a ``ValueError``.
    """
    return decode(read_file(path), exif=True, max_pixels=max_pixels, background=background)


def _pixel_format(name: PixelFormat | str) -> PixelFormat:
    try:
        return PixelFormat(name)
    except ValueError:
        raise ValueError(f"pixels must be one of {', '.join(PixelFormat)} (got {name!r})") from None


def _of_layout(
    array: NDArray[Any], pixels: PixelFormat, size: tuple[int, int] | None
) -> tuple[NDArray[np.uint8], PixelFormat, tuple[int, int] | None]:
    if pixels in SUBSAMPLED:
        size = size or odd_size(array)
        if size is not None:
            return padded(array, size), pixels, size
    elif size is not None and size != frame_size(array, pixels):
        raise ValueError(f"size must be that of the array, {frame_size(array, pixels)} (got {size})")
    return array, pixels, None


def _recognised(array: NDArray[Any]) -> tuple[NDArray[np.uint8], PixelFormat]:
    shape = array.shape
    if len(shape) > 2 and shape[0] == 1 and (len(shape) == 4 or shape[2] not in _BY_CHANNELS):
        array = array[0]
    if array.ndim not in (2, 3):
        raise ValueError(
            "Incompatible buffer dimension! A picture is (height, width), (height, width, channels), or either with a "
            f"1 before it (got shape {shape})"
        )
    channels = 1 if array.ndim == 2 else array.shape[2]
    if channels not in _BY_CHANNELS:
        raise ValueError(
            f"Expected image with 1 (grayscale), 3 (RGB) or 4 (RGBA) channels, found {channels} (got shape {shape})"
        )
    return array, _BY_CHANNELS[channels]
