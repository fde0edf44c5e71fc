"""Observers of the inference: they get every region at the moment at which it is embedded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edged.values import Box

if TYPE_CHECKING:
    from edged.pipeline.inference.feed import Feed
    from edged.pipeline.ring import Lease
    from edged.vision.embedder import Embedder

__all__ = ["Observation", "Observer"]


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One region of one frame that has just been embedded.

    The frame in *lease*, *vector* and *embedder* are lent: an observer copies what it keeps before it returns.
    *box* is the region in pixels of the frame.
    """

    feed: Feed
    lease: Lease
    region: str
    box: Box
    vector: NDArray[np.float32] | NDArray[np.int8]
    embedder: Embedder


Observer: TypeAlias = Callable[[Observation], bool]
"""Called in the inference's thread; returns True when it has seen enough."""
