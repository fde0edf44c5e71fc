"""A process that is killed at a random moment of its work."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable

LONGEST = 0.05  # seconds that it lives, from its first line on


def told_until_killed(work: Callable[[int], None]) -> str:
    """What *work*, which never ends, has written to its descriptor when its process is killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            work(writing)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as lines:
        told = lines.readline()
        threading.Event().wait(random.uniform(0, LONGEST))
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, "it has died by itself"
        return (told + lines.read()).decode()
