"""Vectors of example pictures in memory: a picture file is embedded once for a model, and not at each enrolment."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edged.enrolled import compact

__all__ = ["MOST_PICTURES", "PictureVectors"]

MOST_PICTURES = 400
"""As many as a set can have: in float16 they take 5 MB, and as int8 the half of it."""


class PictureVectors:
    """The vectors of the *most* pictures that were used last, all of one maker. Any thread may use it.

    A picture is named by the key of its content. The length of a vector does not count where states are decided, so
    each float vector is scaled to what float16 holds best.
    """

    def __init__(self, most: int = MOST_PICTURES) -> None:
        self._most = most
        self._made_by = ""
        self._found: dict[str, NDArray[Any]] = {}  # the one that was used last is the last
        self._lock = threading.Lock()

    def get(self, key: str, made_by: str) -> NDArray[Any] | None:
        """Return the vectors of a picture, one each row; None if they have to be made by *made_by*."""
        with self._lock:
            if made_by != self._made_by or (vectors := self._found.pop(key, None)) is None:
                return None
            self._found[key] = vectors
            return vectors

    def keep(self, key: str, made_by: str, vectors: NDArray[Any]) -> None:
        """Keep *vectors*, finite and none of them zero. Those of another maker are dropped."""
        rows = vectors if vectors.dtype == np.int8 else compact(vectors)
        with self._lock:
            if made_by != self._made_by:
                self._made_by, self._found = made_by, {}
            self._found[key] = rows
            if len(self._found) > self._most:
                del self._found[next(iter(self._found))]
