"""The tensors of a TFLite model, each checked against its buffer, its shape and its quantization."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edged.vision.tflite.operator_options import TENSOR_TYPES
from edged.vision.tflite.sparsity import check_sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from edged.vision.tflite.flatbuffer import Record

__all__ = ["BITS", "GraphError", "Tensor", "by", "read_tensor"]

MAX_RANK = 8
"""Most dimensions of a tensor. No kernel supports more, and most support fewer."""

MAX_BYTES = 2**31 - 1
"""Most bytes of a tensor, because the kernels count them in 32 bits."""

BITS = {
    "FLOAT32": 32, "FLOAT16": 16, "INT32": 32, "UINT8": 8, "INT64": 64, "BOOL": 8, "INT16": 16,
    "COMPLEX64": 64, "INT8": 8, "FLOAT64": 64, "COMPLEX128": 128, "UINT64": 64, "UINT32": 32, "UINT16": 16,
    "INT4": 4, "BFLOAT16": 16, "INT2": 2, "UINT4": 4, "FLOAT8_E4M3FN": 8, "FLOAT8_E5M2": 8,
}  # fmt: skip
"""Bits per element. The other types (strings, resources, variants) have no fixed size."""

MAX_STRINGS = 10_000

ZERO_POINTS = {"UINT8": (0, 255), "INT8": (-128, 127)}

_NO_SCALE = np.empty(0, np.float32)
_NO_ZERO_POINT = np.empty(0, np.int64)


class GraphError(ValueError):
    """The model contradicts itself, or no runtime can run it. The text names the place, and what was found there."""


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """One tensor.

    ``signature`` is its shape with -1 for the dimensions that may change. ``constant`` are the bytes of its
    value, where the file has one; a ``sparse`` one leaves elements out. ``scale`` and ``zero_point`` are both
    empty, have one value, or one for each index along dimension ``axis``.
    """

    index: int
    name: str
    type: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    constant: npt.NDArray[np.uint8] | None
    sparse: bool
    variable: bool
    scale: npt.NDArray[np.float32]
    zero_point: npt.NDArray[np.int64]
    axis: int

    def __str__(self) -> str:
        return f"tensor {self.index} '{self.name}'"


def by(shape: Sequence[int]) -> str:
    """A shape in messages: ``1 x 224 x 224 x 3``."""
    return " x ".join(map(str, shape))


def read_tensor(index: int, record: Record, value: npt.NDArray[np.uint8]) -> Tensor:
    """Read tensor number *index* of a graph; *value* are the bytes of the buffer that it refers to.

    Raises:
        GraphError: they contradict each other. The text continues a sentence after the tensor's name.
    """
    if record["external_buffer"]:
        raise GraphError("has its value in another file, which is not supported")
    kind = TENSOR_TYPES[record["type"]]
    shape = _shape(record["shape"], kind)
    signature = record["shape_signature"]
    if value.size:
        _check_constant(record, value, shape, kind)
    scale, zero_point, axis = _quantization(record["quantization"], kind, shape)
    return Tensor(
        index=index,
        name=record["name"] or "",
        type=kind,
        shape=shape,
        signature=shape if signature is None or not signature.size else tuple(signature.tolist()),
        constant=value if value.size else None,
        sparse=bool(value.size) and record["sparsity"] is not None,
        variable=bool(record["is_variable"]),
        scale=scale,
        zero_point=zero_point,
        axis=axis,
    )


def _shape(vector: npt.NDArray[np.int32] | None, kind: str) -> tuple[int, ...]:
    shape: tuple[int, ...] = () if vector is None else tuple(vector.tolist())
    if len(shape) > MAX_RANK:
        raise GraphError(f"has {len(shape)} dimensions, and {MAX_RANK} are the most")
    if min(shape, default=0) < 0:
        raise GraphError(f"has the impossible shape {by(shape)}")
    if math.prod(max(1, size) for size in shape) * BITS.get(kind, 8) > MAX_BYTES * 8:
        raise GraphError(f"has the shape {by(shape)}, which is more than 2 GB of {kind}")
    return shape


def _check_constant(record: Record, value: npt.NDArray[np.uint8], shape: tuple[int, ...], kind: str) -> None:
    if record["is_variable"]:
        raise GraphError("is a variable, and has a constant value")
    if kind == "STRING":
        _check_strings(value, math.prod(shape))
    elif kind not in BITS:
        raise GraphError(f"has a constant value, which {kind} cannot have")
    elif record["sparsity"] is not None:
        try:
            check_sparse(record["sparsity"], shape, BITS[kind], value.size)
        except ValueError as exc:
            raise GraphError(f"is sparse, and {exc}") from exc
    elif value.size != (expected := (math.prod(shape) * BITS[kind] + 7) // 8):
        what = f"{by(shape)} of {kind}" if shape else f"one {kind}"
        raise GraphError(f"has a constant value of {value.size} bytes, but {what} takes {expected}")


def _check_strings(value: npt.NDArray[np.uint8], count: int) -> None:
    """Check the strings of a tensor: their count, the offset of each and of the end, all int32, then characters."""
    header = 4 * (count + 2)
    if count > MAX_STRINGS:
        raise GraphError(f"has {count} strings, and no image network has more than {MAX_STRINGS}")
    if value.size < header:
        raise GraphError(f"has {value.size} bytes, too few for {count} strings")
    numbers = np.frombuffer(value, "<i4", count + 2)
    places = numbers[1:]
    if numbers[0] != count or places[0] < header or places[-1] > value.size or (np.diff(places) < 0).any():
        raise GraphError(f"does not hold {count} strings that lie in it")


def _quantization(
    record: Record | None, kind: str, shape: tuple[int, ...]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], int]:
    scale = None if record is None else record["scale"]
    if record is None or scale is None or not scale.size:
        return _NO_SCALE, _NO_ZERO_POINT, 0
    zero_point, axis = record["zero_point"], record["quantized_dimension"]
    if zero_point is None or zero_point.size != scale.size:
        count = 0 if zero_point is None else zero_point.size
        raise GraphError(f"has {scale.size} scales and {count} zero points to undo its quantization")
    if axis < 0 or axis >= max(1, len(shape)):
        raise GraphError(f"is quantized along dimension {axis}, and has {len(shape)}")
    if scale.size > 1 and (not shape or scale.size != shape[axis]):
        raise GraphError(f"has {scale.size} scales along dimension {axis} of {by(shape)}")
    if not (np.isfinite(scale).all() and (scale >= 0).all()):
        raise GraphError("has a scale that is negative or not finite")
    low, high = ZERO_POINTS.get(kind, (-(2**31), 2**31 - 1))
    if zero_point.min() < low or zero_point.max() > high:
        raise GraphError(f"has a zero point that {kind} cannot hold")
    return scale, zero_point, axis
