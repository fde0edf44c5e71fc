"""Checks of models that are whole FlatBuffers and contradict themselves."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from edged.errors import ModelError
from edged.vision.runtime.engine import EngineName
from edged.vision.runtime.interpreter import Interpreter
from edged.vision.tflite.flatbuffer import Record
from edged.vision.tflite.model_file import read_model
from edged.vision.tflite.sparsity import check_sparse
from tests.vision.tflite.altered import altered, append, graph_of, ints, operator_named, tensor_type

Change = Callable[[Record], object]


def refused(change: Change) -> str:
    """The message that refuses the small uint8 model after *change*."""
    with pytest.raises(ModelError) as caught:
        read_model(altered(change))
    return str(caught.value)


def tensor(model: Record, index: int) -> Record:
    record: Record = graph_of(model)["tensors"][index]
    return record


WEIGHTS = 27
"""A constant tensor: the int8 filter, quantised along dimension 0, of a convolution."""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.update(version=2), "it has version 2 of the format, and only 3 is in use"),
        (lambda m: m.update(subgraphs=[]), "it has no subgraph: there is nothing to run"),
        (lambda m: m.update(subgraphs=m["subgraphs"] * 300), "it has 300 subgraphs"),
        (lambda m: m.update(metadata_buffer=ints(0, 99)), "metadata_buffer refers to buffer 99, and there are"),
        (lambda m: m["metadata"][0].update(buffer=99), "metadata 0 refers to buffer 99, and there are"),
        (lambda m: m["metadata"][0].update(name=None), "metadata 0 has no name"),
        (lambda m: tensor(m, 5).update(buffer=99), "refers to buffer 99, and there are"),
        (lambda m: graph_of(m).update(inputs=ints(52)), "subgraph 0, inputs refer to tensor 52, and there are 52"),
        (lambda m: graph_of(m).update(inputs=ints(-1)), "subgraph 0, inputs refer to tensor -1, and there are 52"),
        (lambda m: graph_of(m).update(outputs=ints(-5)), "subgraph 0, outputs refer to tensor -5"),
    ],
)
def test_a_model_that_refers_to_a_missing_part_is_refused(change: Change, words: str) -> None:
    assert words in refused(change)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"opcode_index": 5}, "subgraph 0, operator 1 refers to operator code 5, and there are 5"),
        ({"inputs": ints(32, 52, 30)}, "operator 1 CONV_2D, inputs refer to tensor 52, and there are 52"),
        ({"inputs": ints(32, -2, 30)}, "operator 1 CONV_2D, inputs refer to tensor -2, and there are 52"),
        ({"outputs": ints(99)}, "operator 1 CONV_2D, outputs refer to tensor 99"),
        ({"outputs": ints(-1)}, "operator 1 CONV_2D, outputs refer to tensor -1"),
        ({"intermediates": ints(99)}, "operator 1 CONV_2D, intermediates refer to tensor 99"),
        ({"mutating_variable_inputs": np.ones(2, np.uint8)}, "has 3 inputs, and flags for 2 of them that it changes"),
        (
            {"large_custom_options_offset": 1 << 40, "large_custom_options_size": 1},
            "operator 1 CONV_2D, custom options reaches to byte 1099511627777",
        ),
    ],
)
def test_an_operator_that_refers_to_a_missing_part_is_refused(values: Record, words: str) -> None:
    assert words in refused(lambda model: graph_of(model)["operators"][1].update(values))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"builtin_code": 9999}, "is 9999, which no model file can have"),
        ({"builtin_code": -1, "deprecated_builtin_code": -1}, "is -1, which no model file can have"),
        ({"builtin_code": 51}, "is DELEGATE, which no model file can have"),
        ({"builtin_code": 127}, "is PLACEHOLDER_FOR_GREATER_OP_CODES, which no"),
        ({"builtin_code": 32, "custom_code": None}, "is a custom operator without a name"),
        ({"builtin_code": 32, "custom_code": ""}, "is a custom operator without a name"),
    ],
)
def test_an_unknown_operator_code_is_refused(values: Record, words: str) -> None:
    assert words in refused(lambda model: model["operator_codes"][1].update(values))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"shape": ints(16, 1, 1, 33)}, "has a constant value of 512 bytes, but 16 x 1 x 1 x 33 of INT8 takes 528"),
        ({"shape": ints(16, 1, 1, 31)}, "has a constant value of 512 bytes, but 16 x 1 x 1 x 31 of INT8 takes 496"),
        ({"shape": ints(-16, 1, 1, -32)}, "has the impossible shape -16 x 1 x 1 x -32"),
        ({"shape": ints(*[1] * 9)}, "has 9 dimensions, and 8 are the most"),
        (
            {"shape": ints(1 << 16, 1 << 16, 1, 1)},
            "has the shape 65536 x 65536 x 1 x 1, which is more than 2 GB of INT8",
        ),
        ({"shape": ints(*[0x7FFFFFFF] * 8)}, "which is more than 2 GB"),
        ({"shape": None, "quantization": None}, "has a constant value of 512 bytes, but one INT8 takes 1"),
        ({"type": tensor_type("INT32")}, "has a constant value of 512 bytes, but 16 x 1 x 1 x 32 of INT32 takes 2048"),
        ({"type": tensor_type("RESOURCE")}, "has a constant value, which RESOURCE cannot have"),
        ({"type": tensor_type("STRING")}, "has 512 bytes, too few for 512 strings"),
        ({"is_variable": True}, "is a variable, and has a constant value"),
        ({"external_buffer": 1}, "has its value in another file, which is not supported"),
    ],
)
def test_a_constant_that_does_not_fit_its_shape_is_refused(values: Record, words: str) -> None:
    message = refused(lambda model: tensor(model, WEIGHTS).update(values))
    assert words in message
    assert f"subgraph 0, tensor {WEIGHTS} '" in message


def test_four_bits_take_half_a_byte() -> None:
    def halve(model: Record) -> None:
        weights = tensor(model, WEIGHTS)
        weights["type"] = tensor_type("INT4")
        model["buffers"][weights["buffer"]]["data"] = np.zeros(256, np.uint8)

    assert read_model(altered(halve)).input.height == 96


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"zero_point": None}, "has 16 scales and 0 zero points to undo its quantization"),
        ({"zero_point": np.zeros(15, np.int64)}, "has 16 scales and 15 zero points"),
        ({"quantized_dimension": 4}, "is quantized along dimension 4, and has 4"),
        ({"quantized_dimension": -1}, "is quantized along dimension -1, and has 4"),
        ({"quantized_dimension": 3}, "has 16 scales along dimension 3 of 16 x 1 x 1 x 32"),
        ({"scale": np.full(16, np.nan, np.float32)}, "has a scale that is negative or not finite"),
        ({"scale": np.full(16, np.inf, np.float32)}, "has a scale that is negative or not finite"),
        ({"scale": np.full(16, -1, np.float32)}, "has a scale that is negative or not finite"),
        ({"zero_point": np.full(16, 128, np.int64)}, "has a zero point that INT8 cannot hold"),
        ({"zero_point": np.full(16, -(2**63), np.int64)}, "has a zero point that INT8 cannot hold"),
    ],
)
def test_a_quantization_that_does_not_fit_is_refused(values: Record, words: str) -> None:
    assert words in refused(lambda model: tensor(model, WEIGHTS)["quantization"].update(values))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"subgraph_index": 1}, "signature 0 refers to subgraph 1, and there are 1"),
        ({"signature_key": None}, "signature 0 has no name"),
        ({"inputs": [{"name": None, "tensor_index": 0}]}, "signature 0 has a tensor without a name"),
        ({"outputs": [{"name": "x", "tensor_index": 99}]}, "signature 0, 'x', refers to tensor 99, and there are 52"),
    ],
)
def test_a_signature_that_is_broken_is_refused(values: Record, words: str) -> None:
    assert words in refused(lambda model: model["signature_defs"][0].update(values))


# Buffers behind the FlatBuffer, as in files of more than 2 GB


def outside(offset: int, size: int, *, keep: bool = False) -> Change:
    """A change that puts the weights at *offset* of the file."""

    def change(model: Record) -> None:
        buffer = model["buffers"][tensor(model, WEIGHTS)["buffer"]]
        buffer.update(offset=offset, size=size)
        if not keep:
            buffer["data"] = None

    return change


def test_a_buffer_behind_the_flatbuffer_is_found() -> None:
    content = altered(outside(1 << 20, 512))
    content += bytes((1 << 20) - len(content)) + bytes(512)
    assert read_model(content).input.height == 96
    with pytest.raises(ModelError, match=r"reaches to byte 1049088 of a file of 1049087 bytes"):
        read_model(content[:-1])


@pytest.mark.parametrize("offset", [1 << 40, (1 << 64) - 1])
def test_a_buffer_far_behind_the_file_is_refused(offset: int) -> None:
    assert f"reaches to byte {offset + 512} of a file" in refused(outside(offset, 512))


@pytest.mark.parametrize("change", [outside(64, 512, keep=True), outside(64, 0)])
def test_a_buffer_in_two_places_or_none_is_refused(change: Change) -> None:
    assert "has the offset 64, and its bytes are elsewhere, or it has none" in refused(change)


# Dataflow


def test_an_operator_that_reads_before_anything_is_written_is_refused() -> None:
    def swap(model: Record) -> None:
        operators = graph_of(model)["operators"]
        operators[3], operators[4] = operators[4], operators[3]

    assert "operator 3 CONV_2D reads tensor" in refused(swap)
    assert "before it is written" in refused(swap)


def test_a_constant_that_has_lost_its_value_is_refused() -> None:
    def forget(model: Record) -> None:
        model["buffers"][tensor(model, WEIGHTS)["buffer"]]["data"] = None

    assert f"reads tensor {WEIGHTS} " in refused(forget)


def test_an_operator_that_writes_over_another_or_a_constant_is_refused() -> None:
    def onto_the_first(model: Record) -> None:
        operators = graph_of(model)["operators"]
        operators[4]["outputs"] = operators[3]["outputs"]

    def onto_a_constant(model: Record) -> None:
        graph_of(model)["operators"][4]["outputs"] = ints(WEIGHTS)

    assert "over its value" in refused(onto_the_first)
    assert f"writes tensor {WEIGHTS} " in refused(onto_a_constant)


def test_an_input_that_is_a_constant_is_refused() -> None:
    assert "is a constant, or comes twice" in refused(lambda model: graph_of(model).update(inputs=ints(WEIGHTS)))
    assert "is a constant, or comes twice" in refused(lambda model: graph_of(model).update(inputs=ints(0, 0)))


def test_an_output_that_is_never_written_is_refused() -> None:
    def cut(model: Record) -> None:
        graph_of(model)["operators"].pop()

    assert "its output tensor 51 'PartitionedCall:0' is never written" in refused(cut)


# Graphs that run others


def test_a_graph_that_runs_itself_is_refused() -> None:
    options = ("CallOnceOptions", {"init_subgraph_index": 0})
    assert "subgraph 0 runs itself" in refused(lambda model: append(model, "CALL_ONCE", (1, 40), options))


def test_graphs_that_run_each_other_in_a_circle_are_refused() -> None:
    def circle(model: Record) -> None:
        append(model, "IF", (1, 40), ("IfOptions", {"then_subgraph_index": 1, "else_subgraph_index": 1}))
        body = {"operators": [{**graph_of(model)["operators"][-1], "inputs": None, "outputs": None}]}
        model["subgraphs"].append(body)

    assert "runs itself, or a graph that does, and never ends" in refused(circle)


def test_a_graph_that_runs_a_missing_graph_is_refused() -> None:
    options = ("StablehloCaseOptions", {"branch_subgraph_indices": ints(7)})

    def call(model: Record) -> None:
        append(model, "STABLEHLO_CASE", (1, 40))["builtin_options_2"] = options

    assert "subgraph 0 runs subgraph 7, and there are 1" in refused(call)


# Strings and sparse constants


def strings(*numbers: int, tail: bytes = b"ab") -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.frombuffer(np.array(numbers, np.int32).tobytes() + tail, np.uint8)


@pytest.mark.parametrize(
    ("value", "good"),
    [
        (strings(2, 16, 17, 18), True),
        (strings(3, 16, 17, 18), False),
        (strings(2, 16, 17, 19), False),
        (strings(2, 16, 15, 18), False),
        (strings(2, 0, 17, 18), False),
        (strings(2, tail=b""), False),
    ],
)
def test_strings_must_lie_in_their_tensor(value: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], good: bool) -> None:
    def labels(model: Record) -> None:
        model["buffers"].append({"data": value})
        record = {
            "type": tensor_type("STRING"),
            "shape": ints(2),
            "buffer": len(model["buffers"]) - 1,
            "name": "labels",
        }
        graph_of(model)["tensors"].append(record)

    if good:
        assert read_model(altered(labels)).input.height == 96
    else:
        assert "strings" in refused(labels)


def test_too_many_strings_are_refused() -> None:
    """Many tensors may share one buffer: to read a long one again for each would not end."""

    def labels(model: Record) -> None:
        record = {"type": tensor_type("STRING"), "shape": ints(10_001), "buffer": tensor(model, WEIGHTS)["buffer"]}
        graph_of(model)["tensors"].append(record)

    assert "has 10001 strings, and no image network has more than 10000" in refused(labels)


def test_many_pieces_of_metadata_over_one_buffer_are_read_quickly() -> None:
    def repeat(model: Record) -> None:
        model["buffers"].append({"data": np.zeros(10_000_000, np.uint8)})
        model["metadata"] += [{"name": f"m{n}", "buffer": len(model["buffers"]) - 1} for n in range(1000)]

    content = altered(repeat)
    began = time.process_time()
    assert read_model(content).input.height == 96
    assert time.process_time() - began < 2.0


def levels(*each: int | tuple[list[int], list[int]]) -> list[Record]:
    """Levels of a sparse tensor: a size where dense, segments and indices where sparse."""
    return [
        {"format": 0, "dense_size": level}
        if isinstance(level, int)
        else {
            "format": 1,
            "dense_size": 0,
            "array_segments": ("Int32Vector", {"values": ints(*level[0])}),
            "array_indices": ("Uint8Vector", {"values": np.array(level[1], np.uint8)}),
        }
        for level in each
    ]


ROWS = levels(3, ([0, 1, 1, 3], [2, 0, 3]))
"""Of a 3 x 4 matrix: in row 0 column 2, in row 2 columns 0 and 3."""


def sparsity(order: list[int], dimensions: list[Record], blocks: list[int] | None = None) -> Record:
    block_map = None if blocks is None else ints(*blocks)
    return {"traversal_order": ints(*order), "dim_metadata": dimensions, "block_map": block_map}


@pytest.mark.parametrize(
    ("record", "shape", "size"),
    [
        (sparsity([0, 1], ROWS), (3, 4), 3),
        (sparsity([1, 0], levels(4, ([0, 1, 1, 2, 3], [2, 0, 1]))), (3, 4), 3),
        (sparsity([0, 1, 2], levels(3, ([0, 1, 1, 2], [0, 1]), 2), [1]), (3, 4), 4),
        (sparsity([0, 1], levels(3, 4)), (3, 4), 12),
    ],
)
def test_a_sparse_constant_that_is_whole_passes(record: Record, shape: tuple[int, ...], size: int) -> None:
    check_sparse(record, shape, 8, size)


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (sparsity([0, 1], ROWS) | {"dim_metadata": None}, "describes 0 levels, but goes through 2"),
        (sparsity([0, 0], ROWS), "has the traversal order"),
        (sparsity([0, 1, 2], ROWS), "has the traversal order"),
        (sparsity([0, 1], levels(2, ([0, 1, 1], [2]))), "has a level of 2 for a dimension of 3"),
        (sparsity([0, 1], levels(3, ([0, 1, 3], [2, 0, 3]))), "has 3 segments over 3 indices below 3 positions"),
        (sparsity([0, 1], levels(3, ([0, 2, 1, 3], [2, 0, 3]))), "has segments that run backwards"),
        (sparsity([0, 1], levels(3, ([1, 1, 1, 3], [2, 0, 3]))), "has 4 segments over 3 indices"),
        (sparsity([0, 1], levels(3, ([0, 1, 1, 4], [2, 0, 3]))), "has 4 segments over 3 indices"),
        (sparsity([0, 1], levels(3, ([0, 1, 1, 3], [2, 0, 4]))), "has indices outside of a dimension of 4"),
        (sparsity([0, 1], levels(3, ([0, 1, 1, 2], [2, 0]))), "has 2 elements that are not left out, but 3 bytes"),
        (sparsity([0, 1, 2], levels(3, ([0, 1, 1, 2], [0, 1]), 3), [1]), "has blocks of 3 along dimension 1"),
        (sparsity([0, 1, 2], levels(3, ([0, 1, 1, 2], [0, 1]), 0), [1]), "has blocks of 0 along dimension 1"),
        (sparsity([0, 1, 2], levels(3, ([0, 1, 1, 2], [0, 1]), 2), [2]), "has blocks of 2 along dimension 2"),
    ],
)
def test_a_sparse_constant_that_is_broken_is_refused(record: Record, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_sparse(record, (3, 4), 8, 3)


def test_the_sparsity_of_a_model_is_checked() -> None:
    def thin_out(model: Record) -> None:
        tensor(model, WEIGHTS)["sparsity"] = sparsity([0, 1], ROWS)

    assert "is sparse, and has the traversal order" in refused(thin_out)


def sparse_weights(model: Record) -> int:
    """Add a sparse constant of 3 x 40, with the one element of row 0 and column 2, and return its number."""
    model["buffers"].append({"data": np.ones(1, np.float32).view(np.uint8)})
    record = {
        "type": tensor_type("FLOAT32"),
        "shape": ints(3, 40),
        "buffer": len(model["buffers"]) - 1,
        "name": "weights",
        "sparsity": sparsity([0, 1], levels(3, ([0, 1, 1, 1], [2]))),
    }
    graph_of(model)["tensors"].append(record)
    return len(graph_of(model)["tensors"]) - 1


DENSE: tuple[str, Record] = ("FullyConnectedOptions", {})


def test_a_sparse_constant_that_is_read_as_a_dense_one_is_refused() -> None:
    """XNNPACK reads the weights past their end, and the vector is wrong without an error."""

    def change(model: Record) -> None:
        number = sparse_weights(model)
        operator = append(model, "FULLY_CONNECTED", (1, 3), DENSE)
        operator["inputs"] = np.append(operator["inputs"], ints(number))

    with pytest.raises(ModelError, match=r"FULLY_CONNECTED reads .* 'weights', which is sparse, and only DENSIFY can"):
        read_model(altered(change, "small96_float_meta"))


def test_a_sparse_constant_that_is_an_output_is_refused() -> None:
    def change(model: Record) -> None:
        graph_of(model)["outputs"] = ints(sparse_weights(model))

    with pytest.raises(ModelError, match=r"its output .* 'weights' is a sparse constant"):
        read_model(altered(change, "small96_float_meta"))


def test_a_sparse_constant_may_go_through_densify(engine: EngineName) -> None:
    def change(model: Record) -> None:
        number = sparse_weights(model)
        vector = graph_of(model)["outputs"]
        unpack = append(model, "DENSIFY", (3, 40), ("DensifyOptions", {}))
        unpack["inputs"] = ints(number)
        operator = append(model, "FULLY_CONNECTED", (1, 3), DENSE)
        operator["inputs"] = np.append(vector, unpack["outputs"])
        graph_of(model)["outputs"] = np.append(vector, operator["outputs"])

    model = read_model(altered(change, "small96_float_meta"))
    whole, part = np.empty(40, np.float32), np.empty(3, np.float32)
    with Interpreter(model, engine=engine) as interpreter:
        interpreter.write(np.ones((1, 96, 96, 3), np.float32))
        interpreter.invoke()
        interpreter.read(model.heads[0], whole)
        interpreter.read(model.heads[1], part)
    assert part.tolist() == [whole[2], 0, 0]


def test_the_tensors_of_these_tests_belong_to_the_first_convolution() -> None:
    """The tests above name its tensors by their numbers."""
    model: Record = {}
    altered(lambda record: model.update(record))
    assert operator_named(model, "CONV_2D") is graph_of(model)["operators"][1]
    assert tensor(model, WEIGHTS)["shape"].tolist() == [16, 1, 1, 32]
