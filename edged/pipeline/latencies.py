"""Histograms of the latencies of messages, for the metrics."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from edged import wire

__all__ = ["BOUNDS_US", "PARTS", "Histogram", "Latencies"]

BOUNDS_US = (100, 250, 500, *(digit * 10**power for power in (3, 4, 5) for digit in (1, 2.5, 5)), 1e6, 2.5e6, 5e6)
"""The largest latency of each bucket in microseconds; one more bucket, without a bound, is for all above."""

PARTS = ("wait", "preprocess", "infer", "compare", "total")
"""As in ``lat_us`` of a message: capture to inference, crop to input, the model, comparing; and capture to socket."""


class Histogram:
    """Counts of durations by size. One thread adds them, any may read."""

    __slots__ = ("counts", "total_us")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_US) + 1)
        self.total_us = 0

    def observe(self, microseconds: int) -> None:
        """Count one duration."""
        self.counts[bisect_left(BOUNDS_US, microseconds)] += 1
        self.total_us += microseconds

    def cumulative(self) -> Iterator[tuple[float | None, int]]:
        """Yield for each bound, in microseconds, the count of durations up to it; for None, the count of all."""
        count = 0
        for bound, more in zip((*BOUNDS_US, None), tuple(self.counts), strict=True):
            count += more
            yield bound, count


class Latencies:
    """A histogram for each of `PARTS`."""

    __slots__ = ("histograms",)

    def __init__(self) -> None:
        self.histograms = tuple(Histogram() for _ in PARTS)

    def observe(self, latency: wire.Latency) -> None:
        """Count the latencies of one message: one or two microseconds."""
        wait, preprocess, infer, compare, total = self.histograms
        wait.observe(latency.wait)
        preprocess.observe(latency.pre)
        infer.observe(latency.infer)
        compare.observe(latency.sim)
        total.observe(latency.total)
