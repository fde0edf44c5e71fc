"""Tiny models, built from nothing, whose answer a test can compute in its head."""

from __future__ import annotations

import flatbuffers  # type: ignore[import-untyped]  # it has no types
from ai_edge_litert import schema_py_generated as schema

from edged.vision.specs import ModelFile
from edged.vision.tflite.model_file import read_model

__all__ = ["pool_model"]

SIZE = 8


def pool_model(name: str = "pool", *, compiled: bool = False, zero_point: int = 0) -> ModelFile:
    """A model that averages an 8 x 8 picture to the vector (red, green, blue), uint8 to uint8.

    *compiled* leaves the work to the operator that edgetpu_compiler writes, as the models for a Coral do. The vector's
    numbers are 1/128 of what is stored, less *zero_point*: another one means another embedding space.
    """
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT()]
    model.operatorCodes = [_coral_code() if compiled else _pool_code()]
    model.subgraphs = [_graph(zero_point, compiled=compiled)]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return read_model(bytes(builder.Output()), name=name)


def _graph(zero_point: int, *, compiled: bool) -> schema.SubGraphT:
    graph = schema.SubGraphT()
    graph.tensors = [
        _tensor("picture", (1, SIZE, SIZE, 3), zero_point),
        _tensor("vector", (1, 1, 1, 3), zero_point),
    ]
    graph.inputs, graph.outputs = [0], [1]
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [0], [1]
    if not compiled:
        options = schema.Pool2DOptionsT()
        options.padding = schema.Padding.VALID
        options.filterHeight = options.filterWidth = SIZE
        options.strideH = options.strideW = 1
        operator.builtinOptionsType = schema.BuiltinOptions.Pool2DOptions
        operator.builtinOptions = options
    graph.operators = [operator]
    return graph


def _tensor(name: str, shape: tuple[int, ...], zero_point: int) -> schema.TensorT:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type = name, list(shape), schema.TensorType.UINT8
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale, tensor.quantization.zeroPoint = [1 / 128], [zero_point]
    return tensor


def _coral_code() -> schema.OperatorCodeT:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode, code.version = "edgetpu-custom-op", 1
    return code


def _pool_code() -> schema.OperatorCodeT:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.AVERAGE_POOL_2D
    code.version = 1
    return code
