"""The graphs of a TFLite model: tensors and operators, every number checked against the rest.

The runtimes trust a model file: an index past the end of a list, or a constant that is shorter than its shape,
is a wild pointer in them. The network that ``read_network`` returns has neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from edged.vision.tflite.schema import OPERATORS
from edged.vision.tflite.tensors import GraphError, Tensor, read_tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from edged.vision.tflite.flatbuffer import Record

    _Value = npt.NDArray[np.uint8]

__all__ = ["Graph", "Network", "Operator", "read_network"]

SCHEMA_VERSION = 3

MAX_GRAPHS = 256
"""Each loop or branch of a network is a graph of its own. Most image networks have one graph."""

_T = TypeVar("_T")
_NOTHING = np.empty(0, np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Operator:
    """One operator. ``name`` is that of the built-in operator, or of the custom one.

    In ``inputs``, -1 stands for an input that is left out. ``options`` is the record of table ``options_name``.
    """

    index: int
    name: str
    custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options_name: str
    options: Record

    def __str__(self) -> str:
        return f"operator {self.index} {self.name}"


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """One graph, with its operators in the order in which they run."""

    index: int
    tensors: tuple[Tensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operators: tuple[Operator, ...]

    def __str__(self) -> str:
        return f"subgraph {self.index}"


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """All graphs of a model. The first one is run; ``metadata`` are pieces of bytes by name."""

    graphs: tuple[Graph, ...]
    metadata: dict[str, npt.NDArray[np.uint8]]


def read_network(model: Record, content: bytes) -> Network:
    """Read the graphs of *model*, the record of a whole model file; *content* are the bytes of that file.

    Raises:
        GraphError: it contradicts itself.
    """
    if model["version"] != SCHEMA_VERSION:
        raise GraphError(f"it has version {model['version']} of the format, and only {SCHEMA_VERSION} is in use")
    if not model["subgraphs"]:
        raise GraphError("it has no subgraph: there is nothing to run")
    if len(model["subgraphs"]) > MAX_GRAPHS:
        raise GraphError(f"it has {len(model['subgraphs'])} subgraphs, and no model has more than {MAX_GRAPHS}")
    buffers = [_buffer(index, buffer, content) for index, buffer in enumerate(model["buffers"] or [])]
    names = [_operator_name(index, code) for index, code in enumerate(model["operator_codes"] or [])]
    graphs = tuple(_graph(index, graph, buffers, names, content) for index, graph in enumerate(model["subgraphs"]))
    for number, signature in enumerate(model["signature_defs"] or []):
        _check_signature(f"signature {number}", signature, graphs)
    for index in [] if model["metadata_buffer"] is None else model["metadata_buffer"].tolist():
        _pick(buffers, index, "buffer", "metadata_buffer")
    return Network(graphs, _metadata(model["metadata"] or [], buffers))


def _pick(items: Sequence[_T], index: int, what: str, place: str) -> _T:
    if not 0 <= index < len(items):
        raise GraphError(f"{place} refers to {what} {index}, and there are {len(items)}")
    return items[index]


def _buffer(index: int, buffer: Record, content: bytes) -> _Value:
    """The bytes of a buffer: in the FlatBuffer, or in a file of more than 2 GB behind it."""
    data: _Value = _NOTHING if buffer["data"] is None else buffer["data"]
    if buffer["offset"] <= 1:
        return data
    if data.size or not buffer["size"]:
        raise GraphError(
            f"buffer {index} has the offset {buffer['offset']}, and its bytes are elsewhere, or it has none"
        )
    return _bytes_behind(content, buffer["offset"], buffer["size"], f"buffer {index}")


def _bytes_behind(content: bytes, offset: int, size: int, place: str) -> _Value:
    if offset + size > len(content):
        raise GraphError(f"{place} reaches to byte {offset + size} of a file of {len(content)} bytes")
    return np.frombuffer(content, np.uint8, size, offset)


def _operator_name(index: int, code: Record) -> tuple[str, bool]:
    """An operator's name, and whether it is a custom one."""
    # The number had only a byte at first. The wider field came later, and the greater of the two counts.
    number = max(code["deprecated_builtin_code"], code["builtin_code"])
    name = OPERATORS[number] if 0 <= number < len(OPERATORS) else None
    if name in {None, "DELEGATE", "PLACEHOLDER_FOR_GREATER_OP_CODES"}:
        raise GraphError(f"operator code {index} is {name or number}, which no model file can have")
    if name != "CUSTOM":
        return name, False
    if not code["custom_code"]:
        raise GraphError(f"operator code {index} is a custom operator without a name")
    return code["custom_code"], True


