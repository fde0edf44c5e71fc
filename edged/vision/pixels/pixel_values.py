"""A table from the 256 values of a pixel to the numbers that a model takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edged.errors import ModelError
from edged.vision.pixels.rounding import round_half_away, saturate_int8

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edged.vision.specs import InputSpec, Normalization

__all__ = ["pixel_values"]


def pixel_values(spec: InputSpec) -> NDArray[Any] | None:
    """Return the number for each of the 256 pixel values; None where pixels go into the model as they are.

    ``(256,)`` for all channels or ``(1, 256, 3)`` for R, G and B, of the input's dtype. ``uint8`` inputs take
    pixels as they are, and the metadata is ignored, as in the Task Library. ``float32`` is ``(pixel - mean) *
    (1 / std)``, the reciprocal rounded first. ``int8``, which the Task Library does not know, is the normalised
    value quantised by the tensor's scale and zero point (halves away from zero, saturating), or, without
    normalisation, the pixel less 128.

    Raises:
        ModelError: the input needs normalisation, or a scale, that *spec* does not have.
    """
    if spec.dtype == "uint8":
        return None
    if spec.normalization is None:
        if spec.dtype == "float32":
            raise ModelError(
                f"Input tensor {spec.name} has type float32: it requires specifying NormalizationOptions metadata to "
                "preprocess input images, or mean and std in the settings."
            )
        return (np.arange(256) - 128).astype(np.int8)
    real = _normalised(spec.normalization)
    if spec.dtype == "float32":
        return real
    if spec.quantization is None or not spec.quantization.scale:
        raise ModelError(
            f"Input tensor {spec.name} has type int8 and normalisation: it requires a quantisation scale (got none)."
        )
    steps = real / np.float32(spec.quantization.scale)
    round_half_away(steps, np.empty_like(steps))
    steps += np.float32(spec.quantization.zero_point)
    saturate_int8(steps)
    return steps.astype(np.int8)


def _normalised(normalization: Normalization) -> NDArray[np.float32]:
    pixels = np.arange(256, dtype=np.float32)
    mean = np.asarray(normalization.mean, np.float32)
    factor = np.float32(1) / np.asarray(normalization.std, np.float32)
    if len(mean) == 1:
        return (pixels - mean) * factor
    return ((pixels[:, None] - mean) * factor)[None]
