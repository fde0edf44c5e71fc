"""Checks in processes of their own, which may hang or die, with a time limit for each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module

from edged.service.doctor.finding import Finding

__all__ = ["findings_of", "main"]

LAST_SECONDS = 1.0  # within which a killed process ends, unless the kernel holds it

# -c with the same import path, because edged may have been found anywhere.
_CHILD = "import sys; sys.path[:] = {path!r}; from edged.service.doctor.child import main; main({check!r}, {file!r})"


def findings_of(check: str, file: str | None, seconds: float) -> tuple[list[Finding], str | None]:
    """Return the findings of *check*, a ``package.module:function``, and its abnormal end; None after a normal one."""
    text = _CHILD.format(path=[folder for folder in sys.path if isinstance(folder, str)], check=check, file=file)
    try:
        child = subprocess.Popen(  # noqa: S603 - this Python, with a text of our own
            [sys.executable, "-c", text], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except OSError as exc:
        return [], f"could not be started: {exc.strerror}"
    try:
        printed, complaint = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        printed = b""
        with suppress(
            subprocess.TimeoutExpired
        ):  # a process that waits in a driver cannot be killed, and is left behind
            printed, _ = child.communicate(timeout=LAST_SECONDS)
        return list(_parsed(printed)), f"did not end within {seconds:g} s"
    return list(_parsed(printed)), _end(child.returncode, complaint)


def main(check: str, file: str | None) -> None:
    """Run a check in the child: print each finding as a line of JSON as soon as there is one."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)  # so that libraries that print on stdout do no harm
        module, _, function = check.partition(":")
        for finding in getattr(import_module(module), function)(file):
            print(json.dumps(asdict(finding)), file=out, flush=True)


def _parsed(printed: bytes) -> Iterator[Finding]:
    for line in printed.splitlines():
        with suppress(ValueError, TypeError):  # half a line: it died over it
            yield Finding(**json.loads(line))


def _end(code: int, complaint: bytes) -> str | None:
    if code == 0:
        return None
    if code > 0:
        last = (complaint.decode(errors="replace").strip().splitlines() or [""])[-1]
        return f"ended with status {code}: {last[:200]}"
    try:
        return f"died of {signal.Signals(-code).name}"
    except ValueError:  # one of the nameless real-time signals
        return f"died of signal {-code}"
