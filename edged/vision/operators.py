"""Do the shapes and settings of a model's operators fit together?

The kernels check some of it, each runtime something else, and where neither does they divide by zero, or write past
the end of a tensor. Here are the operators that networks for pictures are made of. For each, its rule says how many
inputs it needs and what shape comes out; an operator without a rule is left to the trial run in a child process.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from edged.vision.tensors import BITS, GraphError, by

if TYPE_CHECKING:
    import numpy.typing as npt

    from edged.vision.graph import Graph, Operator
    from edged.vision.tensors import Tensor

__all__ = ["check_operators"]

Shape = tuple[int, ...]

SAME = 0
"""The padding that keeps the size, as the schema counts them; the other one, VALID, adds nothing."""

LARGEST = 1 << 16
"""For a stride, a step between the taps of a kernel, or the side of a window: far more than any has."""

LARGEST_RESULT = 1 << 29
"""Bytes. What a network for pictures passes on from operator to operator is far less."""

ANY = 1 << 16
"""For the number of an operator's inputs."""


def check_operators(graph: Graph) -> dict[int, Shape]:
    """Check each operator of *graph* that has a rule, in their order.

    Returns the shapes that the tensors really have, by their numbers, as far as they can be known. Those in the file
    may be wrong in good models: the runtimes work them out anew.

    Raises:
        GraphError: an operator lacks an input or its options, or its options and inputs do not fit together.
    """
    made = {index for operator in graph.operators for index in operator.outputs}.union(graph.inputs)
    shapes = {tensor.index: tensor.shape for tensor in graph.tensors if tensor.index not in made}
    fixed = {tensor.index for tensor in graph.tensors if tensor.constant is not None}
    shapes |= {index: graph.tensors[index].shape for index in graph.inputs if _is_sure(graph.tensors[index])}
    for operator in graph.operators:
        shapes |= _made(Site(graph, operator, shapes))
        if fixed.issuperset(operator.inputs):
            fixed.update(operator.outputs)
    for index in fixed:  # these, some delegates make at once, by the shape in the file
        tensor = graph.tensors[index]
        if shapes.get(index, tensor.shape) != tensor.shape:
            raise GraphError(f"{graph}: {tensor} is {by(shapes[index])}, but the file says {by(tensor.shape)}")
    return shapes


def _made(site: Site) -> dict[int, Shape]:
    """The shapes of the outputs of an operator, by their numbers, as far as they can be known."""
    operator, tensors = site.operator, site.graph.tensors
    rule = None if operator.custom else _RULES.get(operator.name)
    if rule is not None:
        site.check_parts(rule)
    inputs = [index for index in operator.inputs if index != -1]
    if any(index not in site.shapes for index in inputs):
        return {}
    shape = rule and rule.shape(site)
    if shape is not None:
        site.check_size(shape)
        return {operator.outputs[0]: shape}
    if any(site.shapes[index] != tensors[index].shape for index in inputs):
        return {}
    return {index: tensors[index].shape for index in operator.outputs if _is_sure(tensors[index])}


def _is_sure(tensor: Tensor) -> bool:
    """Whether its shape in the file is meant: nothing, a 0 and something open stand for one that is found out."""
    return tensor.shape != () and 0 not in tensor.shape and -1 not in tensor.signature[1:]


@dataclass(frozen=True, slots=True)
class Site:
    """An operator in its graph; ``shapes`` are the shapes of tensors that are known."""

    graph: Graph
    operator: Operator
    shapes: dict[int, Shape]

    def fail(self, found: str) -> NoReturn:
        """Raise for what was *found* at the operator."""
        raise GraphError(f"{self.graph}, {self.operator} {found}")

    def check_parts(self, rule: Rule) -> None:
        """Check that it has the parts that *rule* wants."""
        inputs, outputs = self.operator.inputs, self.operator.outputs
        needed = len(inputs) if rule.most == ANY else rule.least
        if not rule.least <= len(inputs) <= rule.most or -1 in inputs[:needed]:
            given = sum(index != -1 for index in inputs)
            self.fail(f"has {given} inputs, and needs {rule.least}")
        if len(outputs) != 1:
            self.fail(f"has {len(outputs)} outputs, and should have one")
        if rule.options and self.operator.options_name != rule.options:
            self.fail(f"has {self.operator.options_name or 'no options'}, and needs {rule.options}")

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
        if tensor.type not in {"INT32", "INT64"}:
            self.fail(f"has {tensor.type} for input {number}, which needs whole numbers")
        numbers: list[int] = tensor.constant.view("<i4" if tensor.type == "INT32" else "<i8").tolist()
        return numbers

    def option(self, name: str) -> int:
        """A setting that counts something."""
        value: int = self.operator.options[name]
        if not 1 <= value <= LARGEST:
            self.fail(f"has {name} {value}")
        return value

    def check_size(self, shape: Shape) -> None:
        """Check that an output of this *shape* is something, and not too much."""
        output = self.graph.tensors[self.operator.outputs[0]]
        if 0 in shape or math.prod(shape) * BITS.get(output.type, 8) > LARGEST_RESULT * 8:
            self.fail(f"makes {by(shape)} of {output.type}")


