"""Latencies in buckets."""

from __future__ import annotations

import pytest

from edged.pipeline.latencies import BOUNDS_US, PARTS, Histogram, Latencies
from edged.wire import Latency


def test_the_bounds_grow_from_a_tenth_of_a_millisecond_to_five_seconds() -> None:
    milliseconds = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000]
    assert [bound / 1000 for bound in BOUNDS_US] == milliseconds


@pytest.mark.parametrize(
    ("microseconds", "bound"), [(0, 100), (100, 100), (101, 250), (10_000, 10_000), (5e6 + 1, None)]
)
def test_a_duration_is_in_the_first_bucket_that_it_does_not_exceed(microseconds: int, bound: float | None) -> None:
    histogram = Histogram()
    histogram.observe(microseconds)
    assert next(at for at, count in histogram.cumulative() if count) == bound
    assert histogram.total_us == microseconds


def test_buckets_count_all_that_is_smaller() -> None:
    histogram = Histogram()
    for microseconds in (50, 400, 400, 9_000_000):
        histogram.observe(microseconds)
    counts = dict(histogram.cumulative())
    assert (counts[100], counts[250], counts[500], counts[5e6], counts[None]) == (1, 1, 3, 3, 4)


def test_each_part_of_a_message_has_its_own() -> None:
    latencies = Latencies()
    latencies.observe(Latency(wait=1, pre=20, infer=300, sim=4_000, total=50_000))
    totals = dict(zip(PARTS, (histogram.total_us for histogram in latencies.histograms), strict=True))
    assert totals == {"wait": 1, "preprocess": 20, "infer": 300, "compare": 4_000, "total": 50_000}
