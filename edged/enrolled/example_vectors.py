"""The vectors of an example as bytes: in float16, with what made them.

The length of a vector does not count where states are decided, so each is scaled to what float16 holds best.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LONGEST", "dump_vectors", "load_vectors"]

VERSION = 1
MOST_ROWS = 16
MOST_DIMENSION = 1 << 14
LONGEST_LINE = 1 << 12
LONGEST = LONGEST_LINE + 2 * MOST_ROWS * MOST_DIMENSION
"""The most bytes of the vectors of an example; a file of more need not be read."""


def dump_vectors(vectors: NDArray[Any], made_by: str) -> bytes:
    """Return *vectors*, one each row, as bytes: 2 for each number. *made_by* names the model and all that it was given.

    Raises:
        ValueError: one is zero or not finite, or there are too many.
    """
    wide = np.asarray(vectors, np.float64)
    if wide.ndim != 2 or not 0 < len(wide) <= MOST_ROWS or not 0 < wide.shape[1] <= MOST_DIMENSION:
        raise ValueError(f"vectors of shape {wide.shape} cannot be kept")
    if not np.isfinite(wide).all() or not wide.any(axis=1).all():
        raise ValueError("a vector is zero, or not finite")
    numbers: bytes = compact(wide).astype("<f2", copy=False).tobytes()
    line = {
        "v": VERSION,
        "made_by": made_by,
        "shape": wide.shape,
        "sha256": hashlib.sha256(numbers).hexdigest(),
    }
    return json.dumps(line).encode() + b"\n" + numbers


def compact(vectors: NDArray[Any]) -> NDArray[np.float16]:
    """Return *vectors*, one each row, finite and none of them zero, scaled to what float16 holds best."""
    scaled: NDArray[np.float16] = (vectors / np.abs(vectors).max(axis=1, keepdims=True)).astype(np.float16)
    return scaled


def load_vectors(content: bytes, made_by: str) -> NDArray[np.float16] | None:
    """Return the vectors that `dump_vectors` made *content* of, one each row; None if others made them than *made_by*.

    Raises:
        ValueError: it is another kind of file, of another version, or not whole.
    """
    text, _, numbers = content.partition(b"\n")
    if len(text) > LONGEST_LINE:
        raise ValueError("its first line is too long")
    try:
        line = json.loads(text)
        version, maker, (rows, dimension), digest = line["v"], line["made_by"], line["shape"], line["sha256"]
    except (KeyError, TypeError, ValueError, RecursionError) as exc:
        raise ValueError(f"it holds no vectors: {exc}") from exc
    if version != VERSION or hashlib.sha256(numbers).hexdigest() != digest:
        raise ValueError("it is of another version, or not whole")
    if maker != made_by:
        return None
    is_shape = type(rows) is type(dimension) is int and 0 < rows <= MOST_ROWS and 0 < dimension <= MOST_DIMENSION
    if not is_shape or 2 * rows * dimension != len(numbers):
        raise ValueError("it has more numbers than it claims, or fewer")
    vectors = np.frombuffer(numbers, "<f2").astype(np.float16, copy=False).reshape(rows, dimension)
    if not np.isfinite(vectors).all() or not vectors.any(axis=1).all():
        raise ValueError("a vector is zero, or not finite")
    return vectors
