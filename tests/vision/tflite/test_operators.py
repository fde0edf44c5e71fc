"""Checks of operators, and the shapes of their outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edged.errors import ModelError
from edged.vision.tflite.flatbuffer import Record
from edged.vision.tflite.graph import Graph, Operator
from edged.vision.tflite.model_file import read_model
from edged.vision.tflite.operators import check_operators
from edged.vision.tflite.tensors import GraphError, Tensor
from tests.vision.tflite.altered import altered, append, graph_of, ints, operator_named, tensor_type

Change = Callable[[Record], object]
Shape = tuple[int, ...]

CONV: Record = {"padding": 0, "stride_w": 1, "stride_h": 1, "dilation_w_factor": 1, "dilation_h_factor": 1}
DEPTHWISE: Record = {**CONV, "depth_multiplier": 1}
POOL: Record = {"padding": 1, "stride_w": 2, "stride_h": 2, "filter_width": 2, "filter_height": 2}
DENSE: Record = {"keep_num_dims": 0}


def tensor(index: int, shape: Shape, constant: list[int] | None = None) -> Tensor:
    """A tensor, with a constant of int32 or without a value."""
    return Tensor(
        index=index,
        name=f"t{index}",
        type="FLOAT32" if constant is None else "INT32",
        shape=shape,
        signature=shape,
        constant=None if constant is None else np.array(constant, np.int32).view(np.uint8),
        sparse=False,
        variable=False,
        scale=np.empty(0, np.float32),
        zero_point=np.empty(0, np.int64),
        axis=0,
    )


def output_shape(name: str, *inputs: Shape | list[int], options: Record | None = None, table: str = "") -> Shape | None:
    """The output shape of operator *name* with inputs of these shapes; a list stands for a constant."""
    tensors = [
        tensor(index, (len(each),), each) if isinstance(each, list) else tensor(index, each)
        for index, each in enumerate(inputs)
    ]
    free = tuple(index for index, each in enumerate(inputs) if isinstance(each, tuple) and 0 not in each)
    output = len(tensors)
    operator = Operator(0, name, False, tuple(range(output)), (output,), table, options or {})
    graph = Graph(0, (*tensors, tensor(output, ())), free, (output,), (operator,))
    return check_operators(graph).get(output)


@pytest.mark.parametrize(
    ("shape", "filters", "options", "expected"),
    [
        ((1, 96, 96, 3), (32, 3, 3, 3), {}, (1, 96, 96, 32)),
        ((1, 96, 96, 3), (32, 3, 3, 3), {"stride_w": 2, "stride_h": 2}, (1, 48, 48, 32)),
        ((1, 97, 95, 3), (32, 3, 3, 3), {"stride_w": 2, "stride_h": 2}, (1, 49, 48, 32)),
        ((1, 97, 95, 3), (32, 3, 3, 3), {"stride_w": 2, "stride_h": 2, "padding": 1}, (1, 48, 47, 32)),
        ((1, 20, 20, 8), (4, 3, 3, 8), {"dilation_h_factor": 4, "padding": 1}, (1, 12, 18, 4)),
        ((1, 20, 20, 8), (4, 3, 3, 2), {}, (1, 20, 20, 4)),
    ],
)
def test_a_convolution_has_its_output_shape(shape: Shape, filters: Shape, options: Record, expected: Shape) -> None:
    assert (
        output_shape("CONV_2D", shape, filters, filters[:1], options=CONV | options, table="Conv2DOptions") == expected
    )


def test_a_depthwise_convolution_has_its_output_shape() -> None:
    options = DEPTHWISE | {"depth_multiplier": 2, "stride_h": 2}
    shape = output_shape(
        "DEPTHWISE_CONV_2D", (1, 9, 9, 8), (1, 3, 3, 16), (16,), options=options, table="DepthwiseConv2DOptions"
    )
    assert shape == (1, 5, 9, 16)


@pytest.mark.parametrize(
    ("name", "inputs", "options", "table", "expected"),
    [
        ("AVERAGE_POOL_2D", [(1, 7, 7, 5)], POOL, "Pool2DOptions", (1, 3, 3, 5)),
        ("MAX_POOL_2D", [(1, 7, 7, 5)], POOL | {"padding": 0}, "Pool2DOptions", (1, 4, 4, 5)),
        ("FULLY_CONNECTED", [(1, 2, 6), (10, 4), (10,)], DENSE, "FullyConnectedOptions", (3, 10)),
        ("FULLY_CONNECTED", [(1, 2, 6), (10, 6)], DENSE | {"keep_num_dims": 1}, "FullyConnectedOptions", (1, 2, 10)),
        ("ADD", [(1, 4, 4, 3), (3,)], {}, "AddOptions", (1, 4, 4, 3)),
        ("MUL", [(1, 1, 1, 8), (1, 4, 4, 8)], {}, "MulOptions", (1, 4, 4, 8)),
        ("SUB", [(5, 1), (1, 6)], {}, "SubOptions", (5, 6)),
        ("PRELU", [(1, 4, 4, 8), (1, 1, 8)], {}, "", (1, 4, 4, 8)),
        ("RELU6", [(1, 2)], {}, "", (1, 2)),
        ("SOFTMAX", [(1, 2)], {"beta": 1.0}, "SoftmaxOptions", (1, 2)),
        ("MEAN", [(1, 7, 7, 9), [1, 2]], {"keep_dims": 0}, "ReducerOptions", (1, 9)),
        ("MEAN", [(1, 7, 7, 9), [-3, -2]], {"keep_dims": 1}, "ReducerOptions", (1, 1, 1, 9)),
        ("RESHAPE", [(1, 7, 7, 9), [1, -1]], {}, "", (1, 441)),
        ("RESHAPE", [(2, 3)], {"new_shape": ints(3, 2)}, "ReshapeOptions", (3, 2)),
        ("RESHAPE", [(1, 1), [0]], {}, "", ()),
        ("PAD", [(1, 5), [0, 0, 2, 3]], {}, "", (1, 10)),
        ("MIRROR_PAD", [(1, 5), [0, 0, 4, 4]], {"mode": 0}, "MirrorPadOptions", (1, 13)),
        ("MIRROR_PAD", [(1, 5), [0, 0, 5, 5]], {"mode": 1}, "MirrorPadOptions", (1, 15)),
        ("CONCATENATION", [(1, 2, 3), (1, 5, 3)], {"axis": -2}, "ConcatenationOptions", (1, 7, 3)),
        ("RESIZE_BILINEAR", [(1, 2, 3, 4), [8, 9]], {}, "ResizeBilinearOptions", (1, 8, 9, 4)),
        ("TRANSPOSE", [(1, 2, 3), [2, 0, -2]], {}, "", (3, 1, 2)),
        ("SQUEEZE", [(1, 2, 1, 3)], {"squeeze_dims": ints(-2)}, "SqueezeOptions", (1, 2, 3)),
        ("SQUEEZE", [(1, 2, 1, 3)], {"squeeze_dims": None}, "SqueezeOptions", (2, 3)),
        ("SPACE_TO_DEPTH", [(1, 4, 6, 3)], {"block_size": 2}, "SpaceToDepthOptions", (1, 2, 3, 12)),
        ("EXPAND_DIMS", [(2, 3), [1]], {}, "", (2, 1, 3)),
        ("EXPAND_DIMS", [(2, 3), [-1]], {}, "", (2, 3, 1)),
        ("SLICE", [(5, 6), [1, 2], [-1, 3]], {}, "", (4, 3)),
        ("SPLIT", [[1], (4, 6)], {"num_splits": 1}, "SplitOptions", (4, 6)),
        (
            "LOCAL_RESPONSE_NORMALIZATION",
            [(1, 2, 3, 4)],
            {"radius": 0},
            "LocalResponseNormalizationOptions",
            (1, 2, 3, 4),
        ),
        ("DEPTH_TO_SPACE", [(1, 2, 3, 12)], {"block_size": 2}, "DepthToSpaceOptions", (1, 4, 6, 3)),
    ],
)
def test_operators_have_their_output_shapes(
    name: str, inputs: list[Any], options: Record, table: str, expected: Shape
) -> None:
    assert output_shape(name, *inputs, options=options, table=table) == expected


@pytest.mark.parametrize(
    ("name", "inputs", "options", "table", "words"),
    [
        ("CONV_2D", [(1, 9, 3), (4, 3, 3, 3), (4,)], CONV, "Conv2DOptions", "has 1 x 9 x 3 for input 0, which needs 4"),
        ("CONV_2D", [(1, 9, 9, 3), (4, 3, 3, 2), (4,)], CONV, "Conv2DOptions", "has the filter 4 x 3 x 3 x 2 over"),
        ("CONV_2D", [(1, 9, 9, 8), (3, 3, 3, 2), (3,)], CONV, "Conv2DOptions", "has the filter 3 x 3 x 3 x 2 over"),
        ("CONV_2D", [(1, 9, 9, 3), (0, 3, 3, 3), (0,)], CONV, "Conv2DOptions", "has the filter 0 x 3"),
        ("CONV_2D", [(1, 9, 9, 3), (4, 3, 3, 3), (5,)], CONV, "Conv2DOptions", "has a bias of 5 for 4 channels"),
        ("CONV_2D", [(1, 9, 9, 3), (4, 3, 3, 3)], CONV, "Conv2DOptions", "has 2 inputs, and needs 3"),
        ("CONV_2D", [(1, 9, 9, 3), (4, 3, 3, 3), (4,)], CONV, "Pool2DOptions", "and needs Conv2DOptions"),
        ("CONV_2D", [(1, 2, 2, 3), (4, 3, 3, 3), (4,)], CONV | {"padding": 1}, "Conv2DOptions", "window of 3 over"),
        (
            "DEPTHWISE_CONV_2D",
            [(1, 9, 9, 8), (2, 3, 3, 8), (8,)],
            DEPTHWISE,
            "DepthwiseConv2DOptions",
            "has the filter",
        ),
        ("DEPTHWISE_CONV_2D", [(1, 9, 9, 8), (1, 3, 3, 16), (16,)], DEPTHWISE, "DepthwiseConv2DOptions", "the filter"),
        (
            "AVERAGE_POOL_2D",
            [(1, 7, 7, 5)],
            POOL | {"filter_width": 15},
            "Pool2DOptions",
            "has a window of 2 x 15 over",
        ),
        ("AVERAGE_POOL_2D", [(1, 7, 7, 5)], POOL | {"filter_height": 0}, "Pool2DOptions", "has filter_height 0"),
        ("FULLY_CONNECTED", [(1, 5), (10, 4)], DENSE, "FullyConnectedOptions", "has weights of 10 x 4 for 1 x 5"),
        ("FULLY_CONNECTED", [(1, 8), (10, 4)], DENSE | {"keep_num_dims": 1}, "FullyConnectedOptions", "has weights of"),
        ("FULLY_CONNECTED", [(1, 8), (10, 0)], DENSE, "FullyConnectedOptions", "has weights of 10 x 0"),
        ("FULLY_CONNECTED", [(1, 4), (10, 4), (4,)], DENSE, "FullyConnectedOptions", "has a bias of 4 for 10 channels"),
        ("ADD", [(1, 4), (1, 5)], {}, "AddOptions", "has inputs of 1 x 4 and 1 x 5, which do not fit together"),
        ("PRELU", [(1, 1), (1, 5)], {}, "", "has inputs of 1 x 1 and 1 x 5, which do not fit together"),
        ("MEAN", [(1, 7, 9), [3]], {"keep_dims": 0}, "ReducerOptions", "works along dimension 3 of 3"),
        ("MEAN", [(1, 7, 9), [-4]], {"keep_dims": 0}, "ReducerOptions", "works along dimension -4 of 3"),
        ("RESHAPE", [(1, 7), [2, 4]], {}, "", "turns 1 x 7 into 2 x 4, which is not as many numbers"),
        ("RESHAPE", [(1, 7), [-1, -1]], {}, "", "turns 1 x 7 into -1 x -1"),
        ("RESHAPE", [(1, 7), [-7, -1]], {}, "", "turns 1 x 7 into"),
        ("RESHAPE", [(1, 7), [-1, 0]], {}, "", "turns 1 x 7 into"),
        ("PAD", [(1, 5), [0, 0, -2, 3]], {}, "", "pads 1 x 5 by"),
        ("PAD", [(1, 5), [0, 0]], {}, "", "pads 1 x 5 by"),
        ("PAD", [(1, 5), [0, 0, 2**31 - 1, 2**31 - 1]], {}, "", "makes 1 x 4294967299 of FLOAT32"),
        ("MIRROR_PAD", [(1, 5), [0, 0, 5, 0]], {"mode": 0}, "MirrorPadOptions", "mirrors 1 x 5 by"),
        (
            "CONCATENATION",
            [(1, 2), (2, 2)],
            {"axis": 1},
            "ConcatenationOptions",
            "joins 1 x 2 and 2 x 2 along dimension",
        ),
        ("CONCATENATION", [(1, 2), (1, 2, 1)], {"axis": 1}, "ConcatenationOptions", "joins 1 x 2 and 1 x 2 x 1 along"),
        ("CONCATENATION", [(1, 2), (1, 2)], {"axis": 2}, "ConcatenationOptions", "works along dimension 2 of 2"),
        ("RESIZE_BILINEAR", [(1, 2, 3, 4), [0, 9]], {}, "ResizeBilinearOptions", "resizes to 0 x 9"),
        ("TRANSPOSE", [(1, 2, 3), [0, 1, 1]], {}, "", "puts 3 dimensions into the order"),
        ("SQUEEZE", [(1, 2)], {"squeeze_dims": ints(1)}, "SqueezeOptions", r"drops dimensions \[1\] of 1 x 2"),
        ("SPACE_TO_DEPTH", [(1, 5, 6, 3)], {"block_size": 2}, "SpaceToDepthOptions", "into blocks of 2"),
        ("DEPTH_TO_SPACE", [(1, 5, 6, 3)], {"block_size": 0}, "DepthToSpaceOptions", "has block_size 0"),
        ("DEPTH_TO_SPACE", [(1, 5, 6, 3)], {"block_size": 2}, "DepthToSpaceOptions", "makes blocks of 2 out of 3"),
        ("RELU", [(1, 2), (1, 2)], {}, "", "has 2 inputs, and needs 1"),
        ("EXPAND_DIMS", [(2, 3), [3]], {}, "", "works along dimension 3 of 3"),
        ("EXPAND_DIMS", [(2, 3), [0, 1]], {}, "", "adds dimensions at .0, 1., and can add one"),
        ("SLICE", [(5, 6), [0, -9], [5, 6]], {}, "", "cuts 5 x 6 at .0, -9. to .5, 6."),
        ("SLICE", [(5, 6), [0, 1], [5, 6]], {}, "", "cuts 5 x 6 at"),
        ("SLICE", [(5, 6), [0], [5]], {}, "", "cuts 5 x 6 at"),
        ("SPLIT", [[1], (4, 6)], {"num_splits": 0}, "SplitOptions", "has num_splits 0"),
        ("SPLIT", [[1], (4, 6)], {"num_splits": 2}, "SplitOptions", "has 1 outputs for 2 parts"),
        (
            "LOCAL_RESPONSE_NORMALIZATION",
            [(1, 2, 3, 4)],
            {"radius": -3},
            "LocalResponseNormalizationOptions",
            "radius -3",
        ),
        (
            "MEAN",
            [(1, 7, 9), [1] * 40],
            {"keep_dims": 0},
            "ReducerOptions",
            "has 160 bytes for input 1, which needs some",
        ),
        ("CUMSUM", [(1, 40)], {}, "", "has 1 inputs, and needs 2"),
    ],
)
def test_operators_that_do_not_fit_are_refused(
    name: str, inputs: list[Any], options: Record, table: str, words: str
) -> None:
    with pytest.raises(GraphError, match=words) as caught:
        output_shape(name, *inputs, options=options, table=table)
    assert str(caught.value).startswith(f"subgraph 0, operator 0 {name} ")


def test_arithmetic_with_strings_is_refused() -> None:
    def change(model: Record) -> None:
        graph_of(model)["tensors"][operator_named(model, "MEAN")["outputs"][0]].update(type=tensor_type("STRING"))

    with pytest.raises(ModelError, match=r"MEAN computes with .*STRING"):
        read_model(altered(change, "small96_float_meta"))


@pytest.mark.parametrize("name", ["ADD", "CONV_2D", "DEPTHWISE_CONV_2D", "MEAN"])
def test_input_and_output_of_an_operator_have_one_type(name: str) -> None:
    """ai-edge-litert writes floats into the memory of bytes, past its end, and dies of it later or never."""

    def change(model: Record) -> None:
        graph_of(model)["tensors"][operator_named(model, name)["outputs"][0]].update(type=tensor_type("FLOAT32"))

    with pytest.raises(ModelError, match=f"{name} computes with FLOAT32 and INT8 at once"):
        read_model(altered(change, "two_heads_uint8_meta"))


def test_an_operator_that_converts_may_change_the_type() -> None:
    def change(model: Record) -> None:
        append(model, "DEQUANTIZE", (1, 40), type=tensor_type("FLOAT32"))

    assert read_model(altered(change)).heads[0].dtype == "float32"


@pytest.mark.parametrize("option", ["stride_w", "stride_h", "dilation_w_factor", "dilation_h_factor"])
@pytest.mark.parametrize("value", [0, -1, -(2**31), 2**31 - 1])
@pytest.mark.parametrize("name", ["CONV_2D", "DEPTHWISE_CONV_2D"])
def test_an_impossible_stride_or_dilation_is_refused(name: str, option: str, value: int) -> None:
    """tflite-runtime dies of a division by zero."""

    def change(model: Record) -> None:
        operator_named(model, name)["builtin_options"][1][option] = value

    with pytest.raises(ModelError, match=f"{name} has {option} {value}"):
        read_model(altered(change))


def test_a_depthwise_convolution_needs_its_bias() -> None:
    """Both runtimes die without."""

    def change(model: Record) -> None:
        operator = operator_named(model, "DEPTHWISE_CONV_2D")
        operator["inputs"] = operator["inputs"][:2]

    with pytest.raises(ModelError, match="DEPTHWISE_CONV_2D has 2 inputs, and needs 3"):
        read_model(altered(change))


def test_a_needed_input_that_is_left_out_is_refused() -> None:
    def change(model: Record) -> None:
        operator_named(model, "CONV_2D")["inputs"][1] = -1

    def writable(model: Record) -> None:
        operator = operator_named(model, "CONV_2D")
        operator["inputs"] = operator["inputs"].copy()
        change(model)

    with pytest.raises(ModelError, match="CONV_2D has 2 inputs, and needs 3"):
        read_model(altered(writable))


def test_a_constant_made_of_constants_must_have_the_shape_that_the_file_says(cases: Any) -> None:
    """ai-edge-litert unpacks float16 weights by the shape of the result, and dies if it is another."""

    def change(model: Record) -> None:
        graph = graph_of(model)
        operator = operator_named(model, "CONV_2D")
        weights = graph["tensors"][operator["inputs"][1]]
        graph["tensors"].append({**weights, "name": "unpacked", "buffer": 0, "shape": ints(32, 3, 3, 30)})
        model["operator_codes"].append({"builtin_code": 6, "deprecated_builtin_code": 6, "version": 1})
        unpack = {"opcode_index": len(model["operator_codes"]) - 1, "inputs": operator["inputs"][1:2]}
        graph["operators"].insert(0, {**unpack, "outputs": ints(len(graph["tensors"]) - 1)})

    with pytest.raises(ModelError, match="'unpacked' is 32 x 3 x 3 x 3, but the file says 32 x 3 x 3 x 30"):
        read_model(altered(change, "small96_float_meta"))


def test_a_wrong_shape_in_the_file_that_takes_gigabytes_is_refused() -> None:
    """ai-edge-litert took 1.8 GB for this one, and seconds."""

    def change(model: Record) -> None:
        tensor = graph_of(model)["tensors"][operator_named(model, "DEPTHWISE_CONV_2D")["outputs"][0]]
        tensor["shape"] = ints(1, 524312, 24, 144)

    with pytest.raises(ModelError, match="makes 1 x 524312 x 24 x 144 of INT8 by the shape in the file"):
        read_model(altered(change))


def test_an_operator_without_a_rule_has_the_shape_in_the_file() -> None:
    model = read_model(altered(lambda model: append(model, "FAKE_QUANT", (1, 40))))
    assert model.heads[0].size == 40


def test_the_shapes_after_an_operator_without_a_rule_are_unknown() -> None:
    """Its output may have any shape, because the shape of its input was wrong in the file."""

    def change(model: Record) -> None:
        graph_of(model)["tensors"][int(graph_of(model)["outputs"][0])]["shape"] = ints(1, 1)
        append(model, "FAKE_QUANT", (1, 40))
        append(model, "RESHAPE", (1, 8), ("ReshapeOptions", {"new_shape": ints(1, 8)}))

    assert read_model(altered(change)).heads[0].size == 8
