"""Rules of TFLite's operators: their inputs, outputs and options, and the function that computes the output shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from edged.vision.tflite.operator_shapes import (
    broadcast,
    concatenation,
    convolution,
    depth_to_space,
    depthwise,
    expand_dims,
    fully_connected,
    like_first,
    like_input,
    local_response,
    pad,
    pool,
    reduction,
    reshape,
    resize,
    slice_part,
    space_to_depth,
    split,
    squeeze,
    transpose,
)
from edged.vision.tflite.operator_site import Shape, Site

__all__ = ["ANY", "NONE", "RULES", "Rule"]

ANY = 1 << 16
"""Any number of inputs or outputs."""


class Rule(NamedTuple):
    """The needs of an operator: *least* to *most* inputs, the table *options*, and the number of *outputs*.

    ``shape`` computes the shape of its outputs; None for an operator without such a function here. ``values`` are the
    inputs whose type the outputs have, because some kernels and delegates rely on that and write past the end of a
    tensor of a smaller type; ``NONE`` where the type changes.
    """

    shape: Callable[[Site], Shape | None] | None
    least: int = 1
    most: int = 1
    options: str = ""
    outputs: int = 1
    values: slice = slice(0, 1)


NONE, BOTH, ALL = slice(0), slice(2), slice(None)


def _counted(least: int, most: int | None = None, outputs: int = 1, values: slice = NONE) -> Rule:
    """The rule of an operator for which only the numbers of inputs and outputs are checked."""
    return Rule(None, least, least if most is None else most, outputs=outputs, values=values)


# fmt: off
_ELEMENTWISE = (
    "ABS", "CEIL", "COS", "DENSIFY", "ELU", "EXP", "FLOOR", "HARD_SWISH", "L2_NORMALIZATION", "LOG", "LOGICAL_NOT",
    "LOGISTIC", "LOG_SOFTMAX", "NEG", "RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "ROUND", "RSQRT", "SIGN", "SIN",
    "SQRT", "SQUARE", "TANH", "ZEROS_LIKE",
)
_CONVERTING = ("CAST", "DEQUANTIZE", "QUANTIZE")
_PAIRWISE = ("FLOOR_DIV", "FLOOR_MOD", "MAXIMUM", "MINIMUM", "POW", "SQUARED_DIFFERENCE")
_OF_ONE = (
    "BITCAST", "BUCKETIZE", "COMPLEX_ABS", "FAKE_QUANT", "HASHTABLE_SIZE", "IMAG", "MATRIX_DIAG",
    "RANDOM_STANDARD_NORMAL", "RANDOM_UNIFORM", "RANK", "READ_VARIABLE", "REAL", "SHAPE", "SKIP_GRAM", "WHERE",
)
_OF_TWO = (
    "ARG_MAX", "ARG_MIN", "ATAN2", "BATCH_MATMUL", "BITWISE_XOR", "BROADCAST_ARGS", "BROADCAST_TO", "CUMSUM",
    "EMBEDDING_LOOKUP", "EQUAL", "FILL", "GATHER", "GATHER_ND", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL",
    "LOGICAL_AND", "LOGICAL_OR", "MATRIX_SET_DIAG", "MULTINOMIAL", "NOT_EQUAL", "REDUCE_ALL", "REDUCE_ANY",
    "REVERSE_SEQUENCE", "REVERSE_V2", "RFFT2D", "RIGHT_SHIFT", "SEGMENT_SUM", "TILE",
)
_OF_THREE = (
    "BATCH_TO_SPACE_ND", "DILATE", "DYNAMIC_UPDATE_SLICE", "HASHTABLE_FIND", "RANGE", "SCATTER_ND", "SELECT",
    "SELECT_V2", "SPACE_TO_BATCH_ND", "UNSORTED_SEGMENT_MAX", "UNSORTED_SEGMENT_MIN", "UNSORTED_SEGMENT_PROD",
    "UNSORTED_SEGMENT_SUM",
)
# fmt: on

RULES: dict[str, Rule] = {
    **dict.fromkeys(_ELEMENTWISE, Rule(like_input)),
    **dict.fromkeys(_CONVERTING, Rule(like_input, values=NONE)),
    **dict.fromkeys(_PAIRWISE, Rule(broadcast, 2, 2, values=BOTH)),
    **dict.fromkeys(_OF_ONE, _counted(1)),
    **dict.fromkeys(_OF_TWO, _counted(2)),
    **dict.fromkeys(_OF_THREE, _counted(3)),
    "ADD": Rule(broadcast, 2, 2, "AddOptions", values=BOTH),
    "ADD_N": _counted(1, ANY, values=ALL),
    "ASSIGN_VARIABLE": _counted(2, outputs=0),
    "AVERAGE_POOL_2D": Rule(pool, options="Pool2DOptions"),
    "BIDIRECTIONAL_SEQUENCE_LSTM": _counted(1, 48, ANY),
    "BIDIRECTIONAL_SEQUENCE_RNN": _counted(1, 12, ANY),
    "CONCATENATION": Rule(concatenation, 1, ANY, "ConcatenationOptions", values=ALL),
    "CONV_2D": Rule(convolution, 3, 3, "Conv2DOptions"),
    "CONV_3D": _counted(2, 3),
    "CONV_3D_TRANSPOSE": _counted(3, 4),
    "DEPTHWISE_CONV_2D": Rule(depthwise, 3, 3, "DepthwiseConv2DOptions"),
    "DEPTH_TO_SPACE": Rule(depth_to_space, options="DepthToSpaceOptions"),
    "DIV": Rule(broadcast, 2, 2, "DivOptions", values=BOTH),
    "EMBEDDING_LOOKUP_SPARSE": _counted(5),
    "EXPAND_DIMS": Rule(expand_dims, 2, 2),
    "FULLY_CONNECTED": Rule(fully_connected, 2, 3, "FullyConnectedOptions"),
    "GELU": Rule(like_input, options="GeluOptions"),
    "HASHTABLE": _counted(0),
    "HASHTABLE_IMPORT": _counted(3, outputs=0),
    "HASHTABLE_LOOKUP": _counted(3, outputs=2),
    "L2_POOL_2D": Rule(pool, options="Pool2DOptions"),
    "LEAKY_RELU": Rule(like_input, options="LeakyReluOptions"),
    "LOCAL_RESPONSE_NORMALIZATION": Rule(local_response, options="LocalResponseNormalizationOptions"),
    "LSH_PROJECTION": _counted(2, 3),
    "LSTM": _counted(1, 24, ANY),
    "MAX_POOL_2D": Rule(pool, options="Pool2DOptions"),
    "MEAN": Rule(reduction, 2, 2, "ReducerOptions"),
    "MIRROR_PAD": Rule(pad, 2, 2, "MirrorPadOptions"),
    "MUL": Rule(broadcast, 2, 2, "MulOptions", values=BOTH),
    "NON_MAX_SUPPRESSION_V4": _counted(5, outputs=2),
    "NON_MAX_SUPPRESSION_V5": _counted(6, outputs=3),
    "ONE_HOT": _counted(4),
    "PACK": _counted(1, ANY, values=ALL),
    "PAD": Rule(pad, 2, 2),
    "PADV2": Rule(pad, 3, 3),
    "PRELU": Rule(like_first, 2, 2),
    "REDUCE_MAX": Rule(reduction, 2, 2, "ReducerOptions"),
    "REDUCE_MIN": Rule(reduction, 2, 2, "ReducerOptions"),
    "REDUCE_PROD": Rule(reduction, 2, 2, "ReducerOptions"),
    "RESHAPE": Rule(reshape, 1, 2),
    "RESIZE_BILINEAR": Rule(resize, 2, 2, "ResizeBilinearOptions"),
    "RESIZE_NEAREST_NEIGHBOR": Rule(resize, 2, 2, "ResizeNearestNeighborOptions"),
    "RNN": _counted(5),
    "SLICE": Rule(slice_part, 3, 3),
    "SOFTMAX": Rule(like_input, options="SoftmaxOptions", values=NONE),
    "SPACE_TO_DEPTH": Rule(space_to_depth, options="SpaceToDepthOptions"),
    "SPARSE_TO_DENSE": _counted(4),
    "SPLIT": Rule(split, 2, 2, "SplitOptions", outputs=ANY, values=slice(1, 2)),
    "SPLIT_V": _counted(3, outputs=ANY),
    "SQUEEZE": Rule(squeeze, options="SqueezeOptions"),
    "STRIDED_SLICE": _counted(4, values=slice(1)),
    "SUB": Rule(broadcast, 2, 2, "SubOptions", values=BOTH),
    "SUM": Rule(reduction, 2, 2, "ReducerOptions"),
    "SVDF": _counted(3, 5),
    "TOPK_V2": _counted(2, outputs=2),
    "TRANSPOSE": Rule(transpose, 2, 2),
    "TRANSPOSE_CONV": _counted(3, 4, values=slice(2, 3)),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _counted(1, 24),
    "UNIDIRECTIONAL_SEQUENCE_RNN": _counted(5),
    "UNIQUE": _counted(1, outputs=2),
    "UNPACK": _counted(1, outputs=ANY, values=ALL),
    "VAR_HANDLE": _counted(0),
}
"""The rules by the names of operators. Those that run other graphs, and StableHLO's, have none."""
