"""Comparison of engines, workers, threads and models, and the choice of the best measurement."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product

from edged.bench.plan import BenchPlan
from edged.bench.record import BenchRecord
from edged.vision.bundled import BUNDLED
from edged.vision.runtime.engine import installed_engines

__all__ = ["choose", "variants"]

COUNTS = (1, 2, 4)  # of threads, and of workers
ALIKE = 0.95  # of the best rate: measurements of a few seconds cannot distinguish such rates
KEEPS_UP = 0.98  # of the requested rate


def variants(plan: BenchPlan, models: Iterable[str] = BUNDLED) -> list[BenchPlan]:
    """Return *plan* with each of *models*, each installed engine, and 1, 2 and 4 threads and workers.

    The workers have no more threads together than there are cores. If *plan* names an engine, a number of threads or of
    workers, it stays.
    """
    cores = len(os.sched_getaffinity(0))
    engines = installed_engines() if plan.engine == "auto" else [plan.engine]
    threads = COUNTS if plan.threads is None else (plan.threads,)
    workers = COUNTS if plan.workers is None else (plan.workers,)
    pairs = [pair for pair in product(workers, threads) if pair[0] * pair[1] <= cores]
    return [
        replace(plan, model=model, engine=engine, workers=count, threads=each)
        for model, engine, (count, each) in product(models, engines, pairs or [(workers[0], threads[0])])
    ]


def choose(records: Sequence[BenchRecord]) -> tuple[BenchRecord, str]:
    """Return the best of *records*, which has at least one, and the reason.

    It is the one with the least processor time of those that keep up with the requested rate, or without one, of those
    that are about the fastest. On a small board processor time is heat, and other programs need it, too.
    """
    requested = records[0].plan.fps
    keeping = [record for record in records if requested and record.frames_per_second >= KEEPS_UP * requested]
    if keeping:
        return min(keeping, key=_cost), f"it keeps up with {requested:g} frames/s with the least processor time"
    fastest = max(record.frames_per_second for record in records)
    close = [record for record in records if record.frames_per_second >= ALIKE * fastest]
    reason = "it is the fastest" if len(close) == 1 else "of the fastest it needs the least processor time"
    return min(close, key=_cost), f"none keeps up with {requested:g} frames/s, and {reason}" if requested else reason


def _cost(record: BenchRecord) -> float:
    return record.usage.without_decoding_ms
