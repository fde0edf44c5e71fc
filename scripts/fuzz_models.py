"""Open damaged model files on every engine: each must be refused with a message, or give an answer.

The files are made from whole models by flipping bits, changing bytes and numbers, moving pieces and cutting ends off,
mostly in the structure and not in the weights; half of them are valid FlatBuffers again, with wrong values. Case
number n of a seed is always the same file.

The engines run in child processes, because this program looks for files that kill them. Such a file then gets the trial
run of every unknown model. The exit status is 1 if the trial does not detect it either, if the verification itself dies
or hangs, or if not a single file gives an answer.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path

import numpy as np

from edged.errors import InferenceError, ModelError
from edged.values import Delegate
from edged.vision.runtime.engine import EngineName, installed_engines
from edged.vision.runtime.interpreter import Interpreter
from edged.vision.runtime.trial import ensure_survives
from edged.vision.specs import ModelFile
from edged.vision.tflite.model_file import read_model
from scripts.damage import Original, damaged

ROOT = Path(__file__).parent.parent
# The numbers are weights: the bundled models take most of the time, and the small ones have the same operators.
MODELS = {
    "tests/cases/small96_float_meta.tflite": 6,
    "tests/cases/small96_uint8_meta.tflite": 6,
    "tests/cases/two_heads_uint8_meta.tflite": 2,
    "edged/vision/models/efficientnet-lite0.tflite": 1,
    "edged/vision/models/efficientnet-lite0-int8.tflite": 1,
}
HANG_SECONDS = 60.0
MEMORY = 4 << 30


@dataclass
class Worker:
    """A child process that opens one damaged file after the other, and reports each step before it begins."""

    originals: list[Original]
    weights: list[int]
    seed: int
    engines: tuple[EngineName, ...]
    delegates: tuple[str, ...]
    step: str = ""
    case: int = -1
    deadline: float = 0.0

    def start(self) -> None:
        """Start the process, for the first time or again."""
        context = get_context("fork")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=self._work, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def send_case(self, case: int) -> None:
        """Send *case* to the process."""
        self.case, self.step, self.deadline = case, "start", time.monotonic() + HANG_SECONDS
        self.connection.send(case)

    def case_file(self, case: int) -> tuple[str, str, bytes]:
        """Name of the model, way of damage and content of *case*."""
        chance = random.Random(f"{self.seed}/{case}")  # noqa: S311 - the same number gives the same case
        original = chance.choices(self.originals, self.weights)[0]
        way, content = damaged(original, chance)
        return original.name, way, content

    def _work(self, connection: Connection) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the engines also print each refusal there
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        while True:
            case = connection.recv()
            if case is None:
                return
            content = self.case_file(case)[2]
            connection.send(("step", "verification"))
            try:
                model = read_model(content, normalization=None)
            except ModelError as error:
                connection.send(("done", [("verification", "refused", str(error))]))
                continue
            found = []
            for engine in self.engines:
                for delegate in self.delegates:
                    connection.send(("step", f"{engine} {delegate}"))
                    found.append((f"{engine} {delegate}", *run(model, engine, delegate)))
            connection.send(("done", found))


def run(model: ModelFile, engine: EngineName, delegate: str) -> tuple[str, str]:
    """Run *model* on *engine*: ``refused`` and why, or ``answered``."""
    try:
        with Interpreter(model, engine=engine, delegate=Delegate.parse(delegate)) as interpreter:
            shape = (1, model.input.height, model.input.width, 3)
            interpreter.write((np.arange(np.prod(shape)) % 251).reshape(shape).astype(model.input.dtype))
            interpreter.invoke()
            for head in model.heads:
                interpreter.read(head, np.empty(head.size, head.dtype))
    except (ModelError, InferenceError) as error:
        return "refused", f"{type(error).__name__}: {error}"
    return "answered", ""


@dataclass
class Outcomes:
    """Outcomes of the cases so far."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    deaths: list[str] = field(default_factory=list)
    lost: int = 0

    def add(self, step: str, outcome: str, reason: str) -> None:
        """Count one outcome of a case."""
        self.counts[step, outcome] += 1
        if reason:
            self.reasons[f"{step}: {''.join('#' if c.isdigit() else c for c in reason)[:140]}"] += 1

    def print_figures(self, cases: int, seconds: float) -> None:
        """Print the figures."""
        print(f"{cases} damaged files in {seconds:.0f} s")
        for (step, outcome), count in sorted(self.counts.items()):
            print(f"  {step:24} {outcome:10} {count:8}  {100 * count / cases:5.1f} %")
        for death in self.deaths:
            print(f"  {death}")


