"""Calls and answers over a pipe: one JSON header with a length before it, then the arrays' bytes. Nothing is unpickled.

Both ends use this file, and the other end has NumPy and an older Python perhaps, but nothing of edged.
"""

from __future__ import annotations

import json
import struct
from typing import IO, Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def send(pipe: IO[bytes], header: dict[str, Any], arrays: list[Array]) -> None:
    blocks = [np.ascontiguousarray(array) for array in arrays]
    header = {**header, "arrays": [[block.dtype.str, *array.shape] for block, array in zip(blocks, arrays)]}  # noqa: B905  # of one length
    text = json.dumps(header).encode()
    pipe.write(struct.pack("<I", len(text)) + text)
    pipe.writelines(block.tobytes() for block in blocks)
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[dict[str, Any], list[Array]]:
    """The next message.

    Raises:
        EOFError: the other end is gone.
    """
    (length,) = struct.unpack("<I", _exactly(pipe, 4))
    header: dict[str, Any] = json.loads(_exactly(pipe, length))
    arrays = []
    for dtype, *shape in header.pop("arrays"):
        size = np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64))
        arrays.append(np.frombuffer(_exactly(pipe, size), dtype).reshape(shape))
    return header, arrays


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    content = pipe.read(size)
    if len(content) < size:
        raise EOFError(f"the pipe ended after {len(content)} of {size} bytes")
    return content
