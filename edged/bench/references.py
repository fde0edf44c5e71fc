"""The cost of comparing a vector with many references: no camera, no model, one thread."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edged.bench.procfs import memory_mib
from edged.references import Reference, ReferenceGroup, Scorer
from edged.vision.unit_vectors import Storage, UnitRows

__all__ = ["ReferenceRecord", "measure_references"]

DIMENSION = 1280
BATCH = 100
TOP_K = 5


@dataclass(frozen=True, slots=True)
class ReferenceRecord:
    """The cost of a comparison with ``count`` references of ``dimension`` numbers, kept as ``dtype``.

    ``least_ms`` and ``median_ms`` are processor time of one thread. ``memory_mib`` is the growth of the process, and
    ``largest_error`` the largest difference of a score from the exact one.
    """

    count: int
    dimension: int
    dtype: Storage
    least_ms: float
    median_ms: float
    memory_mib: float
    largest_error: float

    def as_json(self) -> dict[str, Any]:
        """Return the values for ``json.dumps``."""
        return asdict(self)


def measure_references(count: int, dtype: Storage, seconds: float) -> ReferenceRecord:
    """Compare vectors with *count* made-up references for some *seconds*, and measure."""
    _scorer(BATCH, dtype)  # memory that any number of references needs does not count
    before = memory_mib(os.getpid())
    scorer, probes, exact = _scorer(count, dtype)
    memory = memory_mib(os.getpid()) - before
    times: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(times) < 2 * len(probes):
        began = time.thread_time_ns()
        scorer.matches(probes[len(times) % len(probes)])
        times.append((time.thread_time_ns() - began) / 1e6)
    errors = [
        abs(match.similarity - exact[number, int(match.label or 0)])
        for number, probe in enumerate(probes)
        for match in scorer.matches(probe)
    ]
    return ReferenceRecord(count, DIMENSION, dtype, min(times), median(times), memory, float(max(errors)))


def _scorer(count: int, dtype: Storage) -> tuple[Scorer, NDArray[np.float32], NDArray[np.float64]]:
    """Return a scorer of *count* references, vectors to compare with them, and their exact cosines."""
    random = np.random.default_rng(0)
    rows = UnitRows(count, DIMENSION, dtype)
    probes = next(_pictures(random, BATCH))[:8]
    unit = probes / np.linalg.norm(probes.astype(np.float64), axis=1, keepdims=True)
    exact = np.zeros((len(probes), count))
    for start in range(0, count, BATCH):
        batch = next(_pictures(random, min(BATCH, count - start)))
        rows.put(start, batch)
        lengths = np.linalg.norm(batch.astype(np.float64), axis=1)
        exact[:, start : start + len(batch)] = unit @ batch.T / lengths
    labels = tuple(str(number) for number in range(count))
    return Scorer([ReferenceGroup(rows, (Reference("made-up", count, labels, TOP_K),))]), probes, exact


def _pictures(random: np.random.Generator, count: int) -> Iterator[NDArray[np.float32]]:
    """Yield vectors like those of image models: none below zero, many near it, a few large."""
    while True:
        yield (random.standard_exponential((count, DIMENSION), np.float32) ** 2).astype(np.float32)
