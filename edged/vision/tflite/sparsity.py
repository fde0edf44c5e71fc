"""A check of sparse constants.

TFLite has a form of the TACO format: see ``SparsityParameters`` in tensorflow/compiler/mlir/lite/schema/
schema.fbs. The value is stored level by level: the tensor's own dimensions in ``traversal_order``, then those of
its inner blocks, each of which cuts the dimension that ``block_map`` names. A dense level stores every index of
its dimension; a sparse one has ``array_indices``, of which each position of the level above owns a stretch.

The trial run in a child process does not replace this check. DENSIFY writes each value to the place that its index
names, without a comparison: an index some thousand bytes past the end writes into another block, which the strict heap
of the trial does not notice on either engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from edged.vision.tflite.flatbuffer import Record

__all__ = ["check_sparse"]

DENSE = 0


def check_sparse(sparsity: Record, shape: tuple[int, ...], bits: int, size: int) -> None:
    """Check the *sparsity* record of a tensor of *shape*, with *bits* per element and a value of *size* bytes.

    Raises:
        ValueError: it contradicts itself.
    """
    order, levels = _numbers(sparsity["traversal_order"]), sparsity["dim_metadata"] or []
    blocks = _numbers(sparsity["block_map"])
    rank = len(shape)
    if sorted(order[:rank]) != list(range(rank)) or sorted(order[rank:]) != list(range(rank, rank + len(blocks))):
        raise ValueError(f"has the traversal order {order} for {rank} dimensions with {len(blocks)} of blocks")
    if len(levels) != len(order):
        raise ValueError(f"describes {len(levels)} levels, but goes through {len(order)}")
    sizes = list(shape)
    for number, cut in enumerate(blocks):
        # Blocks are always dense. The level of block dimension n has the size of the block.
        block = levels[order.index(rank + number)]["dense_size"]
        if not 0 <= cut < rank or block < 1 or sizes[cut] % block:
            raise ValueError(f"has blocks of {block} along dimension {cut}, which do not fit into {shape}")
        sizes[cut] //= block
        sizes.append(block)
    positions = 1
    for dimension, level in zip(order, levels, strict=True):
        positions = _descend(level, positions, sizes[dimension])
    if (positions * bits + 7) // 8 != size:
        raise ValueError(f"has {positions} elements that are not left out, but {size} bytes")


def _descend(level: Record, positions: int, size: int) -> int:
    """Check *level*, with *positions* above it and a dimension of *size*, and return the positions below it."""
    if level["format"] == DENSE:
        if level["dense_size"] != size:
            raise ValueError(f"has a level of {level['dense_size']} for a dimension of {size}")
        return positions * size
    segments, indices = _index_vector(level["array_segments"]), _index_vector(level["array_indices"])
    if len(segments) != positions + 1 or segments[0] != 0 or segments[-1] != len(indices):
        raise ValueError(f"has {len(segments)} segments over {len(indices)} indices below {positions} positions")
    if (np.diff(segments) < 0).any():
        raise ValueError("has segments that run backwards")
    if len(indices) and not 0 <= indices.min() <= indices.max() < size:
        raise ValueError(f"has indices outside of a dimension of {size}")
    return len(indices)


def _numbers(vector: npt.NDArray[Any] | None) -> list[int]:
    return [] if vector is None else vector.tolist()


def _index_vector(union: tuple[str, Record] | None) -> npt.NDArray[np.int64]:
    values = None if union is None else union[1]["values"]
    return np.zeros(0, np.int64) if values is None else values.astype(np.int64)
