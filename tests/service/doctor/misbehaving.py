"""Checks that a doctor has to survive. They run in processes of their own."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

from edged.service.doctor.finding import Finding, ok


def well(file: str | None) -> Iterator[Finding]:
    yield ok("topic", f"looked at {file}")


def hang(_: str | None) -> Iterator[Finding]:
    yield ok("topic", "before")
    threading.Event().wait(60)


def die(_: str | None) -> Iterator[Finding]:
    yield ok("topic", "before")
    os.kill(os.getpid(), signal.SIGSEGV)


def fail(_: str | None) -> Iterator[Finding]:
    yield ok("topic", "before")
    raise ValueError("a bug")


def chatter(_: str | None) -> Iterator[Finding]:
    os.write(1, b"noise of a library\n")
    print("and of another")
    yield ok("topic", "the point")
