"""Two pictures made by arithmetic, and what every embedder has to make of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edged.errors import ModelError

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["SELF_TEST_PICTURES", "check_self_test", "least_cosine", "self_test_picture"]

SELF_TEST_PICTURES = ("leaf", "rings")


def self_test_picture(name: str, height: int, width: int, shade: int = 0) -> npt.NDArray[np.uint8]:
    """The self-test picture *name*: RGB, ``(height, width, 3)``, uint8, the same on every machine.

    Whole numbers only, so that no processor rounds them differently. The two were chosen for being unlike to
    every model tried, and for giving a model and its quantised form nearly the same vector (cosine 0.996). With
    *shade*, every pixel is brighter by so much, up to 255.
    """
    y = (np.arange(height, dtype=np.int64) * 256 // height)[:, None]
    x = (np.arange(width, dtype=np.int64) * 256 // width)[None, :]
    red, green, blue = _leaf(y, x) if name == "leaf" else _rings(y, x)
    picture = np.zeros((height, width, 3), np.uint8)
    for channel, values in enumerate((red, green, blue)):
        picture[..., channel] = np.minimum(values + shade, 255)
    return picture


def check_self_test(model: str, vectors: npt.NDArray[Any]) -> None:
    """Refuse the *model* of that name if *vectors*, one row for each picture, cannot be told apart.

    Raises:
        ModelError: a vector has a number that is not finite, or is all zeros, or both are the same.
    """
    for name, vector in zip(SELF_TEST_PICTURES, vectors, strict=True):
        if not np.isfinite(vector).all():
            raise ModelError(f"model {model}: self-test: the picture '{name}' gives numbers that are not finite")
        if not vector.any():
            raise ModelError(f"model {model}: self-test: the picture '{name}' gives a vector of zeros")
    if np.array_equal(*vectors):
        first, second = SELF_TEST_PICTURES
        raise ModelError(
            f"model {model}: self-test: the different pictures '{first}' and '{second}' give the same vector"
        )


def least_cosine(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    """The smallest cosine, -1…1, of the rows of two self-tests: how far two models see alike.

    Raises:
        ValueError: the vectors are not of the same size.
    """
    if one.shape != other.shape:
        raise ValueError(f"vectors of {one.shape[1]} and {other.shape[1]} numbers cannot be compared")
    a, b = one.astype(np.float64), other.astype(np.float64)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.min(np.sum(a * b, axis=1) / norms))


def _leaf(y: npt.NDArray[np.int64], x: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], ...]:
    side = np.abs(x - 128)
    inside = 3 * side * side // (y + 21) < (256 - y) // 2 + 10
    vein = (side < 3) | ((side + y) % 28 < 3)
    red = np.where(inside, np.where(vein, 170, 60 + y // 8), 225)
    green = np.where(inside, np.where(vein, 200, 130 - y // 6), 228)
    blue = np.where(inside, np.where(vein, 110, 40), 235)
    return red, green, blue


def _rings(y: npt.NDArray[np.int64], x: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], ...]:
    left = (x - 90) ** 2 + (y - 100) ** 2
    right = (x - 170) ** 2 + (y - 160) ** 2
    return left // 30 % 256, right // 36 % 256, x * y // 128 % 256
