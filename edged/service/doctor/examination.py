"""All checks, in the order of their reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from edged.service.doctor.child import findings_of
from edged.service.doctor.finding import Finding, bad, warning
from edged.service.doctor.python import RUNS

__all__ = ["Step", "examine", "run_checks"]

_HERE = __name__.rpartition(".")[0]
AT_ONCE = 2  # each is a Python of its own, and an engine with a model takes 100 MiB


@dataclass(frozen=True, slots=True)
class Step:
    """A check, its topic, and the seconds that it may take on a slow board."""

    topic: str
    check: str
    seconds: float


_ENGINES = (
    Step("engine", f"{_HERE}.python:ai_edge_litert", 60.0),
    Step("engine", f"{_HERE}.python:tflite_runtime", 60.0),
)
_MACHINE = (
    Step("libraries", f"{_HERE}.python:libraries", 30.0),
    *_ENGINES,
    Step("delegate", f"{_HERE}.delegates:delegates", 20.0),
    Step("camera", f"{_HERE}.machine:cameras", 60.0),
    Step("board", f"{_HERE}.machine:machine", 20.0),
    Step("folders", f"{_HERE}.folders:folders", 20.0),
    Step("endpoint", f"{_HERE}.endpoints:endpoints", 90.0),
)
_CONFIGURATION = (
    Step("configuration", f"{_HERE}.configuration:configuration", 240.0),
    Step("configuration", f"{_HERE}.configuration:sources", 120.0),
)


def examine(file: str | None) -> Iterator[Finding]:
    """Check this machine, and the configuration *file* if there is one; yields one finding after the other.

    No check can hang or end this process: each has one of its own.
    """
    an_engine_runs = False
    for finding in run_checks(_MACHINE if file is None else (*_MACHINE, *_CONFIGURATION), file):
        an_engine_runs |= RUNS in finding.text
        yield finding
    if not an_engine_runs:
        yield bad("engine", "no engine works", "pip install --force-reinstall ai-edge-litert")


def run_checks(steps: Sequence[Step], file: str | None) -> Iterator[Finding]:
    """Yield the findings of *steps*, in their order; some run at the same time."""
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        for step, (findings, end) in zip(steps, pool.map(lambda step: _run_check(step, file), steps), strict=True):
            yield from findings
            if end is not None:
                yield _ended(step, end)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _run_check(step: Step, file: str | None) -> tuple[list[Finding], str | None]:
    return findings_of(step.check, file, step.seconds)


def _ended(step: Step, end: str) -> Finding:
    """Return the finding of a check that did not end by itself: the daemon would mostly fail in the same way."""
    words = f"the check {step.check.rpartition(':')[2]} {end}"
    if step in _ENGINES:
        return warning(step.topic, words, "pip install --force-reinstall the engine, or use the other one")
    if step in _CONFIGURATION and step.check.endswith(":configuration"):
        return bad(step.topic, words, "'edged check -c FILE' prints the reason")
    return warning(step.topic, words, "look into 'sudo dmesg | tail'; a device or a disk does not answer")
