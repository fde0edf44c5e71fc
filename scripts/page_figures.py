"""Measure what the page costs, beside the daemon without viewers: see ``scripts/page-figures``."""

from __future__ import annotations

import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from edged.client import Subscriber
from edged.wire import Vec
from tests.page import browsed
from tests.page.browsed import Served

ROOT = Path(__file__).parent.parent
VIEWERS = 4
FPS = 5
TICK = os.sysconf("SC_CLK_TCK")

CONFIG = """
version: 2
node: figures
model: {{name: efficientnet-lite0-int8, num_threads: 1}}
cameras:
  street:
    source: "pattern:640x480"
    fps: {fps}
    regions:
      path: {{left: 0.1, top: 0.1, right: 0.9, bottom: 0.9}}
publish:
  endpoints: ["pub+bind:tcp://127.0.0.1:5556"]
"""


class Viewer:
    """A tab that takes every picture that it is sent."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        site, token = f"http://{parts.netloc}", parts.fragment.partition("=")[2]
        session = HTTPConnection(parts.netloc, timeout=20)
        session.request("GET", "/session", headers={"Authorization": f"Bearer {token}"})
        cookie = (session.getresponse().getheader("Set-Cookie") or "").partition(";")[0]
        session.close()
        self.pictures = 0
        self._opened = ExitStack()
        connection = connect(
            f"ws://{parts.netloc}/ws",
            additional_headers={"Cookie": cookie},
            origin=Origin(site),
            compression=None,
            max_size=None,
        )
        self._socket = self._opened.enter_context(connection)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        """Close the tab."""
        self._opened.close()
        self._thread.join()

    def _run(self) -> None:
        self._socket.send(json.dumps({"type": "look", "cameras": [{"camera": "street", "width": 640, "fps": FPS}],
                                      "inputs": [], "scores": []}))  # fmt: skip
        try:
            for came in self._socket:
                if isinstance(came, bytes):
                    header = json.loads(came[4 : 4 + int.from_bytes(came[:4], "big")])
                    self.pictures += 1
                    self._socket.send(json.dumps({"type": "ack", "number": header["number"]}))
        except ConnectionClosed:
            return


@contextmanager
def viewers(both: Served, count: int) -> Iterator[list[Viewer]]:
    """So many tabs."""
    with ExitStack() as closing:
        tabs = []
        for _ in range(count):
            tabs.append(Viewer(both.url))
            closing.callback(tabs[-1].close)
        yield tabs


def processor_seconds(pid: int) -> float:
    """The processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(pid: int) -> tuple[float, float]:
    """The memory of a process now, and the most that it had, in MiB."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    resident, most = (int(lines[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM"))
    return resident, most


@dataclass(frozen=True)
class Phase:
    """Each second: vectors, processor milliseconds of the daemon, and pictures that came to all tabs together."""

    vectors: float
    daemon: float
    pictures: float


def phase(both: Served, subscriber: Subscriber, count: int, seconds: float) -> Phase:
    """Measure for so long, with *count* tabs."""
    with viewers(both, count) as tabs:
        _vectors(subscriber, 2.0)  # it settles
        before, pictures, began = (
            processor_seconds(both.pid("run")),
            sum(tab.pictures for tab in tabs),
            time.monotonic(),
        )
        vectors = _vectors(subscriber, seconds)
        took = time.monotonic() - began
        used = processor_seconds(both.pid("run")) - before
        came = sum(tab.pictures for tab in tabs) - pictures
    return Phase(vectors / took, 1000 * used / took, came / took)


def _vectors(subscriber: Subscriber, seconds: float) -> int:
    """Receive for so long; return how many vectors came."""
    end = time.monotonic() + seconds
    count = 0
    while (left := end - time.monotonic()) > 0:
        count += isinstance(subscriber.receive(left), Vec)
    return count


def compare(both: Served, rounds: int, seconds: float) -> tuple[list[Phase], list[Phase]]:
    """Phases without and with viewers, in turns, so that other load meets both."""
    alone, viewed = [], []
    with Subscriber(f"ipc://{both.folder}/pub.sock", kinds=("vec",)) as subscriber:
        for _ in range(rounds):
            alone.append(phase(both, subscriber, 0, seconds))
            viewed.append(phase(both, subscriber, VIEWERS, seconds))
    return alone, viewed


def at_rest(rounds: int, seconds: float) -> None:
    """Print what a preview costs where the model has time left, and the memory of the page."""
    with browsed.served(CONFIG.format(fps=10)) as both:
        both.start()
        alone, viewed = compare(both, rounds, seconds)
        each = [
            (with_.daemon - without.daemon) / (with_.pictures / VIEWERS)
            for without, with_ in zip(alone, viewed, strict=True)
        ]
        with viewers(both, VIEWERS):
            threading.Event().wait(5)
            now, most = memory(both.pid("page"))
    print(f"10 frames a second, {rounds} rounds of {seconds:g} s each way")
    print(f"  daemon: {_spread(each)} ms of processor time per previewed frame of 640x480, once for all viewers")
    print(f"  pictures: {statistics.median(row.pictures for row in viewed):.1f} a second to {VIEWERS} viewers")
    print(f"  page: {now:.1f} MiB with {VIEWERS} viewers, {most:.1f} MiB at most", flush=True)


def at_the_limit(rounds: int, seconds: float) -> None:
    """Print the rate of the inference where there are more frames than it can take."""
    with browsed.served(CONFIG.format(fps=200)) as both:
        both.start()
        alone, viewed = compare(both, rounds, seconds)
    rates = [statistics.median(row.vectors for row in rows) for rows in (alone, viewed)]
    change = [100 * (with_.vectors / without.vectors - 1) for without, with_ in zip(alone, viewed, strict=True)]
    print("as many frames as the model can take")
    print(f"  inference: {rates[0]:.1f} a second alone, {rates[1]:.1f} with {VIEWERS} viewers: {_spread(change)} %")
    print(
        f"  pictures: {statistics.median(row.pictures for row in viewed):.1f} a second to {VIEWERS} viewers", flush=True
    )


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def in_chromium(seconds: float) -> None:
    """Print the figures of a browser, with a camera of ten frames a second."""
    with browsed.served(CONFIG.format(fps=10)) as both:
        both.start()
        printed = browsed.drive(str(ROOT / "scripts" / "page_figures.mjs"), "chromium", both, str(seconds))
    (line,) = [line for line in printed.splitlines() if line.startswith("saw ")]
    seen = json.loads(line.removeprefix("saw "))
    ages, usable = sorted(seen["ages"]), sorted(seen["usable"])
    print(f"Chromium on loopback, 10 frames a second\n  capture to canvas: p50 {ages[len(ages) // 2]:.0f} ms, "
          f"p95 {ages[int(0.95 * len(ages))]:.0f} ms of {len(ages)} pictures")  # fmt: skip
    print(f"  first view: usable after {usable[len(usable) // 2]:.0f} ms "
          f"({usable[0]:.0f} to {usable[-1]:.0f}, of {len(usable)} loads with an empty cache)")  # fmt: skip


def main() -> int:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20.0
    at_rest(rounds, seconds)
    at_the_limit(rounds, seconds)
    in_chromium(seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
