"""The results of ``edged bench`` as text for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edged.bench.plan import BenchPlan
    from edged.bench.record import BenchRecord
    from edged.bench.references import ReferenceRecord

__all__ = ["report_one", "report_references", "report_several"]


def report_one(record: BenchRecord) -> str:
    """Return a measurement as text: the time of each stage, and the cost of a frame."""
    plan, floor, usage = record.plan, record.floor, record.usage
    rate = "as fast as possible" if plan.fps is None else f"at {plan.fps:g} frames/s"
    cost = (
        f"processor   {usage.without_decoding_ms:.2f} ms a frame without decoding: {record.over_invoke:.2f} times the "
        f"bare invoke(), {floor.processor_ms:.2f} ms ({floor.wall_ms:.2f} ms on the clock)"
    )
    workers = f"workers: {record.workers}, threads: {record.threads}"
    lines = [
        f"{record.model} on {record.engine}, delegate {record.delegate}, {workers}",
        f"{_sources(plan)}, {rate}, {record.seconds:.0f} s; {_machine(record)}",
        "",
        f"{'ms':<12}{'p50':>9}{'p95':>9}{'p99':>9}",
        *(f"{name:<12}{part.p50:9.2f}{part.p95:9.2f}{part.p99:9.2f}" for name, part in record.stages.items()),
        "",
        f"frames      {record.frames_per_second:.1f} a second; dropped: {_dropped(record)}",
        cost,
        f"            by thread: {', '.join(f'{name} {value:.2f}' for name, value in usage.processor_ms.items())}",
        f"memory      {usage.memory_mib:.0f} MiB",
        f"start       {record.start_seconds:.2f} s to the first vector",
    ]
    return "\n".join(lines) + "\n"


def report_several(records: Sequence[BenchRecord]) -> str:
    """Return measurements as text, a line each, with the one to choose and the reason."""
    from edged.bench.compare import choose

    best, reason = choose(records)
    heads = (
        f"{'model':<26}{'engine':<24}{'workers':>7}{'threads':>9}{'frames/s':>10}{'infer ms':>10}{'processor ms':>14}"
        f"{'MiB':>6}"
    )
    rows = [
        f"{record.model:<26}{record.engine:<24}{record.workers:>7}{record.threads:>9}{record.frames_per_second:>10.1f}"
        f"{record.stages['infer'].p50:>10.2f}{record.usage.without_decoding_ms:>14.2f}{record.usage.memory_mib:>6.0f}"
        f"{'  *' if record is best else ''}"
        for record in records
    ]
    title = f"{_sources(records[0].plan)}; {_machine(records[0])}"
    models = sorted({record.model for record in records})
    if len(models) > 1:
        reason += (
            "; vectors of different models cannot be compared, and those of a quantised model are slightly less exact"
        )
    choice = (
        f"name: {best.model}, engine: {best.engine.split()[0]}, workers: {best.workers}, num_threads: {best.threads}"
    )
    return "\n".join([title, "", heads, *rows, "", f"* model: {{{choice}}}: {reason}"]) + "\n"


def report_references(records: Sequence[ReferenceRecord]) -> str:
    """Return the cost of a comparison with many references as text, a line for each number format."""
    heads = f"{'references':<12}{'kept as':<10}{'least ms':>10}{'p50 ms':>10}{'MiB':>8}{'largest error':>16}"
    rows = [
        f"{record.count:<12}{record.dtype:<10}{record.least_ms:>10.2f}{record.median_ms:>10.2f}"
        f"{record.memory_mib:>8.1f}{record.largest_error:>16.6f}"
        for record in records
    ]
    return "\n".join([heads, *rows, "", "Processor time of one thread for a vector of 1280 numbers."]) + "\n"


def _machine(record: BenchRecord) -> str:
    machine = record.machine
    words = [f"{machine['board'] or machine['architecture']}, {machine['cores']} cores"]
    if machine["governor"]:
        words.append(f"governor {machine['governor']}")
    if machine["temp_c"] is not None:
        words.append(f"{machine['temp_c']:.0f} °C")
    if machine["throttled"]:
        words.append(f"throttled {machine['throttled']:#x}")
    return ", ".join(words)


def _sources(plan: BenchPlan) -> str:
    return plan.source if plan.cameras == 1 else f"{plan.cameras} cameras, {plan.source} each"


def _dropped(record: BenchRecord) -> str:
    return ", ".join(f"{cause} {count}" for cause, count in record.dropped.items())
