"""All checks, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from edged.service.doctor.child import findings_of
from edged.service.doctor.finding import Finding, bad, warning

__all__ = ["examine"]

AT_ONCE = 2  # each is a Python of its own, and an engine with a model takes 100 MiB


@dataclass(frozen=True, slots=True)
class _Step:
    """A check, what it is about, and the seconds that it may take on a slow board."""

    topic: str
    check: str
    seconds: float


_ENGINES = (
    _Step("engine", "python:ai_edge_litert", 60.0),
    _Step("engine", "python:tflite_runtime", 60.0),
)
_MACHINE = (
    _Step("libraries", "python:libraries", 30.0),
    *_ENGINES,
    _Step("delegate", "delegates:delegates", 20.0),
    _Step("camera", "machine:cameras", 60.0),
    _Step("board", "machine:machine", 20.0),
    _Step("folders", "folders:folders", 20.0),
    _Step("endpoint", "endpoints:endpoints", 60.0),
)
_CONFIGURATION = (
    _Step("configuration", "configuration:configuration", 240.0),
    _Step("configuration", "configuration:sources", 120.0),
)


def examine(file: str | None) -> Iterator[Finding]:
    """Look at this machine, and at the configuration *file* if there is one; a finding after the other.

    No check can hang or end this process: each has one of its own.
    """
    steps = (*_MACHINE, *(_CONFIGURATION if file is not None else ()))
    engine_runs = False
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for step, (findings, end) in zip(steps, pool.map(lambda step: _take(step, file), steps), strict=True):
            yield from findings
            if end is not None:
                yield _ended(step, end)
            engine_runs |= step in _ENGINES and any("runs the bundled model" in finding.text for finding in findings)
            if step == _ENGINES[-1] and not engine_runs:
                yield bad("engine", "there is none that works", "pip install --force-reinstall ai-edge-litert")


def _take(step: _Step, file: str | None) -> tuple[list[Finding], str | None]:
    return findings_of(step.check, file, step.seconds)


def _ended(step: _Step, end: str) -> Finding:
    """A check that did not come to its end: what it looked at would do the same to the daemon, mostly."""
    words = f"the check {step.check.rpartition(':')[2]} {end}"
    if step in _ENGINES:
        return warning(step.topic, words, "pip install --force-reinstall the engine, or use the other one")
    if step in _CONFIGURATION and step.check.endswith(":configuration"):
        return bad(step.topic, words, "'edged check -c FILE' tells more")
    return warning(step.topic, words, "look into 'sudo dmesg | tail'; a device or a disk does not answer")
