"""Requirements of an image embedder: those of the Task Library, in its order and words.

They come from ``cc/task/vision/utils/image_tensor_specs.cc`` and ``cc/task/processor/embedding_postprocessor.cc``
of tflite-support, except that int8 is accepted here. Each message begins with the library's sentence, and then names
the tensor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edged.vision.specs import HeadSpec, InputSpec, Normalization, Quantization, TensorType
from edged.vision.tflite.tensors import by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edged.vision.tflite.graph import Graph
    from edged.vision.tflite.metadata import ModelMetadata, TensorMetadata
    from edged.vision.tflite.tensors import Tensor

__all__ = ["RequirementError", "image_input", "vector_heads"]

Shape = tuple[int, ...]

_TYPES: dict[str, TensorType] = {"UINT8": "uint8", "INT8": "int8", "FLOAT32": "float32"}

LARGEST_SIDE = 4096
"""Most pixels of a side. Embedders take some hundred; a far larger side is a mistake, and would take all memory."""


class RequirementError(ValueError):
    """The network is not an image embedder. The text names the requirement, the tensor, and what was found there."""


def image_input(graph: Graph, metadata: ModelMetadata, normalization: Normalization | None) -> InputSpec:
    """The picture that *graph* takes. *normalization*, where given, replaces that of the metadata.

    Raises:
        RequirementError: it does not take one RGB picture of a fixed size, or has no normalisation for it.
    """
    note = _input_note(metadata)
    if note is not None and normalization is None:
        _check_lengths(note)
    if len(graph.inputs) != 1:
        names = ", ".join(f"'{graph.tensors[index].name}'" for index in graph.inputs) or "none"
        raise RequirementError(f"Models are assumed to have a single input. This one has {len(graph.inputs)}: {names}.")
    tensor = graph.tensors[graph.inputs[0]]
    dtype = _picture_type(tensor)
    if note is not None and note.content == "ImageProperties" and not note.rgb:
        raise RequirementError(
            f"Only RGB color space is supported for now. The metadata gives another one for the {_input(tensor)}."
        )
    _check_picture_shape(tensor)
    return InputSpec(
        name=tensor.name,
        index=tensor.index,
        height=tensor.shape[1],
        width=tensor.shape[2],
        dtype=dtype,
        quantization=_quantization(tensor),
        normalization=_normalization(tensor, note, normalization),
    )


def _input(tensor: Tensor) -> str:
    return f"input tensor '{tensor.name}'"


def _input_note(metadata: ModelMetadata) -> TensorMetadata | None:
    """The metadata of the one input; None where it has none."""
    if metadata.inputs is None:
        return None
    if len(metadata.inputs) != 1:
        raise RequirementError(
            "Models are assumed to have a single input TensorMetadata. "
            f"The model's metadata has {len(metadata.inputs)}."
        )
    note = metadata.inputs[0]
    if note.content not in {None, "ImageProperties"}:
        raise RequirementError(f"Expected ImageProperties for tensor {note.name or '#0'}, got {note.content}.")
    return note


def _check_lengths(note: TensorMetadata) -> None:
    if note.mean is None or note.std is None:
        return
    mean, std = note.mean, note.std
    if len(mean) != len(std):
        raise RequirementError(
            f"NormalizationOptions: expected mean and std of same dimension, got {len(mean)} and {len(std)}."
        )
    if len(mean) not in {1, 3}:
        raise RequirementError(f"NormalizationOptions: only 1 or 3 mean and std values are supported, got {len(mean)}.")


def _picture_type(tensor: Tensor) -> TensorType:
    if len(tensor.shape) != 4:
        raise RequirementError(
            f"Only 4D tensors in BHWD layout are supported. The {_input(tensor)} has {len(tensor.shape)} "
            f"dimensions: {by(tensor.shape) or 'it is a single number'}."
        )
    return _type(tensor, "input")


def _type(tensor: Tensor, side: str) -> TensorType:
    if tensor.type not in _TYPES:
        raise RequirementError(
            f"Type mismatch for {side} tensor {tensor.name}. "
            f"Requested one of these types: kTfLiteUint8/kTfLiteInt8/kTfLiteFloat32, got {tensor.type}."
        )
    return _TYPES[tensor.type]


def _check_picture_shape(tensor: Tensor) -> None:
    batch, height, width, channels = tensor.shape
    if batch != 1 or channels != 3:
        cure = ""
        if height == 3 and channels != 3:  # as PyTorch has it
            cure = (
                " Its channels come first: convert the model again with channels last, such as with litert-torch's "
                "to_channel_last_io, or onnx2tf, which does so by itself."
            )
        raise RequirementError(
            "The input tensor should have dimensions 1 x height x width x 3. "
            f"Got {by(tensor.shape)}. It is the {_input(tensor)}.{cure}"
        )
    # A batch of any size is common, and 1 is allowed by it.
    if -1 in tensor.signature[1:]:
        raise RequirementError(
            f"The {_input(tensor)} has no fixed size: {by(tensor.signature)}: convert the model again with three "
            "channels."
        )
    if not (0 < height <= LARGEST_SIDE and 0 < width <= LARGEST_SIDE):
        raise RequirementError(
            f"The {_input(tensor)} takes a picture of {width} x {height} pixels; up to {LARGEST_SIDE} are supported."
        )


def _quantization(tensor: Tensor) -> Quantization | None:
    if not tensor.scale.size or tensor.type == "FLOAT32":
        return None
    if tensor.scale.size > 1:
        raise RequirementError(f"The tensor '{tensor.name}' has {tensor.scale.size} scales, and one is supported.")
    return Quantization(float(tensor.scale[0]), int(tensor.zero_point[0]))


def _normalization(tensor: Tensor, note: TensorMetadata | None, given: Normalization | None) -> Normalization | None:
    if tensor.type == "UINT8":
        if given is not None:
            raise RequirementError(
                f"The {_input(tensor)} has type uint8 and takes pixels without normalisation: give no mean and std."
            )
        return None
    if given is not None:
        return given
    if note is not None and note.mean is not None and note.std is not None:
        try:
            return Normalization(note.mean, note.std)
        except ValueError as exc:
            raise RequirementError(
                f"{exc} Please check if the tensor metadata has been populated correctly, "
                f"or give mean and std yourself. This is the {_input(tensor)}."
            ) from exc
    if tensor.type == "FLOAT32":
        raise RequirementError(
            "Input tensor has type kTfLiteFloat32: it requires specifying NormalizationOptions metadata to preprocess "
            f"input images. The {_input(tensor)} has none: give its mean and std (often 127.5 and 127.5, or 0 and 255; "
            "ask the model's maker)."
        )
    return None


def vector_heads(graph: Graph, shapes: Mapping[int, Shape], metadata: ModelMetadata) -> tuple[HeadSpec, ...]:
    """The vectors that *graph* gives, one for each output. *shapes* are those of the tensors at run time, where known.

    Raises:
        RequirementError: it has no output, or one that is not a vector.
    """
    if not graph.outputs:
        raise RequirementError("The model has no output, so there is no vector in it.")
    notes = metadata.outputs or ()
    # Names belong to outputs by their order, which means nothing if the counts differ.
    names = [note.name for note in notes] if len(notes) == len(graph.outputs) else [None] * len(graph.outputs)
    return tuple(
        _head(index, graph.tensors[number], shapes.get(number), name)
        for index, (number, name) in enumerate(zip(graph.outputs, names, strict=True))
    )


def _head(index: int, tensor: Tensor, shape: Shape | None, name: str | None) -> HeadSpec:
    size = _vector_size(index, tensor, shape)
    dtype = _type(tensor, "output")
    quantization = _quantization(tensor)
    if dtype != "float32" and (quantization is None or quantization.scale == 0):
        raise RequirementError(
            f"The output tensor '{tensor.name}' has type {dtype} and no quantization parameters for its numbers."
        )
    return HeadSpec(
        index=index,
        tensor_index=tensor.index,
        tensor_name=tensor.name,
        size=size,
        dtype=dtype,
        quantization=quantization,
        name=name,
    )


def _vector_size(index: int, tensor: Tensor, known: Shape | None) -> int:
    shape, of = tensor.shape if known is None else known, f"It is the output tensor '{tensor.name}'"
    if len(shape) not in {2, 4}:
        raise RequirementError(
            f"Unexpected number of dimensions for output index {index}: got {len(shape)}D, expected either "
            f"2D (BxN with B=1) or 4D (BxHxWxN with B=1, W=1, H=1). {of}: {by(shape) or 'a single number'}."
        )
    if len(shape) == 4 and shape[1:3] != (1, 1):
        raise RequirementError(
            f"Unexpected WxH sizes for output index {index}: got {shape[2]}x{shape[1]}, expected 1x1. "
            f"{of}: {by(shape)}, a map and not a vector."
        )
    if shape[0] != 1:
        raise RequirementError(
            f"The output array is expected to have a batch size of 1. Got {shape[0]} for output index {index}. {of}."
        )
    if shape[-1] == 0 or (known is None and -1 in tensor.signature[1:]):
        raise RequirementError(
            f"The output index {index} has no fixed size: {by(tensor.signature)}. {of}. Models of a dynamic size are "
            "not supported: convert the model again with fixed sizes."
        )
    return shape[-1]
