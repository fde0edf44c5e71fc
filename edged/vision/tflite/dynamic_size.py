"""Models whose input has no fixed size: they are given their default one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edged.vision.tflite.requirements import RequirementError
from edged.vision.tflite.tensors import by

if TYPE_CHECKING:
    from edged.vision.tflite.graph import Graph
    from edged.vision.tflite.metadata import ModelMetadata

__all__ = ["with_default_size"]


def with_default_size(graph: Graph, metadata: ModelMetadata) -> Graph:
    """Return *graph* with the default size of its input, where that is one picture of no fixed size; else as it is.

    The default is that of the metadata, or else that of the file, unless it is a mere 1, which stands for no size.

    Raises:
        RequirementError: it has none.
    """
    if len(graph.inputs) != 1:
        return graph
    tensor = graph.tensors[graph.inputs[0]]
    if len(tensor.shape) != 4 or len(tensor.signature) != 4 or -1 not in tensor.signature[1:3]:
        return graph
    note = metadata.inputs[0] if metadata.inputs else None
    width, height = (note and note.default_size) or (tensor.shape[2], tensor.shape[1])
    _, rows, columns, channels = tensor.signature
    shape = (1, height if rows == -1 else rows, width if columns == -1 else columns, channels)
    if min(shape[1:3]) < 2:
        raise RequirementError(
            f"The input tensor '{tensor.name}' has no fixed size: {by(tensor.signature)}. Neither the file nor its "
            "metadata has a default size: convert the model again with a fixed height and width."
        )
    fixed = replace(tensor, shape=shape, signature=shape)
    tensors = tuple(fixed if each is tensor else each for each in graph.tensors)
    return replace(graph, tensors=tensors)
