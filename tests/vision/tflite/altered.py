"""Altered model files: they are read, changed as records, and written again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edged.vision.tflite.flatbuffer import Record, read_flatbuffer
from edged.vision.tflite.metadata import METADATA
from edged.vision.tflite.operator_options import TENSOR_TYPES
from edged.vision.tflite.schema import IDENTIFIER, MODEL, OPERATORS
from scripts.flatbuffer_writer import write_flatbuffer

__all__ = ["altered", "append", "graph_of", "ints", "metadata_altered", "operator_named", "tensor_type"]

CASES = Path(__file__).parents[2] / "cases"

Change = Callable[[Record], object]


def altered(change: Change, case: str = "small96_uint8_meta") -> bytes:
    """The model file *case* after *change* to its record."""
    record = read_flatbuffer((CASES / f"{case}.tflite").read_bytes(), MODEL)
    change(record)
    return write_flatbuffer(record, MODEL, IDENTIFIER)


def metadata_altered(change: Change, case: str = "small96_float_meta", identifier: bytes = b"M001") -> bytes:
    """The model file *case* after *change* to the record of its metadata."""

    def rewrite(model: Record) -> None:
        entry = next(entry for entry in model["metadata"] if entry["name"] == "TFLITE_METADATA")
        buffer = model["buffers"][entry["buffer"]]
        metadata = read_flatbuffer(buffer["data"].tobytes(), METADATA)
        change(metadata)
        buffer["data"] = np.frombuffer(write_flatbuffer(metadata, METADATA, identifier), np.uint8)

    return altered(rewrite, case)


def graph_of(model: Record) -> Record:
    """The record of the graph that runs."""
    graph: Record = model["subgraphs"][0]
    return graph


def operator_named(model: Record, name: str) -> Record:
    """The record of the first operator *name*."""
    codes = [OPERATORS[max(code["deprecated_builtin_code"], code["builtin_code"])] for code in model["operator_codes"]]
    operators: list[Record] = graph_of(model)["operators"]
    return next(operator for operator in operators if codes[operator["opcode_index"]] == name)


def append(model: Record, name: str, shape: tuple[int, ...], options: object = None, **tensor: object) -> Record:
    """Append an operator with an output of that *shape*, which becomes the output of the model."""
    graph = graph_of(model)
    code = {"deprecated_builtin_code": min(OPERATORS.index(name), 127), "builtin_code": OPERATORS.index(name)}
    model["operator_codes"].append({**code, "custom_code": "MyOp" if name == "CUSTOM" else None, "version": 1})
    last = graph["tensors"][int(graph["outputs"][0])]
    graph["tensors"].append({**last, "buffer": 0, "name": "appended", "shape": ints(*shape), **tensor})
    operator = {
        "opcode_index": len(model["operator_codes"]) - 1,
        "inputs": graph["outputs"],
        "outputs": ints(len(graph["tensors"]) - 1),
        "builtin_options": options,
    }
    graph["operators"].append(operator)
    graph["outputs"] = operator["outputs"]
    return operator


def ints(*numbers: int) -> np.ndarray[Any, Any]:
    """A vector of int32."""
    return np.array(numbers, np.int32)


def tensor_type(name: str) -> int:
    """The number of a type of tensors."""
    return TENSOR_TYPES.index(name)