class Rule(NamedTuple):
    """An operator's rule: what shape comes out, its number of inputs, and the table of its options."""

    shape: Callable[[Site], Shape | None]
    least: int = 1
    most: int = 1
    options: str = ""


def _extent(site: Site, size: int, window: int, stride: int, dilation: int = 1) -> int:
    """How many places a *window* has along a dimension of *size*."""
    span = (window - 1) * dilation + 1
    if site.operator.options["padding"] == SAME:
        return -(-size // stride)
    if span > size:
        site.fail(f"has a window of {span} over a dimension of {size}")
    return (size - span) // stride + 1


def _convolution(site: Site) -> Shape:
    batch, height, width, channels = site.shape(0, 4)
    outputs, rows, columns, depth = site.shape(1, 4)
    if 0 in (outputs, rows, columns, depth) or channels % depth or outputs % max(1, channels // depth):
        site.fail(f"has the filter {by(site.shape(1))} over {by(site.shape(0))}")
    return batch, *_slid(site, height, width, rows, columns), _with_bias(site, outputs)


def _depthwise(site: Site) -> Shape:
    batch, height, width, channels = site.shape(0, 4)
    one, rows, columns, outputs = site.shape(1, 4)
    if one != 1 or 0 in (rows, columns, outputs) or outputs != channels * site.option("depth_multiplier"):
        site.fail(f"has the filter {by(site.shape(1))} over {by(site.shape(0))}")
    return batch, *_slid(site, height, width, rows, columns), _with_bias(site, outputs)


def _slid(site: Site, height: int, width: int, rows: int, columns: int) -> tuple[int, int]:
    return (
        _extent(site, height, rows, site.option("stride_h"), site.option("dilation_h_factor")),
        _extent(site, width, columns, site.option("stride_w"), site.option("dilation_w_factor")),
    )


def _with_bias(site: Site, outputs: int) -> int:
    if site.has(2) and math.prod(site.shape(2)) != outputs:
        site.fail(f"has a bias of {by(site.shape(2))} for {outputs} channels")
    return outputs


def _pool(site: Site) -> Shape:
    batch, height, width, channels = site.shape(0, 4)
    rows, columns = site.option("filter_height"), site.option("filter_width")
    if rows > 2 * height or columns > 2 * width:  # the runtimes make a table with all of the window's places
        site.fail(f"has a window of {by((rows, columns))} over {by((height, width))}")
    return (
        batch,
        _extent(site, height, rows, site.option("stride_h")),
        _extent(site, width, columns, site.option("stride_w")),
        channels,
    )


def _dense(site: Site) -> Shape | None:
    outputs, inputs = site.shape(1, 2)
    shape, keep = site.shape(0), site.operator.options["keep_num_dims"]
    if not inputs or math.prod(shape) % inputs or (keep and shape[-1:] != (inputs,)):
        site.fail(f"has weights of {by((outputs, inputs))} for {by(shape)}")
    _with_bias(site, outputs)
    return (*shape[:-1], outputs) if keep else (math.prod(shape) // inputs, outputs)


def _same(site: Site) -> Shape:
    return site.shape(0)


def _broadcast(site: Site) -> Shape:
    one, other = site.shape(0), site.shape(1)
    rank = max(len(one), len(other))
    one, other = (1,) * (rank - len(one)) + one, (1,) * (rank - len(other)) + other
    for a, b in zip(one, other, strict=True):
        if a != b and 1 not in (a, b):
            site.fail(f"has inputs of {by(site.shape(0))} and {by(site.shape(1))}, which do not go together")
    return tuple(b if a == 1 else a for a, b in zip(one, other, strict=True))


def _like_the_first(site: Site) -> Shape:
    shape = _broadcast(site)
    if shape != site.shape(0):
        site.fail(f"has inputs of {by(site.shape(0))} and {by(site.shape(1))}, which do not go together")
    return shape


def _axis(site: Site, axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        site.fail(f"works along dimension {axis} of {rank}")
    return axis % rank


def _reduction(site: Site) -> Shape | None:
    shape, axes = site.shape(0), site.numbers(1)
    if axes is None:
        return None
    gone = {_axis(site, axis, len(shape)) for axis in axes}
    keep = site.operator.options["keep_dims"]
    return tuple(1 if index in gone else size for index, size in enumerate(shape) if keep or index not in gone)


def _reshape(site: Site) -> Shape | None:
    wanted = site.numbers(1) if site.has(1) else _numbers(site.operator.options.get("new_shape"))
    if wanted is None:
        return None
    count = math.prod(site.shape(0))
    if wanted == [0] and count == 1:  # what old converters write for a single number
        wanted = []
    open_places = [index for index, size in enumerate(wanted) if size == -1]
    rest = math.prod(size for size in wanted if size != -1)
    if len(open_places) == 1 and rest > 0:
        wanted[open_places[0]] = count // rest
    if min(wanted, default=0) < 0 or math.prod(wanted) != count:
        site.fail(f"turns {by(site.shape(0))} into {by(wanted)}, which is not as many numbers")
    return tuple(wanted)


def _numbers(vector: npt.NDArray[Any] | None) -> list[int]:
    return [] if vector is None else vector.tolist()


def _pad(site: Site) -> Shape | None:
    shape, table = site.shape(0), site.numbers(1)
    if table is None:
        return None
    if len(table) != 2 * len(shape) or min(table, default=0) < 0:
        site.fail(f"pads {by(shape)} by {table}")
    pairs = list(zip(table[::2], table[1::2], strict=True))
    if site.operator.name == "MIRROR_PAD":
        edge = 1 - site.operator.options["mode"]  # the outermost line is not repeated in mode 0
        if any(max(pair) > size - edge for pair, size in zip(pairs, shape, strict=True)):
            site.fail(f"mirrors {by(shape)} by {table}")
    return tuple(size + sum(pair) for pair, size in zip(pairs, shape, strict=True))


def _concatenation(site: Site) -> Shape:
    shapes = [site.shape(number) for number in range(len(site.operator.inputs))]
    axis = _axis(site, site.operator.options["axis"], len(shapes[0]))
    if len({(len(shape), shape[:axis], shape[axis + 1 :]) for shape in shapes}) != 1:
        site.fail(f"joins {' and '.join(map(by, shapes))} along dimension {axis}")
    return (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])


def _resize(site: Site) -> Shape | None:
    batch, _, _, channels = site.shape(0, 4)
    size = site.numbers(1)
    if size is None:
        return None
    if len(size) != 2 or min(size) < 1 or max(size) > LARGEST:
        site.fail(f"resizes to {by(size)}")
    return batch, *size, channels


def _transpose(site: Site) -> Shape | None:
    shape, order = site.shape(0), site.numbers(1)
    if order is None:
        return None
    if sorted(_axis(site, axis, len(shape)) for axis in order) != list(range(len(shape))):
        site.fail(f"puts {len(shape)} dimensions into the order {order}")
    return tuple(shape[axis] for axis in order)


def _squeeze(site: Site) -> Shape:
    shape = site.shape(0)
    gone = {_axis(site, axis, len(shape)) for axis in _numbers(site.operator.options["squeeze_dims"])}
    if any(shape[axis] != 1 for axis in gone):
        site.fail(f"drops dimensions {sorted(gone)} of {by(shape)}")
    if not gone:
        return tuple(size for size in shape if size != 1)
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)


def _space_to_depth(site: Site) -> Shape:
    batch, height, width, channels = site.shape(0, 4)
    block = site.option("block_size")
    if height % block or width % block:
        site.fail(f"cuts {by(site.shape(0))} into blocks of {block}")
    return batch, height // block, width // block, channels * block * block


def _depth_to_space(site: Site) -> Shape:
    batch, height, width, channels = site.shape(0, 4)
    block = site.option("block_size")
    if channels % (block * block):
        site.fail(f"makes blocks of {block} out of {channels} channels")
    return batch, height * block, width * block, channels // (block * block)


_RULES: dict[str, Rule] = (
    {
        "ADD": Rule(_broadcast, 2, 2, "AddOptions"),
        "AVERAGE_POOL_2D": Rule(_pool, options="Pool2DOptions"),
        "CONCATENATION": Rule(_concatenation, 1, ANY, "ConcatenationOptions"),
        "CONV_2D": Rule(_convolution, 3, 3, "Conv2DOptions"),
        "DEPTHWISE_CONV_2D": Rule(_depthwise, 3, 3, "DepthwiseConv2DOptions"),
        "DEPTH_TO_SPACE": Rule(_depth_to_space, options="DepthToSpaceOptions"),
        "DIV": Rule(_broadcast, 2, 2, "DivOptions"),
        "FULLY_CONNECTED": Rule(_dense, 2, 3, "FullyConnectedOptions"),
        "GELU": Rule(_same, options="GeluOptions"),
        "L2_POOL_2D": Rule(_pool, options="Pool2DOptions"),
        "LEAKY_RELU": Rule(_same, options="LeakyReluOptions"),
        "MAX_POOL_2D": Rule(_pool, options="Pool2DOptions"),
        "MEAN": Rule(_reduction, 2, 2, "ReducerOptions"),
        "MIRROR_PAD": Rule(_pad, 2, 2, "MirrorPadOptions"),
        "MUL": Rule(_broadcast, 2, 2, "MulOptions"),
        "PAD": Rule(_pad, 2, 2),
        "PADV2": Rule(_pad, 3, 3),
        "PRELU": Rule(_like_the_first, 2, 2),
        "REDUCE_MAX": Rule(_reduction, 2, 2, "ReducerOptions"),
        "REDUCE_MIN": Rule(_reduction, 2, 2, "ReducerOptions"),
        "REDUCE_PROD": Rule(_reduction, 2, 2, "ReducerOptions"),
        "RESHAPE": Rule(_reshape, 1, 2),
        "RESIZE_BILINEAR": Rule(_resize, 2, 2, "ResizeBilinearOptions"),
        "RESIZE_NEAREST_NEIGHBOR": Rule(_resize, 2, 2, "ResizeNearestNeighborOptions"),
        "SOFTMAX": Rule(_same, options="SoftmaxOptions"),
        "SPACE_TO_DEPTH": Rule(_space_to_depth, options="SpaceToDepthOptions"),
        "SQUEEZE": Rule(_squeeze, options="SqueezeOptions"),
        "SUB": Rule(_broadcast, 2, 2, "SubOptions"),
        "SUM": Rule(_reduction, 2, 2, "ReducerOptions"),
        "TRANSPOSE": Rule(_transpose, 2, 2),
    }
    | dict.fromkeys(
        (
            *(
                "ABS",
                "CAST",
                "CEIL",
                "COS",
                "DENSIFY",
                "DEQUANTIZE",
                "ELU",
                "EXP",
                "FLOOR",
                "HARD_SWISH",
                "L2_NORMALIZATION",
                "LOG",
            ),
            *(
                "LOGICAL_NOT",
                "LOGISTIC",
                "LOG_SOFTMAX",
                "NEG",
                "QUANTIZE",
                "RELU",
                "RELU6",
                "RELU_0_TO_1",
                "RELU_N1_TO_1",
            ),
            *("ROUND", "RSQRT", "SIGN", "SIN", "SQRT", "SQUARE", "TANH", "ZEROS_LIKE"),
        ),
        Rule(_same),
    )
    | dict.fromkeys(
        ("FLOOR_DIV", "FLOOR_MOD", "MAXIMUM", "MINIMUM", "POW", "SQUARED_DIFFERENCE"), Rule(_broadcast, 2, 2)
    )
)
