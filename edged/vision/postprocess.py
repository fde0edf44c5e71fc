"""Postprocessing from an output tensor to a feature vector, as in the Task Library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edged.errors import ModelError
from edged.vision.pixels.rounding import round_half_away, saturate_int8

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from edged.vision.specs import HeadSpec

__all__ = ["Postprocessor"]


class Postprocessor:
    """Dequantise, normalise to length 1, quantise to ``int8``: for one head, by one thread.

    Args:
        head: the output of the model.
        l2_normalize: divide by the vector's length. A vector of zeros stays one.
        quantize: 128 steps to 1.0, halves rounded away from zero, limited to -128…127.

    Raises:
        ModelError: the head is quantised and has no scale.
    """

    def __init__(self, head: HeadSpec, l2_normalize: bool, quantize: bool) -> None:
        self._l2_normalize = l2_normalize
        self._quantize = quantize
        self._real = np.zeros(head.size, np.float32)
        self._spare = np.zeros(head.size, np.float32)
        self._levels = _levels(head)

    def __call__(self, raw: NDArray[Any], out: NDArray[Any]) -> None:
        """Write the feature vector of *raw* to *out*.

        *raw* is what the output tensor holds, of its dtype, in any shape of ``size`` numbers. *out* has the shape
        ``(size,)`` and is ``int8`` where quantised, else ``float32``.

        Raises:
            ValueError: *out* is another array than that.
        """
        dtype = np.int8 if self._quantize else np.float32
        if out.shape != self._real.shape or out.dtype != dtype:
            raise ValueError(
                f"out must be {np.dtype(dtype)} of shape {self._real.shape} (got {out.dtype} of shape {out.shape})"
            )
        real = out if not self._quantize and out.flags.c_contiguous else self._real
        if self._levels is None:
            np.copyto(real, raw.reshape(-1))
        else:
            cv2.LUT(raw.reshape(-1).view(np.uint8), self._levels, real)
        if self._l2_normalize:
            self._normalize(real)
        if self._quantize:
            np.multiply(real, np.float32(128), real)
            saturate_int8(real)
            round_half_away(real, self._spare)
        if real is not out:
            np.copyto(out, real, casting="unsafe")

    def _normalize(self, real: NDArray[Any]) -> None:
        """The squares are added in float32, one after the other: the sum is the library's to the last bit."""
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            np.multiply(real, real, self._spare)
            square = np.add.accumulate(self._spare, out=self._spare)[-1]
            if square != 0:
                np.multiply(real, np.float32(1) / np.sqrt(square), real)


def _levels(head: HeadSpec) -> NDArray[np.float32] | None:
    """Return the number for each of the 256 bytes of a quantised tensor, ``(256,)``; None if it has floats."""
    if head.dtype == "float32":
        return None
    if head.quantization is None:
        raise ModelError(
            f"Output tensor {head.tensor_name} has type {head.dtype}: it requires a quantisation scale (got none)."
        )
    stored = np.arange(256, dtype=np.uint8).view(head.dtype).astype(np.float32)
    return (stored - np.float32(head.quantization.zero_point)) * np.float32(head.quantization.scale)
