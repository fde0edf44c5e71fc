"""Hang-ups on a real terminal, which is closed: only some of them end the daemon."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """\
import os, signal, sys, threading
from edged.service.terminal import Terminal

os.open(sys.argv[1], os.O_RDWR)  # the first terminal that the leader of a session opens becomes its own
signal.signal(signal.SIGHUP, getattr(signal, sys.argv[2]))
terminal = Terminal()
closed = threading.Event()
signal.signal(signal.SIGHUP, lambda *_: closed.set())
print(terminal.is_gone, flush=True)
assert closed.wait(20)
print(terminal.is_gone)
"""


@pytest.mark.parametrize(("started", "ends"), [("SIG_DFL", "True"), ("SIG_IGN", "False")], ids=["plain", "nohup"])
def test_the_end_of_the_terminal_ends_what_was_not_started_to_outlive_it(started: str, ends: str) -> None:
    master, slave = os.openpty()
    command = [sys.executable, "-c", PROGRAM, os.ttyname(slave), started]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "False\n"
            os.close(slave)
            os.close(master)
            assert process.stdout.readline() == f"{ends}\n"
            assert process.wait(20) == 0
        finally:
            process.kill()
