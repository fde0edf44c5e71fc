"""One measurement: the daemon in a process of its own, and a subscriber in this one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from edged.bench.floor import Floor, bare_invoke
from edged.bench.machine import machine
from edged.bench.plan import BenchPlan
from edged.bench.procfs import memory_mib, processor_seconds
from edged.bench.record import BenchRecord, Usage, spread
from edged.client import Subscriber
from edged.config import load_text
from edged.errors import EdgedError
from edged.pipeline.loading.model import read_model_file
from edged.pipeline.loading.workers import WorkerPlan, plan_workers
from edged.wire import Drops, Event, Kind, Vec

__all__ = ["Report", "measure"]

Report = Callable[[str, float], None]
"""Called with the present activity and the share that is done (0…1)."""

KINDS: tuple[Kind, ...] = ("vec", "status")
CAUSES = ("capture", "ring", "publish")
FLOOR_SECONDS = 1.5  # before, and after
WARM_UP_SECONDS = 1.0
START_SECONDS = 60.0  # a big model from a cold SD card
END_SECONDS = 5.0
SILENCE_SECONDS = 10.0


def measure(plan: BenchPlan, report: Report = lambda _activity, _share: None) -> BenchRecord:
    """Measure the bare model, then the daemon with one subscriber, which reads all, and the bare model again.

    Raises:
        ConfigFileError: the plan cannot be run: no such model, engine or source.
        EdgedError: the daemon ended early, or published nothing.
    """
    with tempfile.TemporaryDirectory(prefix="edged-bench-") as name:
        folder = Path(name)
        address = f"ipc://{folder}/pub.sock"
        report("bare model", 0.0)
        loaded = load_text(plan.configuration(address), folder / "bench.yaml")
        planned = plan_workers(loaded.config, read_model_file(loaded))
        planned = planned._replace(threads=min(planned.threads, len(os.sched_getaffinity(0))))  # TFLite starts no more
        floor_seconds = min(FLOOR_SECONDS, plan.seconds)
        floor = bare_invoke(loaded, floor_seconds, planned.threads)
        (folder / "bench.yaml").write_text(
            plan.configuration(address, floor.wall_ms, planned.workers), encoding="utf-8"
        )
        report("start", 0.1)
        with Subscriber(address, kinds=KINDS, queue=1000, queue_bytes=1 << 22) as subscriber, _daemon(folder) as daemon:
            record = _measure(plan, floor, planned, subscriber, daemon, report)
        # The speed of a machine changes within seconds, by heat or other guests of the host: so the floor is a mean.
        return replace(record, floor=floor.mean(bare_invoke(loaded, floor_seconds, planned.threads)))


def _measure(
    plan: BenchPlan,
    floor: Floor,
    planned: WorkerPlan,
    subscriber: Subscriber,
    daemon: subprocess.Popen[str],
    report: Report,
) -> BenchRecord:
    begin = time.monotonic()
    last = _next_vector(subscriber, daemon, START_SECONDS)
    start_seconds = time.monotonic() - begin
    first_drops = {last.camera: last.dropped}
    while time.monotonic() < begin + start_seconds + WARM_UP_SECONDS:
        last = _next_vector(subscriber, daemon, SILENCE_SECONDS)
        first_drops[last.camera] = last.dropped
    before, begin = processor_seconds(daemon.pid), time.monotonic()
    durations: dict[str, list[float]] = {}
    dropped, frames = dict(first_drops), 0
    while (passed := time.monotonic() - begin) < plan.seconds:
        last = _next_vector(subscriber, daemon, SILENCE_SECONDS)
        frames += 1
        dropped[last.camera] = last.dropped
        for stage, microseconds in _stage_durations(last, time.monotonic_ns() // 1000).items():
            durations.setdefault(stage, []).append(microseconds)
        report("frames", 0.2 + 0.8 * passed / plan.seconds)
    seconds = time.monotonic() - begin
    return BenchRecord(
        plan=plan,
        model=last.model,
        engine=last.engine,
        delegate=last.delegate,
        threads=planned.threads,
        workers=planned.workers,
        frames=frames,
        seconds=seconds,
        dropped={cause: _total_drops(cause, dropped) - _total_drops(cause, first_drops) for cause in CAUSES},
        stages={stage: spread(values) for stage, values in durations.items()},
        floor=floor,
        usage=_usage(before, processor_seconds(daemon.pid), frames, memory_mib(daemon.pid)),
        start_seconds=start_seconds,
        machine=machine(),
    )


@contextmanager
def _daemon(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the daemon of ``bench.yaml`` in *folder*; its sockets are there, too, away from other daemons."""
    command = [sys.executable, "-m", "edged", "run", "-c", str(folder / "bench.yaml")]
    environment = {**os.environ, "RUNTIME_DIRECTORY": str(folder)}
    with (
        (folder / "log").open("w+") as log,
        subprocess.Popen(command, stderr=log, text=True, env=environment) as daemon,  # noqa: S603 - this program itself
    ):
        try:
            yield daemon
        finally:
            daemon.terminate()
            try:
                daemon.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                daemon.kill()


def _next_vector(subscriber: Subscriber, daemon: subprocess.Popen[str], seconds: float) -> Vec:
    """Return the next vector.

    Raises:
        EdgedError: none comes within *seconds*, or the daemon has ended.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        message = subscriber.receive(0.2)
        assert not isinstance(message, Event), "only what was subscribed to comes"
        if isinstance(message, Vec):
            return message
        if message is not None and message.state == "lost":  # it may come back, but not in time
            raise EdgedError(f"the camera is lost: {message.reason}")
        if daemon.poll() is not None:
            raise EdgedError(f"the daemon ended: {_last_log_line(daemon)}")
    raise EdgedError(f"no message came for {seconds:g} s: {_last_log_line(daemon)}")


def _last_log_line(daemon: subprocess.Popen[str]) -> str:
    path = Path(str(daemon.args[-1])).with_name("log")  # type: ignore[index]  # it is the list that was given
    lines = [line for line in path.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    return re.sub(r".*bench\.yaml:\d+:\d+: ", "", lines[-1]) if lines else "its log is empty"


def _stage_durations(vec: Vec, now_us: int) -> Mapping[str, float]:
    lat = vec.lat_us
    parts = {"wait": lat.wait, "preprocess": lat.pre, "infer": lat.infer, "compare": lat.sim}
    delivered = now_us - vec.t_cap_us
    decode = {} if lat.decode is None else {"decode": lat.decode}
    return {
        **decode,
        **parts,
        "publish": lat.total - sum(parts.values()),
        "total": lat.total,
        "delivered": delivered,
        "overhead": delivered - lat.infer,
    }


def _total_drops(cause: str, drops: Mapping[str, Drops]) -> int:
    return sum(getattr(counts, cause) for counts in drops.values())


def _usage(before: Mapping[str, float], after: Mapping[str, float], frames: int, memory: float) -> Usage:
    milliseconds = {name: 1000 * (seconds - before.get(name, 0.0)) / max(1, frames) for name, seconds in after.items()}
    return Usage({name: value for name, value in milliseconds.items() if value >= 0.001}, memory)
