"""Output shapes of the operators of image networks.

Each function takes one operator and returns the shape of its outputs, or None where that is known only when the model
runs. It raises ``GraphError`` if the operator's inputs and options do not fit together.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from edged.vision.tflite.operator_site import LARGEST, Shape, Site
from edged.vision.tflite.tensors import by

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "broadcast",
    "concatenation",
    "convolution",
    "depth_to_space",
    "depthwise",
    "expand_dims",
    "fully_connected",
    "like_first",
    "like_input",
    "local_response",
    "pad",
    "pool",
    "reduction",
    "reshape",
    "resize",
    "slice_part",
    "space_to_depth",
    "split",
    "squeeze",
    "transpose",
]

SAME = 0
"""The number of the padding that keeps the size; the other one, VALID, adds nothing."""


def _output_size(site: Site, size: int, window: int, stride: int, dilation: int = 1) -> int:
    """The count of positions of a *window* along a dimension of *size*."""
    span = (window - 1) * dilation + 1
    if site.operator.options["padding"] == SAME:
        return -(-size // stride)
    if span > size:
        site.fail(f"has a window of {span} over a dimension of {size}")
    return (size - span) // stride + 1


def convolution(site: Site) -> Shape:
    """CONV_2D: a filter of (out, height, width, in), where *in* may be a part of the channels, and a bias."""
    batch, height, width, channels = site.shape(0, 4)
    outputs, rows, columns, depth = site.shape(1, 4)
    if 0 in (outputs, rows, columns, depth) or channels % depth or outputs % max(1, channels // depth):
        site.fail(f"has the filter {by(site.shape(1))} over {by(site.shape(0))}")
    return batch, *_window_places(site, height, width, rows, columns), _with_bias(site, outputs)


def depthwise(site: Site) -> Shape:
    """DEPTHWISE_CONV_2D: a filter of (1, height, width, channels times the multiplier), and a bias."""
    batch, height, width, channels = site.shape(0, 4)
    one, rows, columns, outputs = site.shape(1, 4)
    if one != 1 or 0 in (rows, columns, outputs) or outputs != channels * site.option("depth_multiplier"):
        site.fail(f"has the filter {by(site.shape(1))} over {by(site.shape(0))}")
    return batch, *_window_places(site, height, width, rows, columns), _with_bias(site, outputs)


def _window_places(site: Site, height: int, width: int, rows: int, columns: int) -> tuple[int, int]:
    return (
        _output_size(site, height, rows, site.option("stride_h"), site.option("dilation_h_factor")),
        _output_size(site, width, columns, site.option("stride_w"), site.option("dilation_w_factor")),
    )


def _with_bias(site: Site, outputs: int) -> int:
    if site.has(2) and math.prod(site.shape(2)) != outputs:
        site.fail(f"has a bias of {by(site.shape(2))} for {outputs} channels")
    return outputs


def pool(site: Site) -> Shape:
    """AVERAGE_POOL_2D and the other pools."""
    batch, height, width, channels = site.shape(0, 4)
    rows, columns = site.option("filter_height"), site.option("filter_width")
    if rows > 2 * height or columns > 2 * width:  # the runtimes make a table of all positions in the window
        site.fail(f"has a window of {by((rows, columns))} over {by((height, width))}")
    return (
        batch,
        _output_size(site, height, rows, site.option("stride_h")),
        _output_size(site, width, columns, site.option("stride_w")),
        channels,
    )


def fully_connected(site: Site) -> Shape | None:
    """FULLY_CONNECTED: weights of (out, in); the input is divided into rows of *in* numbers."""
    outputs, inputs = site.shape(1, 2)
    shape, keep = site.shape(0), site.operator.options["keep_num_dims"]
    if not inputs or math.prod(shape) % inputs or (keep and shape[-1:] != (inputs,)):
        site.fail(f"has weights of {by((outputs, inputs))} for {by(shape)}")
    _with_bias(site, outputs)
    return (*shape[:-1], outputs) if keep else (math.prod(shape) // inputs, outputs)


def like_input(site: Site) -> Shape:
    """Elementwise operators of one input."""
    return site.shape(0)


def broadcast(site: Site) -> Shape:
    """Elementwise operators of two inputs: a dimension of 1 is repeated to fit the other."""
    one, other = site.shape(0), site.shape(1)
    rank = max(len(one), len(other))
    one, other = (1,) * (rank - len(one)) + one, (1,) * (rank - len(other)) + other
    for a, b in zip(one, other, strict=True):
        if a != b and 1 not in (a, b):
            site.fail(f"has inputs of {by(site.shape(0))} and {by(site.shape(1))}, which do not fit together")
    return tuple(b if a == 1 else a for a, b in zip(one, other, strict=True))


def like_first(site: Site) -> Shape:
    """Elementwise operators of two inputs of which only the second may be repeated."""
    shape = broadcast(site)
    if shape != site.shape(0):
        site.fail(f"has inputs of {by(site.shape(0))} and {by(site.shape(1))}, which do not fit together")
    return shape


def _axis(site: Site, axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        site.fail(f"works along dimension {axis} of {rank}")
    return axis % rank


def reduction(site: Site) -> Shape | None:
    """MEAN and the other reductions: the named dimensions are dropped, or kept as 1."""
    shape, axes = site.shape(0), site.numbers(1)
    if axes is None:
        return None
    gone = {_axis(site, axis, len(shape)) for axis in axes}
    keep = site.operator.options["keep_dims"]
    return tuple(1 if index in gone else size for index, size in enumerate(shape) if keep or index not in gone)


def reshape(site: Site) -> Shape | None:
    """RESHAPE: the same numbers in another shape, of which one dimension may be left open as -1."""
    wanted = site.numbers(1) if site.has(1) else _numbers(site.operator.options.get("new_shape"))
    if wanted is None:
        return None
    count = math.prod(site.shape(0))
    if wanted == [0] and count == 1:  # old converters write this for a single number
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


def pad(site: Site) -> Shape | None:
    """PAD, PADV2 and MIRROR_PAD: a count before and after each dimension."""
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


def concatenation(site: Site) -> Shape:
    """CONCATENATION: the inputs one after the other along one dimension."""
    shapes = [site.shape(number) for number in range(len(site.operator.inputs))]
    axis = _axis(site, site.operator.options["axis"], len(shapes[0]))
    if len({(len(shape), shape[:axis], shape[axis + 1 :]) for shape in shapes}) != 1:
        site.fail(f"joins {' and '.join(map(by, shapes))} along dimension {axis}")
    return (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])


def resize(site: Site) -> Shape | None:
    """RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR: to a height and a width."""
    batch, _, _, channels = site.shape(0, 4)
    size = site.numbers(1)
    if size is None:
        return None
    if len(size) != 2 or min(size) < 1 or max(size) > LARGEST:
        site.fail(f"resizes to {by(size)}")
    return batch, *size, channels


def transpose(site: Site) -> Shape | None:
    """TRANSPOSE: the dimensions in another order."""
    shape, order = site.shape(0), site.numbers(1)
    if order is None:
        return None
    if sorted(_axis(site, axis, len(shape)) for axis in order) != list(range(len(shape))):
        site.fail(f"puts {len(shape)} dimensions into the order {order}")
    return tuple(shape[axis] for axis in order)


def squeeze(site: Site) -> Shape:
    """SQUEEZE: without the named dimensions of 1, or without all of them."""
    shape = site.shape(0)
    gone = {_axis(site, axis, len(shape)) for axis in _numbers(site.operator.options["squeeze_dims"])}
    if any(shape[axis] != 1 for axis in gone):
        site.fail(f"drops dimensions {sorted(gone)} of {by(shape)}")
    if not gone:
        return tuple(size for size in shape if size != 1)
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)


def expand_dims(site: Site) -> Shape | None:
    """EXPAND_DIMS: with one more dimension of 1."""
    shape, axes = site.shape(0), site.numbers(1)
    if axes is None:
        return None
    if len(axes) != 1:
        site.fail(f"adds dimensions at {axes}, and can add one")
    axis = _axis(site, axes[0], len(shape) + 1)
    return (*shape[:axis], 1, *shape[axis:])


def slice_part(site: Site) -> Shape | None:
    """SLICE: a part, by its beginning and its size, where -1 stands for the rest."""
    shape, begin, size = site.shape(0), site.numbers(1), site.numbers(2)
    if begin is None or size is None:
        return None
    if not len(begin) == len(size) == len(shape):
        site.fail(f"cuts {by(shape)} at {begin} to {size}")
    ends = [whole if part == -1 else first + part for first, part, whole in zip(begin, size, shape, strict=True)]
    if not all(0 <= first <= end <= whole for first, end, whole in zip(begin, ends, shape, strict=True)):
        site.fail(f"cuts {by(shape)} at {begin} to {size}")
    return tuple(end - first for first, end in zip(begin, ends, strict=True))


def split(site: Site) -> Shape | None:
    """SPLIT: equal parts along one dimension. The dimension is its first input."""
    axes, shape, parts = site.numbers(0), site.shape(1), site.option("num_splits")
    if len(site.operator.outputs) != parts:
        site.fail(f"has {len(site.operator.outputs)} outputs for {parts} parts")
    if axes is None:
        return None
    axis = _axis(site, axes[0], len(shape)) if len(axes) == 1 else -1
    if axis < 0 or shape[axis] % parts:
        site.fail(f"cuts {by(shape)} along {axes} into {parts} parts")
    return (*shape[:axis], shape[axis] // parts, *shape[axis + 1 :])


def space_to_depth(site: Site) -> Shape:
    """SPACE_TO_DEPTH: blocks of pixels become channels."""
    batch, height, width, channels = site.shape(0, 4)
    block = site.option("block_size")
    if height % block or width % block:
        site.fail(f"cuts {by(site.shape(0))} into blocks of {block}")
    return batch, height // block, width // block, channels * block * block


def depth_to_space(site: Site) -> Shape:
    """DEPTH_TO_SPACE: channels become blocks of pixels."""
    batch, height, width, channels = site.shape(0, 4)
    block = site.option("block_size")
    if channels % (block * block):
        site.fail(f"makes blocks of {block} out of {channels} channels")
    return batch, height * block, width * block, channels // (block * block)


def local_response(site: Site) -> Shape:
    """LOCAL_RESPONSE_NORMALIZATION."""
    site.option("radius", least=0)
    return site.shape(0, 4)
