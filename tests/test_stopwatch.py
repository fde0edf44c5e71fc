"""A pause does not count, and a wait does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

from tests.stopwatch import LATE, stopwatch

WAIT = 0.4
PAUSE = 1.5
WAITS = """
from tests.stopwatch import stopwatch
with stopwatch() as watch:
    print("begun", flush=True)
    input()
print(watch.seconds)
"""


def test_a_wait_counts() -> None:
    with stopwatch() as watch:
        threading.Event().wait(WAIT)
    assert watch.seconds > WAIT / 2  # on a busy machine ticks are late
    assert watch.elapsed >= WAIT


def test_a_pause_of_its_own_process_does_not_count() -> None:
    begin = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-c", WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        os.kill(process.pid, signal.SIGSTOP)
        threading.Event().wait(PAUSE)
        os.kill(process.pid, signal.SIGCONT)
        out, _ = process.communicate("\n", timeout=30)
        took = time.monotonic() - begin
    assert float(out) <= took - PAUSE + 2 * LATE


def test_a_pause_of_the_other_process_does_not_count() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        os.kill(process.pid, signal.SIGSTOP)
        assert os.waitpid(process.pid, os.WUNTRACED)[0] == process.pid
        with stopwatch(process.pid) as watch:
            threading.Event().wait(WAIT)
        assert watch.seconds == 0.0
        process.kill()
