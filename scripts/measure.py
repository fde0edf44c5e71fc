"""Measure the figures of the README: the time of the daemon to its first message, and its memory.

Starts the daemon on the demo several times. Run it on an idle machine: .venv/bin/python scripts/measure.py [RUNS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from edged.client import Subscriber

ROOT = Path(__file__).parent.parent
SECONDS = 10.0  # after the first message, until the memory is read


def measure(folder: Path) -> tuple[float, float]:
    """Start the daemon once. Returns seconds to the first vector, and MiB of memory after ten seconds."""
    address = f"ipc://{folder}/pub.sock"
    config = folder / "edged.yaml"
    text = (ROOT / "config/demo/edged.yaml").read_text()
    text = text.replace("tcp://127.0.0.1:5556", address)
    for name in ("street.mp4", "path-empty.jpg", "path-busy.jpg"):
        text = text.replace(name, str(ROOT / "config/demo" / name))
    config.write_text(text)
    with Subscriber(address, kinds=("vec",)) as subscriber:
        begin = time.monotonic()
        command = [sys.executable, "-m", "edged", "run", "-c", str(config)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as daemon:
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
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            results.append(measure(Path(folder)))
    version = ".".join(map(str, sys.version_info[:3]))
    seconds, memory = zip(*results, strict=True)
    print(f"Python {version}, {runs} runs, median (least to most)")
    print(f"start to first message: {statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})")
    print(f"memory (RSS): {statistics.median(memory):.0f} MiB ({min(memory):.0f} to {max(memory):.0f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
