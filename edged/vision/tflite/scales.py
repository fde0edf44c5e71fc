"""Can the kernels compute with the scales of a model's quantised tensors?

They turn the ratios of scales into whole numbers when a model is loaded. Where such a ratio is out of range, some
kernels say so, and others call ``abort()``, which ends the process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edged.vision.tflite.tensors import GraphError

if TYPE_CHECKING:
    from edged.vision.tflite.graph import Graph
    from edged.vision.tflite.tensors import Tensor

__all__ = ["check_scales"]

SMALLEST, LARGEST = 2.0**-60, 2.0**60
"""A scale outside is no measure of anything, and numbers near the ends of float32 trip the kernels up."""

_QUANTIZED = {"INT8", "UINT8", "INT16"}

# fmt: off
_ARITHMETIC = {
    "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "DEQUANTIZE", "DIV", "ELU",
    "FULLY_CONNECTED", "GELU", "HARD_SWISH", "L2_NORMALIZATION", "LEAKY_RELU", "LOGISTIC", "LOG_SOFTMAX", "MAX_POOL_2D",
    "MEAN", "MUL", "PRELU", "QUANTIZE", "RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "RSQRT", "SOFTMAX",
    "SQUARED_DIFFERENCE", "SUB", "SUM", "TANH", "TRANSPOSE_CONV",
}
# fmt: on

_SUMS = {"ADD": 1, "SUB": 1, "SQUARED_DIFFERENCE": 2}
"""These bring both inputs to one scale first; what comes out of it is of that power."""


def check_scales(graph: Graph) -> None:
    """Check the scales around each operator of *graph* that computes with them.

    Raises:
        GraphError: one is missing, or out of range.
    """
    for operator in graph.operators:
        if operator.custom or operator.name not in _ARITHMETIC:
            continue
        tensors = [graph.tensors[index] for index in (*operator.inputs, *operator.outputs) if index != -1]
        for tensor in tensors:
            if tensor.type in _QUANTIZED and tensor.constant is None:
                _check_scale(f"{graph}, {operator}", tensor)
        if operator.name in _SUMS and all(tensor.scale.size == 1 for tensor in tensors):
            _check_sum(f"{graph}, {operator}", tensors, _SUMS[operator.name])


def _check_scale(place: str, tensor: Tensor) -> None:
    if tensor.scale.size != 1:
        raise GraphError(f"{place} computes with {tensor}, which has {tensor.scale.size} scales and should have one")
    if not SMALLEST <= tensor.scale[0] <= LARGEST:
        raise GraphError(f"{place} computes with {tensor}, which has the scale {tensor.scale[0]}")


def _check_sum(place: str, tensors: list[Tensor], power: int) -> None:
    """The rule of ``QuantizeMultiplierSmallerThanOneExp`` in tensorflow/lite/kernels/internal/quantization_util.cc."""
    *inputs, output = (float(tensor.scale[0]) for tensor in tensors)
    shift = {1: 15 if tensors[-1].type == "INT16" else 20, 2: 14}[power]
    if min(inputs) <= 0 or (2 * max(inputs)) ** power >= output * 2**shift:
        raise GraphError(f"{place} brings numbers of scale {max(inputs)} to the scale {output}, which is too fine")