class Campaign:
    """All cases of one run of this program."""

    def __init__(self, options: argparse.Namespace, originals: list[Original], weights: list[int]) -> None:
        self._options = options
        self._cases = iter(range(options.first, options.first + options.cases))
        self._done = 0
        self._outcomes = Outcomes()
        self._workers = [
            Worker(originals, weights, options.seed, installed_engines(), tuple(options.delegates.split(",")))
            for _ in range(options.workers)
        ]

    def run(self) -> Outcomes:
        """Run all cases, print the figures and return them."""
        began = shown = time.monotonic()
        for worker in self._workers:
            worker.start()
        busy = [worker for worker in self._workers if self._send_next_case(worker)]
        while busy:
            ready = wait([*(w.connection for w in busy), *(w.process.sentinel for w in busy)], timeout=1.0)
            for worker in [each for each in busy if each.connection in ready or each.process.sentinel in ready]:
                if not self._receive(worker):
                    busy.remove(worker)
            busy = [worker for worker in busy if self._is_busy(worker)]
            if time.monotonic() - shown > 10:
                shown = time.monotonic()
                print(f"{self._done} of {self._options.cases}, {self._done / (shown - began):.0f}/s", file=sys.stderr)
        self._outcomes.print_figures(self._options.cases, time.monotonic() - began)
        return self._outcomes

    def _is_busy(self, worker: Worker) -> bool:
        """Kill *worker* if it hangs, and start it again; False when no case is left for it."""
        if time.monotonic() <= worker.deadline or worker.connection.poll():
            return True
        worker.process.kill()
        worker.process.join()
        self._count_death(worker, "hung")
        return self._send_next_case(worker)

    def _send_next_case(self, worker: Worker) -> bool:
        case = next(self._cases, None)
        if case is None:
            worker.connection.send(None)
            worker.process.join()
            return False
        worker.send_case(case)
        return True

    def _receive(self, worker: Worker) -> bool:
        """Handle one message of *worker*, or its death; False when no case is left for it."""
        try:
            message = worker.connection.recv() if worker.connection.poll() else None
        except (EOFError, ConnectionResetError):
            message = None
        if message is None:
            worker.process.join()
            self._count_death(worker, f"died of {_ending(worker.process.exitcode)}")
            return self._send_next_case(worker)
        kind, what = message
        if kind == "step":
            worker.step = what
            return True
        for outcome in what:
            self._outcomes.add(*outcome)
        self._done += 1
        return self._send_next_case(worker)

    def _count_death(self, worker: Worker, how: str) -> None:
        name, way, content = worker.case_file(worker.case)
        caught = _is_caught(content, worker.step)
        self._outcomes.add(worker.step, "caught by the trial" if caught else "LOST", "")
        self._outcomes.lost += not caught
        trial = "and the trial run detects it" if caught else "AND NOTHING DETECTS IT"
        self._outcomes.deaths.append(f"case {worker.case} ({name}, {way}): {worker.step} {how}, {trial}")
        print(self._outcomes.deaths[-1], file=sys.stderr)
        if self._options.save:
            self._options.save.mkdir(parents=True, exist_ok=True)
            (self._options.save / f"{self._options.seed}-{worker.case}.tflite").write_bytes(content)
        self._done += 1
        worker.connection.close()
        worker.start()


def _is_caught(content: bytes, step: str) -> bool:
    """Whether the trial run detects a file that killed an engine at *step*."""
    engine, _, delegate = step.partition(" ")
    for name in installed_engines():
        if name == engine:
            try:
                ensure_survives(read_model(content), engine=name, delegate=Delegate.parse(delegate))
            except ModelError:
                return True
    return False  # the trial does not detect it, or something else than an engine died


def _ending(code: int | None) -> str:
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit {code}"


def main() -> int:
    """Read the arguments, run, and return the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz-models", description=__doc__)
    parser.add_argument("cases", type=int, help="how many damaged files")
    parser.add_argument(
        "models", nargs="*", type=Path, help="further models to damage, besides the bundled ones and those of the tests"
    )
    parser.add_argument("--only", action="store_true", help="damage only the models named here")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--delegates", default="auto", help="comma-separated: auto, none")
    parser.add_argument("--save", type=Path, help="keep the files that killed an engine in this folder")
    parser.add_argument("--reasons", action="store_true", help="print the reasons of refusals, with counts")
    options = parser.parse_intermixed_args()
    own = {} if options.only else {ROOT / name: weight for name, weight in MODELS.items()}
    models = own | dict.fromkeys(options.models, 2)
    outcomes = Campaign(options, [Original.read(path) for path in models], list(models.values())).run()
    if options.reasons:
        for reason, count in outcomes.reasons.most_common():
            print(f"{count:8} {reason}")
    answered = any(outcome == "answered" for _, outcome in outcomes.counts)
    return 0 if answered and not outcomes.lost else 1


if __name__ == "__main__":
    sys.exit(main())
