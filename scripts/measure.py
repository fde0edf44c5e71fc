"""Measure the figures of the README: the time of the daemon to its first message, and its memory.

Starts the daemon on the demo once, and then several times more. Run it on an idle machine:
.venv/bin/python scripts/measure.py [RUNS]
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from edged.client import Subscriber

ROOT = Path(__file__).parent.parent
SECONDS = 10.0  # after the first message, until the memory is read


def measure(folder: Path, state: Path) -> tuple[float, float]:
    """Start the daemon once, which keeps what it learns in *state*.

    Returns seconds to the first vector, and MiB of memory after ten seconds.
    """
    address = f"ipc://{folder}/pub.sock"
    config = folder / "edged.yaml"
    shutil.copytree(ROOT / "config/demo", folder, dirs_exist_ok=True)
    config.write_text(config.read_text().replace("tcp://127.0.0.1:5556", address))
    environment = {**os.environ, "STATE_DIRECTORY": str(state)}
    with Subscriber(address, kinds=("vec",)) as subscriber:
        begin = time.monotonic()
        command = [sys.executable, "-m", "edged", "run", "-c", str(config)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment) as daemon:
            try:
                if subscriber.receive(30) is None:
                    raise SystemExit("no message within 30 s; try 'edged check -c config/demo/edged.yaml'")
                seconds = time.monotonic() - begin
                end = time.monotonic() + SECONDS
                while time.monotonic() < end:
                    subscriber.receive(1)
                status = Path(f"/proc/{daemon.pid}/status").read_text()
            finally:
                daemon.terminate()
    kilobytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return seconds, kilobytes / 1024


def main() -> int:
    """Measure and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    results = []
    with tempfile.TemporaryDirectory() as state:
        for _ in range(1 + runs):
            with tempfile.TemporaryDirectory() as folder:
                results.append(measure(Path(folder), Path(state)))
    (first, _), *results = results
    version = ".".join(map(str, sys.version_info[:3]))
    seconds, memory = zip(*results, strict=True)
    print(f"Python {version}, {runs} runs, median (least to most)")
    print(f"first start, which learns the states: {first:.2f} s to the first message")
    print(f"start to first message: {statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})")
    print(f"memory (RSS): {statistics.median(memory):.0f} MiB ({min(memory):.0f} to {max(memory):.0f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
