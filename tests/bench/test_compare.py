"""Which of several measurements to choose."""

from __future__ import annotations

from edged.bench.compare import choose, variants
from edged.bench.floor import Floor
from edged.bench.plan import BenchPlan
from edged.bench.record import BenchRecord, Usage


def record(rate: float, cost: float, fps: float | None = None) -> BenchRecord:
    usage = Usage({"inference": cost, "capture bench": 50.0}, 100.0)
    plan = BenchPlan(fps=fps)
    return BenchRecord(plan, "m", "e 1", "none", 1, round(rate * 10), 10.0, {}, {}, Floor(1.0, 1.0), usage, 1.0, {})


def test_at_saturation_it_is_the_fastest() -> None:
    records = [record(20, 1), record(40, 30), record(30, 2)]
    assert choose(records) == (records[1], "it is the fastest")


def test_of_those_that_are_about_as_fast_it_is_the_one_that_costs_least() -> None:
    records = [record(40, 30), record(39, 12), record(20, 1)]
    best, reason = choose(records)
    assert best is records[1]
    assert "least processor time" in reason


def test_of_those_that_keep_up_it_is_the_one_that_costs_least() -> None:
    records = [record(10, 30, fps=10), record(9.9, 12, fps=10), record(8, 1, fps=10)]
    best, reason = choose(records)
    assert best is records[1]
    assert "keeps up with 10 frames/s" in reason


def test_where_none_keeps_up_that_is_said() -> None:
    best, reason = choose([record(8, 30, fps=10), record(5, 12, fps=10)])
    assert best.frames_per_second == 8
    assert "none keeps up with 10 frames/s" in reason


def test_decoding_is_left_out_of_what_a_frame_costs() -> None:
    assert record(10, 12.5).over_invoke == 12.5


def test_every_model_engine_and_number_of_threads_is_measured_once() -> None:
    plans = variants(BenchPlan(seconds=3))
    assert len({(plan.model, plan.engine, plan.threads) for plan in plans}) == len(plans) >= 2
    assert {plan.seconds for plan in plans} == {3}
    assert {plan.model for plan in plans} == {"efficientnet-lite0", "efficientnet-lite0-int8"}


def test_what_is_asked_for_is_all_that_is_measured() -> None:
    plans = variants(BenchPlan(engine="ai-edge-litert", threads=3), ["mine.tflite"])
    assert [(plan.model, plan.engine, plan.threads) for plan in plans] == [("mine.tflite", "ai-edge-litert", 3)]
