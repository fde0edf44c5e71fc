#!/usr/bin/env python3
"""Measure a reload under full load as a subscriber sees it: the longest pause in ms, by kind of change. Run by hand.

Starts the real daemon on two drawn cameras that deliver more than it can embed, subscribes, and reloads it again and
again. For each change it prints the longest time between two vectors of a camera, without a reload and around one; the
losses, by ``seq``; and how long `edged reload` would have waited for the answer.

    .venv/bin/python scripts/reload_gaps.py [ROUNDS]
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from statistics import median

from edged.client import Subscriber
from edged.service.reload.record_file import running_daemons
from edged.wire import Status, Vec

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "config" / "demo"
SECONDS = 2.0  # watched before and after a change

CONFIG = """\
model: {{name: {model}}}
cameras:
  front: {{source: "pattern:640x480", fps: {fps}, regions: {{door: {{right: {right}}}}}}}
  back: {{source: "pattern:{back}", fps: 60}}
references:
  here: {{images: [{pictures}]}}
publish: {{endpoints: [{endpoints}]}}
"""
USUAL = {
    "model": "efficientnet-lite0-int8",
    "fps": "60",
    "right": "0.5",
    "back": "640x480",
    "pictures": f"{DEMO}/path-empty.jpg",
}
HUNDRED = ", ".join([f"{DEMO}/path-empty.jpg", f"{DEMO}/path-busy.jpg"] * 50)
CHANGES: dict[str, dict[str, str]] = {
    "nothing": {},
    "references: another": {"pictures": f"{DEMO}/path-busy.jpg"},
    "references: a hundred pictures": {"pictures": HUNDRED},
    "fps": {"fps": "40"},
    "region": {"right": "0.7"},
    "camera restarted": {"back": "320x240"},
    "model": {"model": "efficientnet-lite0"},
    "endpoint added": {"more": ", 'pub+bind:tcp://127.0.0.1:*'"},
    "wrong file": {"fps": "fast"},
}


class Rig:
    """The daemon, a subscriber, and the configuration in *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "edged.yaml"
        self.address = f"ipc://{folder}/pub.sock"
        self.arrivals: dict[str, list[float]] = defaultdict(list)

    def write(self, change: dict[str, str]) -> None:
        parts = {**USUAL, **change}
        self.file.write_text(CONFIG.format(endpoints=f"'pub+bind:{self.address}'{parts.pop('more', '')}", **parts))

    def reload(self, subscriber: Subscriber) -> float:
        """Request a reload and continue to read; returns the seconds until its answer."""
        begin = time.monotonic_ns()
        [daemon] = running_daemons([self.folder / "edged"])
        os.kill(daemon.pid, signal.SIGHUP)
        while running_daemons([self.folder / "edged"])[0].began_ns < begin:
            self.read(subscriber, 0.02)
        return (time.monotonic_ns() - begin) / 1e9

    def read(self, subscriber: Subscriber, seconds: float) -> None:
        """Read the messages of so many *seconds*."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            message = subscriber.receive(left)
            if isinstance(message, Vec):
                self.arrivals[message.camera].append(time.monotonic())

    def longest(self, camera: str, since: float, until: float) -> float:
        """The longest pause of *camera* between these two moments, in ms."""
        times = [since, *(t for t in self.arrivals[camera] if since <= t <= until), until]
        return 1000 * max(later - earlier for earlier, later in pairwise(times))


def main() -> None:
    """Measure every change; the first argument is how often (default 3)."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory(prefix="edged-") as folder:
        rig = Rig(Path(folder))
        rig.write({})
        environment = {**os.environ, "XDG_RUNTIME_DIR": folder, "STATE_DIRECTORY": f"{folder}/state"}
        environment.pop("RUNTIME_DIRECTORY", None)
        command = [sys.executable, "-m", "edged", "run", "-c", str(rig.file)]
        with (
            (rig.folder / "log").open("w") as log,
            subprocess.Popen(command, env=environment, stderr=log) as daemon,
            Subscriber(rig.address, kinds=("vec", "status")) as subscriber,
        ):
            try:
                while not isinstance(subscriber.receive(60), Status):
                    pass
                rig.read(subscriber, 5)
                measure(rig, subscriber, rounds)
            finally:
                daemon.terminate()


def measure(rig: Rig, subscriber: Subscriber, rounds: int) -> None:
    """Print a line for each change."""
    print(f"{'change':<32} {'usual pause':>12} {'front':>9} {'back':>9} {'lost':>5} {'answer':>9}")
    for name, change in CHANGES.items():
        usual, front, back, answers = [], [], [], []
        lost = subscriber.gaps.total()
        for _ in range(rounds):
            begin = time.monotonic()
            rig.read(subscriber, SECONDS)
            usual.append(max(rig.longest(camera, begin, time.monotonic()) for camera in rig.arrivals))
            rig.write(change)
            begin = time.monotonic()
            answers.append(rig.reload(subscriber))
            rig.read(subscriber, SECONDS)
            front.append(rig.longest("front", begin, time.monotonic()))
            back.append(rig.longest("back", begin, time.monotonic()))
            rig.write({})
            rig.reload(subscriber)
            rig.read(subscriber, SECONDS)
        print(
            f"{name:<32} {max(usual):>9.0f} ms {max(front):>6.0f} ms {max(back):>6.0f} ms "
            f"{subscriber.gaps.total() - lost:>5} {median(answers):>7.2f} s",
            flush=True,
        )
    print("restarts seen:", subscriber.restarts.total())


if __name__ == "__main__":
    main()
