"""An operator in its graph, as the rules for operators see it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from edged.vision.tflite.tensors import BITS, GraphError, by

if TYPE_CHECKING:
    from edged.vision.tflite.graph import Graph, Operator
    from edged.vision.tflite.tensors import Tensor

__all__ = ["LARGEST", "Shape", "Site"]

Shape = tuple[int, ...]

LARGEST = 1 << 16
"""Largest stride, dilation or side of a window, far above all real ones."""

MAX_NUMBERS = 16
"""Most numbers in an input that sets an operator: two for each dimension."""

LARGEST_RESULT = 1 << 29
"""Most bytes of an output. Those of image networks are far smaller."""


@dataclass(frozen=True, slots=True)
class Site:
    """An operator in its graph; ``shapes`` are the shapes of tensors that are known."""

    graph: Graph
    operator: Operator
    shapes: dict[int, Shape]

    def fail(self, found: str) -> NoReturn:
        """Raise for what was *found* at the operator."""
        raise GraphError(f"{self.graph}, {self.operator} {found}")

    def has(self, number: int) -> bool:
        """Whether it has input *number*."""
        return number < len(self.operator.inputs) and self.operator.inputs[number] != -1

    def tensor(self, number: int) -> Tensor:
        """Its input *number*."""
        return self.graph.tensors[self.operator.inputs[number]]

    def shape(self, number: int, rank: int | None = None) -> Shape:
        """The shape of its input *number*, which must have *rank* dimensions."""
        shape = self.shapes[self.operator.inputs[number]]
        if rank is not None and len(shape) != rank:
            self.fail(f"has {by(shape) or 'one number'} for input {number}, which needs {rank} dimensions")
        return shape

    def numbers(self, number: int) -> list[int] | None:
        """The whole numbers in its input *number*, where that is a constant."""
        tensor = self.tensor(number)
        if tensor.constant is None:
            return [] if 0 in self.shape(number) else None
        if tensor.constant.size > MAX_NUMBERS * 8:
            self.fail(f"has {tensor.constant.size} bytes for input {number}, which needs some numbers")
        if tensor.type not in {"INT32", "INT64"}:
            self.fail(f"has {tensor.type} for input {number}, which needs whole numbers")
        numbers: list[int] = tensor.constant.view("<i4" if tensor.type == "INT32" else "<i8").tolist()
        return numbers

    def option(self, name: str, least: int = 1) -> int:
        """The option *name*, which is a count of at least *least*."""
        value: int = self.operator.options[name]
        if not least <= value <= LARGEST:
            self.fail(f"has {name} {value}")
        return value

    def check_size(self, shape: Shape) -> None:
        """Check that an output of this *shape* is not empty, and not too large.

        The shape in the file must not be too large either, even where it is wrong: some delegates reserve memory by it.
        """
        output = self.graph.tensors[self.operator.outputs[0]]
        most = LARGEST_RESULT * 8 // BITS.get(output.type, 8)
        if 0 in shape or math.prod(shape) > most:
            self.fail(f"makes {by(shape)} of {output.type}")
        if math.prod(output.shape) > most:
            self.fail(f"makes {by(output.shape)} of {output.type} by the shape in the file")
