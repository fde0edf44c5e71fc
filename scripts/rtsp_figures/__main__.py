"""Measure what an RTSP camera costs: see ``scripts/rtsp-figures``."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from edged.bench.plan import BenchPlan
from edged.bench.record import BenchRecord
from edged.bench.run import measure

CAMERAS = {"1080p25": (1920, 1080, 25, 4_000_000), "720p15": (1280, 720, 15, 2_000_000)}
RATES = (0.5, 1.0, 5.0, 25.0)
WAYS = ("auto", "all", "opencv")
START_SECONDS = 120.0  # the camera codes its video first
MODEL = "efficientnet-lite0-int8"


@contextmanager
def camera(name: str) -> Iterator[str]:
    """The URL of a camera in a process of its own."""
    command = [sys.executable, "-m", "scripts.rtsp_figures.camera", *map(str, CAMERAS[name])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield f"rtsp://127.0.0.1:{int(process.stdout.readline())}/cam"
        finally:
            process.stdin.close()


def read(url: str, way: str, fps: float, seconds: float) -> tuple[float, float]:
    """Milliseconds of processor time per second of video, and MiB of memory of the reader."""
    command = [sys.executable, "-m", "scripts.rtsp_figures.reader", url, way, str(fps), str(seconds)]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=START_SECONDS + seconds).stdout
    result = json.loads(output)
    return float(result["cpu"]) * 1000, float(result["mib"])


def print_readers(url: str, name: str, seconds: float) -> None:
    """A line of the table for each rate."""
    for fps in RATES:
        (auto, _), (everything, ours), (opencv, theirs) = (read(url, way, fps, seconds) for way in WAYS)
        print(
            f"| {name} | {fps:g} | {auto:.0f} | {everything:.0f} | {opencv:.0f} | {auto / everything:.2f} "
            f"| {ours:.0f} | {theirs:.0f} |",
            flush=True,
        )


def daemon(source: str, fps: float, seconds: float) -> BenchRecord:
    """The whole daemon on *source*, with one subscriber."""
    return measure(BenchPlan(source=source, model=MODEL, threads=1, fps=fps, seconds=seconds))


def print_daemon(url: str, name: str, seconds: float) -> None:
    """Memory, and the time from a frame's own time to the subscriber."""
    for fps in (1.0, 5.0):
        record = daemon(url, fps, seconds)
        delivered = record.stages["delivered"]
        print(
            f"{name} at {fps:g} frames/s: {record.usage.memory_mib:.0f} MiB; own time to subscriber "
            f"p50 {delivered.p50:.1f} ms, p99 {delivered.p99:.1f} ms ({record.frames} frames)",
            flush=True,
        )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="scripts/rtsp-figures", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement (default: 10)")
    parser.add_argument("--no-daemon", action="store_true", help="leave out memory and latency")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {' '.join(f'{load:.1f}' for load in os.getloadavg())}")
    print("\nprocessor ms per second of video:")
    print("| camera | frames/s | auto | all | OpenCV | auto : all | MiB with all | MiB with OpenCV |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for name in CAMERAS:
        with camera(name) as url:
            print_readers(url, name, arguments.seconds)
    if not arguments.no_daemon:
        without = daemon("pattern:640x480", 5.0, arguments.seconds)
        print(f"\nthe daemon with a test picture of 640 × 480: {without.usage.memory_mib:.0f} MiB")
        for name in CAMERAS:
            with camera(name) as url:
                print_daemon(url, name, arguments.seconds)
    print(f"\nload at the end {' '.join(f'{load:.1f}' for load in os.getloadavg())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
