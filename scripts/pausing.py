#!/usr/bin/env python3
"""Run a command, and stop (SIGSTOP) and continue (SIGCONT) random processes of its tree for 0.2 to 1 s meanwhile.

Does to tests what a busy or a suspended machine does: a test that a pause turns red measures the machine.

    scripts/pausing.py [--seed N] COMMAND [ARGUMENT...]

The tree is the command, its children and theirs; a process that somebody else stopped is left alone. A seed repeats the
lengths and the choices, not what the processes are doing then. Each pause is printed on stderr; the exit status is the
command's. At the end, and at SIGTERM, SIGINT and SIGHUP, everything is continued; a signal ends the command, too.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

PAUSE = (0.2, 1.0)  # seconds that a process is stopped
BETWEEN = (0.1, 1.0)  # seconds in which all of them run
ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def tree_of(root: int) -> dict[int, str]:
    """Return the processes of the tree of ``root``, itself first, and the letter of the state of each."""
    children: dict[int, list[int]] = {}
    states: dict[int, str] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text(errors="replace").rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended since it was listed
        pid = int(stat.parent.name)
        states[pid] = state
        children.setdefault(int(parent), []).append(pid)
    tree = [root]
    for pid in tree:  # grows while it is walked
        tree += sorted(children.get(pid, []))
    return {pid: states[pid] for pid in tree if pid in states}


def running(root: int) -> list[int]:
    """Return the processes of the tree of ``root`` that are neither stopped nor ended."""
    return [pid for pid, state in tree_of(root).items() if state not in "TtZXx"]


@contextmanager
def paused(pid: int, root: int) -> Iterator[bool]:
    """Keep a process stopped for the block; yields False if it is not of the tree any more."""
    try:
        process = os.pidfd_open(pid)  # stays this process, even if another one gets its number
    except ProcessLookupError:
        yield False
        return
    try:
        is_stopped = pid in running(root) and _send(process, signal.SIGSTOP)
        try:
            yield is_stopped
        finally:
            if is_stopped and not is_stopped_by_others(pid):
                _send(process, signal.SIGCONT)
    finally:
        os.close(process)


def _send(process: int, number: signal.Signals) -> bool:
    """Send a signal to the process of a descriptor; False if it has ended."""
    try:
        signal.pidfd_send_signal(process, number)
    except ProcessLookupError:
        return False
    return True


def is_stopped_by_others(pid: int) -> bool:
    """Return whether a process that is stopped was sent SIGSTOP once more: to continue it is up to others then.

    The kernel keeps that signal until the process runs, and SIGCONT would take it away.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return fields["State"].startswith("T") and bool(int(fields["ShdPnd"], 16) >> (signal.SIGSTOP - 1) & 1)


def pause_until_it_ends(command: subprocess.Popen[bytes], chance: random.Random) -> int:
    """Stop and continue processes of the command's tree one at a time, and return the command's exit status."""
    while not ended(command, chance.uniform(*BETWEEN)):
        seconds, choice = chance.uniform(*PAUSE), chance.random()
        if not (tree := running(command.pid)):
            continue
        pid = tree[int(choice * len(tree))]
        with paused(pid, command.pid) as is_stopped:
            if is_stopped:
                print(f"pausing: {pid} ({name(pid)}) for {seconds:.2f} s", file=sys.stderr, flush=True)
                ended(command, seconds)
    return command.wait()


def ended(command: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for the end of the command for so long."""
    try:
        command.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def name(pid: int) -> str:
    """Return the name of a process as the kernel has it, made printable."""
    try:
        return ascii(Path(f"/proc/{pid}/comm").read_text(errors="replace").strip())[1:-1]
    except (FileNotFoundError, ProcessLookupError):
        return "ended"


def leave(number: int, _: FrameType | None) -> None:
    """End by an exception, so that what is stopped is continued on the way out."""
    sys.exit(128 + number)


def main() -> int:
    """Run the command of the arguments, and return its exit status."""
    parser = argparse.ArgumentParser(description="Run a command and pause random processes of it.")
    parser.add_argument("--seed", type=int, default=os.getpid(), help="of the lengths and the choices")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("a command is missing")
    print(f"pausing: --seed {arguments.seed}", file=sys.stderr, flush=True)
    for number in ENDINGS:
        signal.signal(number, leave)
    command = subprocess.Popen(arguments.command)
    try:
        chance = random.Random(arguments.seed)  # noqa: S311 - the same choices each time
        status = pause_until_it_ends(command, chance)
    finally:
        if command.poll() is None:
            command.terminate()
            command.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
