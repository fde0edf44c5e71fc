"""Several measurements side by side: engines, threads and models, and which of them to choose."""

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

THREADS = (1, 2, 4)
ALIKE = 0.95  # of the best rate: closer than measurements of a few seconds can tell
KEEPS_UP = 0.98  # of the rate that was asked for


def variants(plan: BenchPlan, models: Iterable[str] = BUNDLED) -> list[BenchPlan]:
    """*plan* with each of *models*, each installed engine, and 1, 2 and 4 threads, as far as there are cores.

    An engine or a number of threads that *plan* names stays.
    """
    cores = len(os.sched_getaffinity(0))
    engines = installed_engines() if plan.engine == "auto" else [plan.engine]
    threads = [count for count in THREADS if count <= cores] if plan.threads is None else [plan.threads]
    return [
        replace(plan, model=model, engine=engine, threads=count)
        for model, engine, count in product(models, engines, threads)
    ]


def choose(records: Sequence[BenchRecord]) -> tuple[BenchRecord, str]:
    """The best of *records*, which are not empty, and why.

    Of those that keep up with the rate that was asked for, or at saturation are about the fastest, it is the one that
    needs the least of the processor: on a small board that is heat, and what is left for others.
    """
    asked = records[0].plan.fps
    keeping = [record for record in records if asked and record.frames_per_second >= KEEPS_UP * asked]
    if keeping:
        return min(keeping, key=_cost), f"it keeps up with {asked:g} frames/s with the least processor time"
    fastest = max(record.frames_per_second for record in records)
    close = [record for record in records if record.frames_per_second >= ALIKE * fastest]
    reason = "it is the fastest" if len(close) == 1 else "of the fastest it needs the least processor time"
    return min(close, key=_cost), f"none keeps up with {asked:g} frames/s, and {reason}" if asked else reason


def _cost(record: BenchRecord) -> float:
    return record.usage.without_decoding_ms
