"""Models whose vector is the picture that they were given: they show what an embedder makes of a picture."""

from __future__ import annotations

from collections.abc import Sequence

import flatbuffers  # type: ignore[import-untyped]  # it has no types
from ai_edge_litert import schema_py_generated as schema

__all__ = ["picture_model"]

IMAGE_PROPERTIES, RGB, NORMALIZATION = 2, 1, 1


def picture_model(width: int, height: int, mean: Sequence[float] = (), std: Sequence[float] = ()) -> bytes:
    """A model that reshapes a picture of *width* x *height* to a vector, uint8, or float32 where there is a *mean*."""
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT()]
    if mean:
        notes = schema.BufferT()
        notes.data = list(_metadata(mean, std))
        entry = schema.MetadataT()
        entry.name, entry.buffer = "TFLITE_METADATA", 1
        model.buffers.append(notes)
        model.metadata = [entry]
    code = schema.OperatorCodeT()
    code.deprecatedBuiltinCode = code.builtinCode = schema.BuiltinOperator.RESHAPE
    code.version = 1
    model.operatorCodes = [code]
    model.subgraphs = [_graph(width, height, real=bool(mean))]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _graph(width: int, height: int, *, real: bool) -> schema.SubGraphT:
    numbers = width * height * 3
    graph = schema.SubGraphT()
    graph.tensors = [
        _tensor("picture", [1, height, width, 3], real=real),
        _tensor("vector", [1, numbers], real=real),
    ]
    graph.inputs, graph.outputs = [0], [1]
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [0], [1]
    options = schema.ReshapeOptionsT()
    options.newShape = [1, numbers]
    operator.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
    operator.builtinOptions = options
    graph.operators = [operator]
    return graph


def _tensor(name: str, shape: list[int], *, real: bool) -> schema.TensorT:
    tensor = schema.TensorT()
    tensor.name, tensor.shape = name, shape
    tensor.type = schema.TensorType.FLOAT32 if real else schema.TensorType.UINT8
    if not real:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [1.0], [0]
    return tensor


def _metadata(mean: Sequence[float], std: Sequence[float]) -> bytes:
    """The metadata of the Task Library with nothing in it but the colours and the normalisation of the input."""
    builder = flatbuffers.Builder(256)

    def floats(values: Sequence[float]) -> int:
        builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            builder.PrependFloat32(value)
        return int(builder.EndVector())

    def table(fields: int, **slots: int) -> int:
        """A table of offsets in the slots o0, o1, … and bytes in the slots b0, b1, …."""
        builder.StartObject(fields)
        for slot, value in slots.items():
            place = int(slot[1:])
            if slot[0] == "o":
                builder.PrependUOffsetTRelativeSlot(place, value, 0)
            else:
                builder.PrependByteSlot(place, value, 0)
        return int(builder.EndObject())

    def vector(item: int) -> int:
        builder.StartVector(4, 1, 4)
        builder.PrependUOffsetTRelative(item)
        return int(builder.EndVector())

    means, deviations = floats(mean), floats(std)
    normalization = table(2, o0=means, o1=deviations)
    unit = table(2, b0=NORMALIZATION, o1=normalization)
    image = table(2, b0=RGB)
    content = table(3, b0=IMAGE_PROPERTIES, o1=image)
    units = vector(unit)
    tensor = table(7, o3=content, o4=units)
    tensors = vector(tensor)
    graph = table(3, o2=tensors)
    graphs = vector(graph)
    builder.Finish(table(4, o3=graphs), b"M001")
    return bytes(builder.Output())
