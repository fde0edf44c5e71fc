"""Measure workers of the model against its threads: see ``scripts/worker-figures``."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edged.client import Subscriber
from edged.wire import Vec

WARM_UP_SECONDS = 1.5
START_SECONDS = 60.0
PLACES = ((1, 1), (1, 2), (1, 4), (2, 1), (2, 2), (2, 4))
"""Cameras, and regions of each."""


@dataclass(frozen=True)
class Setting:
    """So many workers, each with so many threads."""

    workers: int
    threads: int

    def __str__(self) -> str:
        return f"{self.workers} x {self.threads}"


@dataclass(frozen=True)
class Figures:
    """One measurement: vectors a second, milliseconds from the capture to the subscriber, and MiB of the daemon.

    ``lost`` and ``came`` count the frames of each camera.
    """

    rate: float
    p50: float
    p99: float
    memory: float
    lost: Counter[str]
    came: Counter[str]


def measure(model: str, setting: Setting, cameras: dict[str, tuple[float, int]], seconds: float) -> Figures:
    """Measure a daemon with *cameras*, each with its frames a second and its count of regions."""
    with tempfile.TemporaryDirectory(prefix="edged-workers-") as name:
        folder = Path(name)
        (folder / "edged.yaml").write_text(_configuration(model, setting, cameras, folder), encoding="utf-8")
        command = [sys.executable, "-m", "edged", "run", "-c", str(folder / "edged.yaml")]
        with (
            subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as daemon,
            Subscriber(f"ipc://{folder}/pub.sock", kinds=("vec",), queue=4000, queue_bytes=1 << 23) as subscriber,
        ):
            try:
                return _measure(daemon.pid, subscriber, seconds)
            finally:
                daemon.terminate()
                daemon.wait(20)


def _configuration(model: str, setting: Setting, cameras: dict[str, tuple[float, int]], folder: Path) -> str:
    def regions(count: int) -> dict[str, dict[str, float]]:
        return {f"r{number}": {"left": 0.1 * number, "right": 0.1 * number + 0.5} for number in range(count)}

    document = {
        "node": "figures",
        "model": {"name": model, "workers": setting.workers, "num_threads": setting.threads},
        "cameras": {
            name: {"source": "pattern:640x480", "fps": fps, "regions": regions(count)}
            for name, (fps, count) in cameras.items()
        },
        "publish": {"endpoints": [f"pub+bind:ipc://{folder}/pub.sock"]},
        "control": {"endpoint": f"ipc://{folder}/control.sock"},
    }
    return json.dumps(document)  # JSON is YAML


def _measure(pid: int, subscriber: Subscriber, seconds: float) -> Figures:
    first = time.monotonic() + START_SECONDS
    while not isinstance(subscriber.receive(1), Vec):
        if time.monotonic() > first:
            raise SystemExit("the daemon publishes nothing")
    list(_vectors(subscriber, WARM_UP_SECONDS))
    begin, delays = time.monotonic(), list[float]()
    seen: dict[str, set[int]] = defaultdict(set)
    count = 0
    for vec, now_ns in _vectors(subscriber, seconds):
        count += 1
        delays.append((now_ns // 1000 - vec.t_cap_us) / 1e3)
        seen[vec.camera].add(vec.frame_seq)
    rate = count / (time.monotonic() - begin)
    p50, p99 = np.percentile(delays, (50, 99))
    came = Counter({camera: len(numbers) for camera, numbers in seen.items()})
    lost = Counter({camera: max(numbers) - min(numbers) + 1 - len(numbers) for camera, numbers in seen.items()})
    return Figures(rate, float(p50), float(p99), _memory(pid), lost, came)


def _vectors(subscriber: Subscriber, seconds: float) -> Iterator[tuple[Vec, int]]:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        message = subscriber.receive(left)
        if isinstance(message, Vec):
            yield message, time.monotonic_ns()


def _memory(pid: int) -> float:
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["VmRSS"].split()[0]) / 1024


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that take what processor time they can get."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def rates(args: argparse.Namespace, settings: Sequence[Setting], load: int) -> None:
    """Print the figures of each setting for each number of cameras and regions, beside *load* busy processes."""
    print(f"\n{args.model}, beside {load} busy processes; median of {args.rounds}")
    print(f"{'cameras x regions':<19}{'workers x threads':<19}{'vectors/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'MiB':>6}")
    for cameras, regions in PLACES:
        each: dict[Setting, list[Figures]] = defaultdict(list)
        for _ in range(args.rounds):
            for setting in settings:
                places = {f"c{number}": (600.0 / cameras, regions) for number in range(cameras)}
                with busy(load):
                    each[setting].append(measure(args.model, setting, places, args.seconds))
        for setting, found in each.items():
            rate, p50, p99, memory = (
                statistics.median(getattr(figures, name) for figures in found)
                for name in ("rate", "p50", "p99", "memory")
            )
            row = f"{f'{cameras} x {regions}':<19}{setting!s:<19}{rate:>10.1f}{p50:>9.1f}{p99:>9.1f}{memory:>6.0f}"
            print(row, flush=True)


def fairness(args: argparse.Namespace, settings: Sequence[Setting]) -> None:
    """Print what nine slow cameras lose beside a fast one with four regions, each at 80 % of a tenth of the rate."""
    print("\nnine slow cameras beside a fast one with four regions")
    for setting in settings:
        capacity = measure(args.model, setting, {"fast": (600.0, 4)}, args.seconds).rate
        fps = round(0.8 * capacity / 10, 2)
        cameras = {"fast": (600.0, 4)} | {f"slow{number}": (fps, 1) for number in range(9)}
        figures = measure(args.model, setting, cameras, 3 * args.seconds)
        came = sum(figures.came[name] for name in cameras if name != "fast")
        lost = sum(figures.lost[name] for name in cameras if name != "fast")
        share = 4 * figures.came["fast"] / (came + 4 * figures.came["fast"])
        print(
            f"workers x threads {setting}: {capacity:.0f} vectors/s; slow cameras at {fps} frames/s each: "
            f"{came} frames came, {lost} lost; the fast one got {100 * share:.0f} % of all vectors",
            flush=True,
        )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="efficientnet-lite0-int8")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default: 3)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement (default: 4)")
    parser.add_argument("--loads", type=int, nargs="*", default=[0, 1, 2], help="busy processes (default: 0 1 2)")
    args = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    settings = [Setting(1, 1), Setting(1, 2), Setting(2, 1)]
    settings += [Setting(1, 4), Setting(2, 2), Setting(4, 1)] if cores >= 4 else []
    for load in args.loads:
        rates(args, settings, load)
    fairness(args, settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
