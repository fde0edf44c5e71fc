"""Run the real daemon for a while, with subscribers that come, stall and go, and check that it does not grow.

Its memory, file descriptors and threads are counted each second. They must be flat after the first quarter (the table
shows how flat), one good subscriber must have received every message by its ``seq``, and the daemon must end in order.
Exit status 0: all of this holds. 1: it does not. With --hostile it has ten cameras, three of which attack it with
something else at each connection, and 45 more subscribers that stay.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scripts.soaking.crowd import Crowd, Reader
from scripts.soaking.daemon import DaemonProcess
from scripts.soaking.hostile_cameras import HostileCameras
from scripts.soaking.report import Progress, table
from scripts.soaking.verdict import BOUNDS, HOSTILE_BOUNDS, Bounds, Measure, judge
from scripts.soaking.vitals import Vitals, vitals

START_SECONDS = 60.0
STOP_SECONDS = 2.0  # of the daemon; reading its last messages gets some more
SAMPLE_SECONDS = 1.0
LEAST_MINUTES = 1.0


class Soak:
    """One run of the daemon, with samples of its memory, descriptors and threads."""

    def __init__(self, daemon: DaemonProcess, reader: Reader, progress: Progress, residents: int = 0) -> None:
        self.samples: list[Vitals] = []
        self.faults: list[str] = []
        self.stop_seconds = 0.0
        self.visits = 0
        self._residents = residents
        self._daemon, self._reader, self._progress = daemon, reader, progress

    def run(self, seconds: float) -> None:
        """Wait for the first message, watch for *seconds*, and stop the daemon."""
        if not self._reader.read(START_SECONDS):
            self.faults.append(f"no message within {START_SECONDS:.0f} s")
            return
        with Crowd(self._daemon.address, self._daemon.port, self._residents) as crowd:
            self._watch(crowd, seconds)
            self.visits = crowd.visits
        self._progress.end()
        self._end()
        for name in ("lost", "restarts", "malformed"):
            if count := getattr(self._reader, name):
                self.faults.append(f"{name}: {count}, and of a good subscriber it must be 0")

    def _watch(self, crowd: Crowd, seconds: float) -> None:
        begin = time.monotonic()
        while (now := time.monotonic() - begin) < seconds:
            if not self._daemon.is_alive:
                self.faults.append(f"the daemon ended by itself after {now:.0f} s")
                return
            if now >= len(self.samples) * SAMPLE_SECONDS:
                self.samples.append(vitals(self._daemon.pid, now))
                self._progress.show(self.samples[-1], self._reader.received, self._reader.lost)
            crowd.move(now)
            self._reader.read(0.1)

    def _end(self) -> None:
        """Stop the daemon, and read until its last messages."""
        begin = self._daemon.stop()
        while self._daemon.wait(0) is None and time.monotonic() - begin < 5 * STOP_SECONDS:
            self._reader.read(0.02)
        self.stop_seconds = time.monotonic() - begin
        status = self._daemon.wait(0)
        while self._reader.read(0.5):
            pass
        if status != 0 or self.stop_seconds > STOP_SECONDS:
            self.faults.append(f"the daemon ended with {status} after {self.stop_seconds:.1f} s, and not with 0 in 2 s")
        if self._reader.goodbyes != len(self._reader.dropped):
            self.faults.append(f"{self._reader.goodbyes} of {len(self._reader.dropped)} cameras published their end")


def main() -> int:
    """Soak."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__, formatter_class=_Formatter)
    parser.add_argument(
        "minutes", type=_minutes, metavar="MINUTES", help="how long: 2 give a first result, 30 a good one"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, with every sample")
    parser.add_argument("--hostile", action="store_true", help="with hostile cameras, and 50 subscribers")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edged-soak-") as folder, HostileCameras(args.hostile * 3) as cameras:
        daemon = DaemonProcess(Path(folder), cameras.urls)
        reader = Reader(daemon.address)
        soak = Soak(daemon, reader, Progress(args.minutes * 60), residents=45 if args.hostile else 0)
        try:
            with daemon.running():
                soak.run(args.minutes * 60)
        except KeyboardInterrupt:
            return 130
        finally:
            reader.close()
        log = daemon.log()
    warnings = [line for line in log if " WARNING " in line or " ERROR " in line or "Traceback" in line]
    measures = _measures(soak, HOSTILE_BOUNDS if args.hostile else BOUNDS)
    figures: dict[str, Any] = {
        "minutes": args.minutes,
        "messages": reader.received,
        "vectors": reader.vectors,
        "events": reader.events,
        "lost": reader.lost,
        "frames_dropped": sum(reader.dropped.values()),
        "visits": soak.visits,
        "attacks": cameras.served,
        "seconds_to_stop": round(soak.stop_seconds, 2),
        "warnings": len(warnings),
    }
    if args.json:
        record = {"sound": not soak.faults, "faults": soak.faults, **figures, "measures": [*map(asdict, measures)]}
        print(json.dumps({**record, "samples": [*map(asdict, soak.samples)]}))
    else:
        print(table(measures, figures, soak.faults))
    if soak.faults or warnings:
        print("the daemon's log ends with:", *log[-20:], sep="\n  ", file=sys.stderr)
    return 1 if soak.faults else 0


def _measures(soak: Soak, bounds: Mapping[str, Bounds]) -> list[Measure]:
    try:
        measures = judge(soak.samples, bounds)
    except ValueError as exc:
        soak.faults.append(str(exc))
        return []
    soak.faults += [f"{measure.name} is not flat" for measure in measures if not measure.is_flat]
    return measures


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not LEAST_MINUTES <= minutes <= 1e6:
        raise argparse.ArgumentTypeError(f"must be a number from {LEAST_MINUTES} (got {text!r})")
    return minutes


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the line breaks of the description."""


if __name__ == "__main__":
    sys.exit(main())
