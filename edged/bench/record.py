"""The record of one measurement, as values and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edged import __version__
from edged.bench.floor import Floor
from edged.bench.plan import BenchPlan

__all__ = ["STAGES", "BenchRecord", "Spread", "Usage", "spread"]

STAGES = ("decode", "wait", "preprocess", "infer", "compare", "publish", "total", "delivered", "overhead")
"""In the order of a frame. ``wait`` is from capture to the model, with decoding; ``total`` from capture to the socket;
``delivered`` from capture to the subscriber that has read the message; ``overhead`` is ``delivered`` less ``infer``,
frame by frame."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles in milliseconds."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor milliseconds per frame by thread, and MiB of memory, of the daemon."""

    processor_ms: Mapping[str, float]
    memory_mib: float

    @property
    def without_decoding_ms(self) -> float:
        """Milliseconds of all threads but capture, because that also decodes the frames."""
        return sum(value for name, value in self.processor_ms.items() if not name.startswith("capture"))


@dataclass(frozen=True, slots=True)
class BenchRecord:
    """One measurement.

    ``threads`` is the number that each of the ``workers`` may use: that of the plan, or that of the cores if there are
    fewer.
    ``frames`` were embedded in ``seconds``, and ``dropped`` counts drops in that time by cause. ``start_seconds`` is
    from the start of the process to the first vector at the subscriber.
    """

    plan: BenchPlan
    model: str
    engine: str
    delegate: str
    threads: int
    workers: int
    frames: int
    seconds: float
    dropped: Mapping[str, int]
    stages: Mapping[str, Spread]
    floor: Floor
    usage: Usage
    start_seconds: float
    machine: Mapping[str, object]

    @property
    def frames_per_second(self) -> float:
        """Published frames per second."""
        return self.frames / self.seconds

    @property
    def over_invoke(self) -> float:
        """Processor time of a frame without decoding, divided by that of the bare ``invoke()``."""
        return self.usage.without_decoding_ms / self.floor.processor_ms

    def as_json(self) -> dict[str, Any]:
        """Return everything for ``json.dumps``; numbers have three digits after the point."""
        record = asdict(self)
        derived = {
            "edged": __version__,
            "frames_per_second": self.frames_per_second,
            "processor_ms_without_decoding": self.usage.without_decoding_ms,
            "processor_over_invoke": self.over_invoke,
        }
        rounded: dict[str, Any] = _rounded(record | derived)
        return rounded


def spread(microseconds: Sequence[float]) -> Spread:
    """Return the spread of at least one duration."""
    p50, p95, p99 = np.percentile(np.asarray(microseconds, np.float64) / 1000, (50, 95, 99))
    return Spread(float(p50), float(p95), float(p99))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, Mapping):
        return {key: _rounded(part) for key, part in value.items()}
    return value
