"""Rounding as C's ``roundf`` does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["round_half_away", "saturate_int8"]


def round_half_away(values: NDArray[np.float32], spare: NDArray[np.float32]) -> None:
    """Round *values* in place to whole numbers, halves away from zero; *spare* is memory of the same shape and dtype.

    Every step is exact: the whole part, and twice the rest cut off, which is 1 or -1 from a half on.
    """
    np.trunc(values, spare)
    np.subtract(values, spare, values)
    np.multiply(values, 2, values)
    np.trunc(values, values)
    np.add(values, spare, values)


def saturate_int8(values: NDArray[np.float32]) -> None:
    """Limit *values* in place to -128…127. What is not a number becomes -128."""
    np.fmax(values, -128, values)
    np.fmin(values, 127, values)
