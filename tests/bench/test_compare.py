"""The choice among several measurements."""

from __future__ import annotations

import pytest

from edged.bench.compare import choose, variants
from edged.bench.floor import Floor
from edged.bench.plan import BenchPlan
from edged.bench.record import BenchRecord, Usage


def record(rate: float, cost: float, fps: float | None = None) -> BenchRecord:
    usage = Usage({"inference": cost, "capture bench": 50.0}, 100.0)
    plan = BenchPlan(fps=fps)
    return BenchRecord(plan, "m", "e 1", "none", 1, 1, round(rate * 10), 10.0, {}, {}, Floor(1.0, 1.0), usage, 1.0, {})


def test_at_saturation_the_fastest_is_chosen() -> None:
    records = [record(20, 1), record(40, 30), record(30, 2)]
    assert choose(records) == (records[1], "it is the fastest")


def test_the_cheapest_of_about_equally_fast_ones_is_chosen() -> None:
    records = [record(40, 30), record(39, 12), record(20, 1)]
    best, reason = choose(records)
    assert best is records[1]
    assert "least processor time" in reason


def test_the_cheapest_of_those_that_keep_up_is_chosen() -> None:
    records = [record(10, 30, fps=10), record(9.9, 12, fps=10), record(8, 1, fps=10)]
    best, reason = choose(records)
    assert best is records[1]
    assert "keeps up with 10 frames/s" in reason


def test_the_reason_is_that_none_keeps_up() -> None:
    best, reason = choose([record(8, 30, fps=10), record(5, 12, fps=10)])
    assert best.frames_per_second == 8
    assert "none keeps up with 10 frames/s" in reason


def test_the_cost_of_a_frame_is_without_decoding() -> None:
    assert record(10, 12.5).over_invoke == 12.5


def test_every_model_engine_and_number_of_threads_is_measured_once() -> None:
    plans = variants(BenchPlan(seconds=3))
    assert len({(plan.model, plan.engine, plan.workers, plan.threads) for plan in plans}) == len(plans) >= 2
    assert {plan.seconds for plan in plans} == {3}
    assert {plan.model for plan in plans} == {"efficientnet-lite0", "efficientnet-lite0-int8"}


def test_workers_have_no_more_threads_together_than_there_are_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3})
    plans = variants(BenchPlan(engine="ai-edge-litert"), ["mine.tflite"])
    assert [(plan.workers, plan.threads) for plan in plans] == [(1, 1), (1, 2), (1, 4), (2, 1), (2, 2), (4, 1)]
    plans = variants(BenchPlan(engine="ai-edge-litert", workers=2), ["mine.tflite"])
    assert [(plan.workers, plan.threads) for plan in plans] == [(2, 1), (2, 2)]


def test_only_the_given_engine_and_threads_are_measured() -> None:
    plans = variants(BenchPlan(engine="ai-edge-litert", threads=3), ["mine.tflite"])
    assert [(plan.model, plan.engine, plan.threads) for plan in plans] == [("mine.tflite", "ai-edge-litert", 3)]
