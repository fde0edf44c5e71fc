"""How much memory something takes, as Python counts it, NumPy's arrays included."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import NamedTuple

ROUNDS = 3


class Allocated(NamedTuple):
    """Bytes: at most, and still there afterwards."""

    peak: int
    kept: int


def allocated(work: Callable[[], object]) -> Allocated:
    """What *work* takes each time that it is done, as the least of some rounds.

    Python counts for all threads, and one of pytest-xdist may get a message meanwhile.
    """
    rounds = []
    tracemalloc.start()
    try:
        for _ in range(ROUNDS):
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            work()
            after, peak = tracemalloc.get_traced_memory()
            rounds.append(Allocated(peak - before, after - before))
    finally:
        tracemalloc.stop()
    return Allocated(*map(min, zip(*rounds, strict=True)))
