"""Whether other threads of Python get their turn while one works. Asked of peers too, in their environments."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

NEVER = 1000.0


def count_ticks(work: Callable[[], object], seconds: float) -> dict[str, int]:
    """How often a thread that wants a turn every half a millisecond gets one while *work* is done again and again.

    Python takes the turn from nobody meanwhile: what is counted is what *work* gives away, on a busy machine too.
    """
    stop = threading.Event()
    seen = {"ticks": 0, "calls": 0}

    def tick() -> None:
        while not stop.wait(0.0005):
            seen["ticks"] += 1

    interval = sys.getswitchinterval()
    thread = threading.Thread(target=tick)
    thread.start()
    sys.setswitchinterval(NEVER)
    try:
        start = time.monotonic()
        while time.monotonic() - start < seconds:
            work()
            seen["calls"] += 1
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        thread.join()
    return seen
