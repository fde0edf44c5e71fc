"""Proof that something can be done again and again: nothing of it stays behind."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from pathlib import Path

from tests.fakes import eventually

__all__ = ["ROUNDS", "descriptors", "leaves_nothing_behind"]

ROUNDS = int(os.environ.get("EDGED_ROUNDS", "5"))
"""How often; 200 is for a run by hand, which prints its figures with ``pytest -s``."""


def leaves_nothing_behind(one_round: Callable[[], None]) -> None:
    """Do *one_round* `ROUNDS` times, and see that no file descriptor and no thread is left over; print the memory.

    Objects of edged are free at once, and do not wait until Python looks for those that refer to each other: a camera
    that is opened again and again would keep the memory of many rounds.
    """
    one_round()  # libraries are loaded and caches filled
    one_round()
    gc.collect()
    before, threads, memory = descriptors(), threading.active_count(), _resident_kib()
    gc.disable()
    try:
        for _ in range(ROUNDS):
            one_round()
        cycles = _cycles()
    finally:
        gc.enable()
    assert not cycles, f"these objects refer to each other: {cycles}"
    eventually(lambda: threading.active_count() <= threads, "threads have ended")
    eventually(lambda: descriptors() <= before, f"descriptors are closed: {before} before")
    print(f"{ROUNDS} rounds: {before} descriptors, {threads} threads, {_resident_kib() - memory:+d} KiB")


def descriptors() -> int:
    """How many files are open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def _cycles() -> list[str]:
    """The classes of edged whose objects nothing refers to but each other."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        kinds = {f"{type(item).__module__}.{type(item).__qualname__}" for item in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    gc.collect()
    return sorted(kind for kind in kinds if kind.startswith("edged."))


def _resident_kib() -> int:
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0])
