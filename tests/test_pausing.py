"""A command that is paused ends as it would have ended, and no process of it stays stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.pausing import paused, running, tree_of

PAUSING = Path(__file__).parent.parent / "scripts" / "pausing.py"
WITH_A_CHILD = "import subprocess; subprocess.call(['sleep', '60'])"


@contextmanager
def pausing(*command: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command that is paused; the test reads from stderr which process is stopped."""
    with subprocess.Popen([sys.executable, PAUSING, *command], stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


@contextmanager
def sleeper() -> Iterator[int]:
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def next_stopped(process: subprocess.Popen[str]) -> int:
    """Return the process that is stopped next."""
    assert process.stderr is not None
    for line in process.stderr:
        if " for " in line:
            return int(line.split()[1])
    raise AssertionError("the pauses ended")


def state(pid: int) -> str:
    """Return the state of a process in the kernel's letters, or ``-`` if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "-"


def wait_for_state(pid: int, *wanted: str) -> None:
    deadline = time.monotonic() + 30
    while (found := state(pid)) not in wanted:
        assert time.monotonic() < deadline, f"{pid} is {found}, not {wanted}"
        os.sched_yield()


def test_a_command_and_its_children_are_stopped_and_continued() -> None:
    with pausing("--seed", "1", sys.executable, "-c", WITH_A_CHILD) as process:
        stopped: set[int] = set()
        while len(stopped) < 2:
            stopped.add(pid := next_stopped(process))
            wait_for_state(pid, "S", "R")
        assert stopped < set(tree_of(process.pid))


def test_what_is_stopped_is_continued_when_the_pauses_are_ended() -> None:
    with pausing("sleep", "60") as process:
        pid = next_stopped(process)
        wait_for_state(pid, "T")  # a process that does not run yet would take SIGTERM before SIGSTOP
        process.terminate()
        assert process.wait(30) == 128 + signal.SIGTERM
        wait_for_state(pid, "-")  # a stopped process would not have ended


def test_a_process_is_stopped_for_the_block_only() -> None:
    with sleeper() as pid:
        with paused(pid, os.getpid()) as is_stopped:
            assert is_stopped
            wait_for_state(pid, "T")
        wait_for_state(pid, "S")


def test_a_process_of_another_tree_is_not_stopped() -> None:
    with sleeper() as pid, sleeper() as other, paused(other, pid) as is_stopped:
        assert not is_stopped
        assert running(pid) == [pid]


def test_a_process_that_ends_just_before_it_is_stopped_is_not_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        process = os.pidfd_open(ended.pid)
    monkeypatch.setattr("scripts.pausing.os.pidfd_open", lambda _: process)
    monkeypatch.setattr("scripts.pausing.running", lambda _: [ended.pid])
    with paused(ended.pid, os.getpid()) as is_stopped:
        assert not is_stopped


def test_a_process_that_somebody_else_stopped_stays_stopped() -> None:
    with sleeper() as pid:
        os.kill(pid, signal.SIGSTOP)
        wait_for_state(pid, "T")
        with paused(pid, os.getpid()) as is_stopped:
            assert not is_stopped
        assert state(pid) == "T"


def test_a_process_that_somebody_else_stops_during_its_pause_stays_stopped() -> None:
    with sleeper() as pid:
        with paused(pid, os.getpid()) as is_stopped:
            assert is_stopped
            wait_for_state(pid, "T")
            os.kill(pid, signal.SIGSTOP)
        assert state(pid) == "T"
        os.kill(pid, signal.SIGCONT)
        wait_for_state(pid, "S")


def test_the_status_of_the_command_is_passed_on() -> None:
    with pausing("sh", "-c", "exit 3") as process:
        assert process.wait(30) == 3
