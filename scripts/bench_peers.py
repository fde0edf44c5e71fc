"""Compare edged with other ways to the same vectors, all in one run; see scripts/bench-peers."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import zmq

from edged.bench.machine import machine
from edged.bench.plan import BenchPlan
from edged.bench.run import measure
from edged.cli.progress import Bar

ROOT = Path(__file__).parent.parent
MODELS = ROOT / "edged" / "vision" / "models"
DEMO = ROOT / "config" / "demo"
README = ROOT / "README.md"
BEGIN, END = "<!-- scripts/bench-peers writes this -->", "<!-- to here -->"

BUNDLED = ("efficientnet-lite0-int8", "efficientnet-lite0")
SIDES = ("edged", "tflite-support", "mediapipe")  # the others in environments of these names
KINDS = ("invoke", "edged-exact", "edged-linear", "tflite-support", "mediapipe")
ROUND_SECONDS = 1.0
WIDTH, HEIGHT = 1280, 720


class Side:
    """One library with one model, in a process of its own."""

    def __init__(self, name: str, model: Path, picture: Path) -> None:
        python = sys.executable if name == "edged" else ROOT / ".venv-peers" / name / "bin" / "python"
        command = [str(python), str(ROOT / "scripts" / "bench_peer.py"), name, str(model), str(picture)]
        self.milliseconds: dict[str, list[float]] = {}
        self._name = name
        self._command = command
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
        )
        once = sum(statistics.median(durations[1:]) for durations in self._run(5).values())
        self._count = max(5, round(ROUND_SECONDS * 1000 / once))

    def round(self) -> None:
        """Embed for a second."""
        for kind, durations in self._run(self._count).items():
            self.milliseconds.setdefault(kind, []).extend(durations)

    def close(self) -> None:
        self._process.communicate(timeout=20)

    def _run(self, count: int) -> dict[str, list[float]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"bench-peers: {self._name} gave up; run by hand: {' '.join(self._command)}")
        return {kind: [nanoseconds / 1e6 for nanoseconds in of] for kind, of in json.loads(line).items()}


def libraries(model: Path, picture: Path, rounds: int) -> dict[str, float]:
    """The p50 of one ``embed()`` by each library, and of the bare ``invoke()``, in milliseconds."""
    with ExitStack() as stack:
        sides = []
        for name in SIDES:
            sides.append(Side(name, model, picture))
            stack.callback(sides[-1].close)
        for number in range(rounds):  # a busy moment of the machine affects all sides
            for side in sides[number % len(sides) :] + sides[: number % len(sides)]:
                side.round()
        return {kind: statistics.median(of) for side in sides for kind, of in side.milliseconds.items()}


def throughput(rounds: int, seconds: float) -> dict[str, float]:
    """Messages a second of the daemon and of the straight script, both embedding the same clip as fast as they can."""
    rates: dict[str, list[float]] = {"edged": [], "script": []}
    for _ in range(rounds):
        for name, start in (("edged", _edged), ("script", _script)):
            with tempfile.TemporaryDirectory() as folder:
                rates[name].append(_rate(start, f"ipc://{folder}/pub.sock", Path(folder), seconds))
    return {name: statistics.median(values) for name, values in rates.items()}


def _edged(address: str, folder: Path) -> list[str]:
    plan = BenchPlan(source=f"file:{DEMO / 'street.mp4'}", model="efficientnet-lite0-int8", threads=1)
    document = json.loads(plan.configuration(address))
    document["references"] = {"empty": {"images": [str(DEMO / "path-empty.jpg")]}}
    (folder / "edged.yaml").write_text(json.dumps(document))
    return [sys.executable, "-m", "edged", "run", "-c", str(folder / "edged.yaml")]


def _script(address: str, _: Path) -> list[str]:
    python = ROOT / ".venv-peers" / "straight" / "bin" / "python"
    model = MODELS / "efficientnet-lite0-int8.tflite"
    script = ROOT / "scripts" / "straight.py"
    return [str(part) for part in (python, script, model, DEMO / "street.mp4", DEMO / "path-empty.jpg", address)]


def _rate(start: Callable[[str, Path], list[str]], address: str, folder: Path, seconds: float) -> float:
    """Messages a second that a subscriber gets, after the first second."""
    with zmq.Context() as context, context.socket(zmq.SUB) as socket, _running(start(address, folder), folder):
        socket.setsockopt(zmq.RCVTIMEO, 60_000)
        for topic in (b"scene", b"edged/1/vec/"):
            socket.subscribe(topic)
        socket.connect(address)
        socket.recv_multipart()
        begin, count = time.monotonic() + 1.0, 0
        while (now := time.monotonic()) < begin + seconds:
            socket.recv_multipart()
            count += now >= begin
        return count / (time.monotonic() - begin)


@contextmanager
def _running(command: list[str], folder: Path) -> Iterator[None]:
    environment = {**os.environ, "RUNTIME_DIRECTORY": str(folder)}
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment) as process:
        try:
            yield
        finally:
            process.terminate()


def daemon(seconds: float) -> dict[str, float]:
    """Costs of the daemon compared with the bare model, and the time of a picture to a subscriber."""
    busy = measure(BenchPlan(model="efficientnet-lite0", threads=1, seconds=seconds))
    calm = measure(BenchPlan(model="efficientnet-lite0", threads=1, fps=15, seconds=seconds))
    delivered = calm.stages["delivered"]
    return {
        "over_invoke": busy.over_invoke,
        "p50": delivered.p50 - calm.floor.wall_ms,
        "p99": delivered.p99 - calm.floor.wall_ms,
        "own p50": calm.stages["overhead"].p50,
        "own p99": calm.stages["overhead"].p99,
        "memory": calm.usage.memory_mib,
        "start": calm.start_seconds,
    }


def tables(times: dict[str, dict[str, float]], rates: dict[str, float], cost: dict[str, float]) -> str:
    """The measurements as Markdown."""
    about = machine()
    place = f"{about['board']}, {about['cores']} cores, Python {platform.python_version()}"
    lines = [
        f"{time.strftime('%-d %B %Y')}, {place}; one thread, a picture of {WIDTH} × {HEIGHT}, milliseconds (p50):",
        "",
        "| model | bare `invoke()` | edged | edged, `resize: linear` | tflite-support | MediaPipe |",
        "|---|---|---|---|---|---|",
    ]
    for model, of in times.items():
        bare, exact, linear, support, mediapipe = (of[kind] for kind in KINDS)
        lines.append(
            f"| {model} | {bare:.2f} | {exact:.2f} (× {exact / bare:.2f}) | {linear:.2f} (× {linear / bare:.2f}) | "
            f"{support:.2f} (edged × {support / exact:.2f}) | {mediapipe:.2f} (edged × {mediapipe / exact:.2f}, "
            f"linear × {mediapipe / linear:.2f}) |"
        )
    straight = f"a script with tflite-support, OpenCV and pyzmq {rates['script']:.1f}"
    ratio = rates["edged"] / rates["script"]
    lines += [
        "",
        "| the daemon | |",
        "|---|---|",
        f"| frames a second, clip, efficientnet-lite0-int8 | {rates['edged']:.1f}; {straight} (edged × {ratio:.2f}) |",
        f"| processor time of a frame, decoding left out, over the bare `invoke()` | × {cost['over_invoke']:.2f} |",
        f"| capture to a subscriber, less the bare `invoke()`: p50, p99 | {cost['p50']:.2f} ms, {cost['p99']:.2f} ms |",
        f"| the same, less the `infer` of each frame: p50, p99 | {cost['own p50']:.2f} ms, {cost['own p99']:.2f} ms |",
        f"| memory (RSS) | {cost['memory']:.0f} MiB |",
        f"| start to the first vector | {cost['start']:.2f} s |",
    ]
    return "\n".join(lines)


def picture(folder: Path) -> Path:
    """A frame of the clip at 1280 × 720, RGB, as a file for numpy."""
    capture = cv2.VideoCapture(str(DEMO / "street.mp4"))
    _, frame = capture.read()
    capture.release()
    path = folder / "picture.npy"
    np.save(path, cv2.cvtColor(cv2.resize(frame, (WIDTH, HEIGHT)), cv2.COLOR_BGR2RGB))
    return path


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; with --write, write the tables."""
    parser = argparse.ArgumentParser(prog="scripts/bench-peers", description=__doc__)
    parser.add_argument(
        "--model",
        type=_named,
        action="append",
        default=[],
        metavar="[NAME=]FILE",
        help="a further model file to measure, and its name in the table",
    )
    parser.add_argument("--rounds", type=int, default=10, help="rounds of one second for each library (default: 10)")
    parser.add_argument("--write", action="store_true", help="put the tables into README.md")
    args = parser.parse_args(argv)
    models = {name: MODELS / f"{name}.tflite" for name in BUNDLED}
    models |= dict(args.model)
    times: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name, Bar("measuring") as bar:
        shown = picture(Path(name))
        for number, (model, path) in enumerate(models.items()):
            bar.show(number / (len(models) + 2), model)
            times[model] = libraries(path, shown, args.rounds)
        bar.show(len(models) / (len(models) + 2), "the daemon and the script")
        rates = throughput(rounds=3, seconds=5)
        bar.show((len(models) + 1) / (len(models) + 2), "the daemon")
        cost = daemon(seconds=15)
    text = tables(times, rates, cost)
    print(text)
    if args.write:
        before, _, rest = README.read_text().partition(BEGIN)
        README.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}")
    return 0


def _named(text: str) -> tuple[str, Path]:
    name, _, file = text.rpartition("=")
    path = Path(file).absolute()
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{file}: no such file")
    return name or path.stem, path


if __name__ == "__main__":
    raise SystemExit(main())