def _graph(index: int, graph: Record, buffers: list[_Value], names: list[tuple[str, bool]], content: bytes) -> Graph:
    place = f"subgraph {index}"
    tensors = []
    for number, record in enumerate(graph["tensors"] or []):
        tensor_place = f"{place}, tensor {number} '{record['name'] or ''}'"
        value = _pick(buffers, record["buffer"], "buffer", tensor_place)
        try:
            tensors.append(read_tensor(number, record, value))
        except GraphError as exc:
            raise GraphError(f"{tensor_place} {exc}") from exc
    operators = [
        _operator(number, record, names, len(tensors), place, content)
        for number, record in enumerate(graph["operators"] or [])
    ]
    inputs = _indices(graph["inputs"], len(tensors), f"{place}, inputs")
    outputs = _indices(graph["outputs"], len(tensors), f"{place}, outputs")
    return Graph(index, tuple(tensors), inputs, outputs, tuple(operators))


def _indices(vector: npt.NDArray[np.int32] | None, count: int, place: str, *, lowest: int = 0) -> tuple[int, ...]:
    """The numbers of tensors in *vector*; there are *count* tensors."""
    numbers: tuple[int, ...] = () if vector is None else tuple(vector.tolist())
    for number in numbers:
        if not lowest <= number < count:
            raise GraphError(f"{place} refer to tensor {number}, and there are {count}")
    return numbers


def _operator(
    index: int, record: Record, names: list[tuple[str, bool]], tensors: int, graph: str, content: bytes
) -> Operator:
    name, custom = _pick(names, record["opcode_index"], "operator code", f"{graph}, operator {index}")
    place = f"{graph}, operator {index} {name}"
    inputs = _indices(record["inputs"], tensors, f"{place}, inputs", lowest=-1)
    outputs = _indices(record["outputs"], tensors, f"{place}, outputs")
    _indices(record["intermediates"], tensors, f"{place}, intermediates")
    mutating = record["mutating_variable_inputs"]
    if mutating is not None and mutating.size not in (0, len(inputs)):
        raise GraphError(f"{place} has {len(inputs)} inputs, and flags for {mutating.size} of them that it changes")
    if record["large_custom_options_offset"] > 1:
        offset, size = record["large_custom_options_offset"], record["large_custom_options_size"]
        _bytes_behind(content, offset, size, f"{place}, custom options")
    options_name, options = record["builtin_options"] or record["builtin_options_2"] or ("", {})
    return Operator(index, name, custom, inputs, outputs, options_name, options)


def _check_signature(place: str, signature: Record, graphs: tuple[Graph, ...]) -> None:
    """Check a named entry of a graph. edged uses none, but the runtimes read them all."""
    graph = _pick(graphs, signature["subgraph_index"], "subgraph", place)
    if signature["signature_key"] is None:
        raise GraphError(f"{place} has no name")
    for entry in (signature["inputs"] or []) + (signature["outputs"] or []):
        if entry["name"] is None:
            raise GraphError(f"{place} has a tensor without a name")
        _pick(graph.tensors, entry["tensor_index"], "tensor", f"{place}, '{entry['name']}',")


def _metadata(entries: list[Record], buffers: list[_Value]) -> dict[str, _Value]:
    """The pieces of metadata by name. Of two with the same name the first counts, as in the Task Library."""
    found: dict[str, _Value] = {}
    for number, entry in enumerate(entries):
        if entry["name"] is None:
            raise GraphError(f"metadata {number} has no name")
        found.setdefault(entry["name"], _pick(buffers, entry["buffer"], "buffer", f"metadata {number}"))
    return found
