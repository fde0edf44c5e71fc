"""Specifications of a model file that has been read and found usable.

These are plain values: made by ``model_file``, used by preprocessing, the interpreter and the embedder.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["HeadSpec", "InputSpec", "ModelFile", "Normalization", "Quantization", "TensorType"]

TensorType = Literal["uint8", "int8", "float32"]


@dataclass(frozen=True, slots=True)
class Quantization:
    """``real = scale * (stored - zero_point)``."""

    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True)
class Normalization:
    """``real = (pixel - mean) / std`` with one value for all channels, or three for R, G, B.

    Raises:
        ValueError: not 1 or 3 values, of different length, not finite, or a std of 0.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.std):
            raise ValueError(
                "NormalizationOptions: expected mean and std of same dimension, "
                f"got {len(self.mean)} and {len(self.std)}."
            )
        if len(self.mean) not in (1, 3):
            raise ValueError(
                f"NormalizationOptions: only 1 or 3 mean and std values are supported, got {len(self.mean)}."
            )
        if not all(map(math.isfinite, self.mean + self.std)):
            raise ValueError("NormalizationOptions: mean and std must be finite numbers.")
        if 0.0 in self.std:
            raise ValueError("NormalizationOptions.std_values can't be 0.")


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The one picture that a model takes: ``(1, height, width, 3)`` RGB.

    ``index`` is the tensor's number in the model file; ``normalization`` is None only where the model takes pixels as
    they are (``uint8`` and ``int8``). ``resized`` is whether the model takes any size, and is set to this one.
    """

    name: str
    index: int
    height: int
    width: int
    dtype: TensorType
    quantization: Quantization | None = None
    normalization: Normalization | None = None
    resized: bool = False


@dataclass(frozen=True, slots=True)
class HeadSpec:
    """One output of a model: a vector of ``size`` numbers.

    ``index`` counts the outputs from 0; ``tensor_index`` is the tensor's number in the model file. ``name`` comes from
    the model's metadata and is None where that has none.
    """

    index: int
    tensor_index: int
    tensor_name: str
    size: int
    dtype: TensorType
    quantization: Quantization | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ModelFile:
    """A model that was read, verified and found to be an image embedder.

    ``name`` is what messages call it: the bundled model's name, or the file's name without its ending. ``digest`` is
    the SHA-256 of ``content`` in hex. ``custom_ops`` are the operators that only a delegate can run.
    ``ignored_names`` are names of heads in the metadata that are not used, because there are more or fewer than heads.
    """

    name: str
    content: bytes = field(repr=False)
    digest: str
    input: InputSpec
    heads: tuple[HeadSpec, ...]
    custom_ops: tuple[str, ...] = ()
    ignored_names: tuple[str | None, ...] = ()
