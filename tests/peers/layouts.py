"""Views of an array that are not contiguous, for both ends of the pipe: what goes over it always is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.peers.framing import Array

LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "plain": lambda array: array,
    "a crop": lambda array: array[5:-7, 3:-9],
    "channels reversed": lambda array: array[..., ::-1],
    "turned": np.rot90,
    "upside down": lambda array: array[::-1],
}
