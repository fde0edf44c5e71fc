"""Mutants on trial: several at a time, each in a scratch tree, first against the tests most likely to notice it."""

from __future__ import annotations

import hashlib
import queue
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scripts.mutation.mutants import Mutant
from scripts.mutation.scratch import Run, ScratchTree
from scripts.mutation.selection import TestMap

__all__ = ["Case", "Fate", "Trials"]

BASE_SECONDS = 600.0  # for the tests of one step while nothing is changed
LEAST_SECONDS, FACTOR = 20.0, 4.0  # a mutant may take so long, or so many times what the unchanged code takes

Fate = Literal["killed", "timed out", "survived"]


@dataclass(frozen=True, slots=True)
class Case:
    """A mutant of the text *source* of *module*, a path relative to the root."""

    module: Path
    source: str
    mutant: Mutant

    @property
    def key(self) -> str:
        """A key that is the same for the same mutant of the same text."""
        parts = self.module.as_posix(), self.source, self.mutant.start, self.mutant.old, self.mutant.new
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    @property
    def room(self) -> str:
        """The folder below ``edged``."""
        return self.module.parts[1].removesuffix(".py")


@dataclass(frozen=True, slots=True)
class _Baseline:
    """The same tests without a change: how long they take, and which of them fail here anyway."""

    seconds: float
    failures: tuple[str, ...]


class Trials:
    """Tries cases on copies of the tree at *root* and reports each fate to *report*, in the thread that calls `run`.

    Survives what the first *steps* of tests do not notice: 1 is the likely tests only, 2 those of the folder, too.
    """

    def __init__(self, root: Path, report: Callable[[Case, Fate], None], steps: int = 2) -> None:
        self._root = root
        self._steps = steps
        self._report = report
        self._map = TestMap(root)
        self._stop = threading.Event()
        self._todo: queue.SimpleQueue[Case] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[Case, Fate] | Exception | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._baselines: dict[tuple[str, ...], _Baseline] = {}

    def run(self, cases: Iterable[Case], jobs: int) -> None:
        """Try all of them, *jobs* at a time. KeyboardInterrupt ends the tests that run, and is raised again."""
        for case in cases:
            self._todo.put(case)
        with tempfile.TemporaryDirectory(prefix="edged-mutation-") as folder:
            threads = [threading.Thread(target=self._work, args=(Path(folder, str(n)),)) for n in range(jobs)]
            for thread in threads:
                thread.start()
            try:
                self._gather(len(threads))
            finally:
                self._stop.set()
                for thread in threads:
                    thread.join()

    def _gather(self, working: int) -> None:
        while working:
            match self._done.get():
                case None:
                    working -= 1
                case Exception() as error:
                    raise error
                case case, fate:
                    self._report(case, fate)

    def _work(self, folder: Path) -> None:
        """Try case after case in *folder*; one of the threads."""
        try:
            with closing(ScratchTree(self._root, folder, self._stop)) as scratch, suppress(queue.Empty):
                while not self._stop.is_set():
                    case = self._todo.get_nowait()
                    if fate := self._fate(scratch, case):
                        self._done.put((case, fate))
        except Exception as error:  # noqa: BLE001 -- the thread that waits raises it
            self._done.put(error)
        self._done.put(None)

    def _fate(self, scratch: ScratchTree, case: Case) -> Fate | None:
        """Return what becomes of *case*; None: it was stopped."""
        for tests in self._map.steps(case.module)[: self._steps]:
            baseline = self._baseline(scratch, tests)
            with scratch.holding(case.module, case.mutant.apply(case.source)):
                limit = LEAST_SECONDS + FACTOR * baseline.seconds
                run = scratch.test(tests, limit, leave_out=baseline.failures)
            if run.end == "stopped":
                return None
            if run.end != "passed":
                return "timed out" if run.end == "late" else "killed"
        return "survived"

    def _baseline(self, scratch: ScratchTree, tests: list[str]) -> _Baseline:
        """Run *tests* on the unchanged code, once: one thread does, and the others wait for the figure."""
        with self._lock:
            if (known := self._baselines.get(tuple(tests))) is None:
                run = scratch.test(tests, BASE_SECONDS, first=False)
                self._complain(tests, run)
                known = self._baselines[tuple(tests)] = _Baseline(run.seconds, run.failures)
            return known

    def _complain(self, tests: list[str], run: Run) -> None:
        """Print which tests fail without a change.

        Raises:
            RuntimeError: there is no figure to compare with.
        """
        if run.end in ("broken", "late") or (run.end == "failed" and not run.failures):
            raise RuntimeError(f"these tests are {run.end} without any change: {' '.join(tests)}")
        for name in run.failures:
            print(f"\nfails without any change, and is left out: {name}", file=sys.stderr)
