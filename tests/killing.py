"""A process that is killed at a random moment of its work."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

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


@dataclass(frozen=True)
class Told:
    """Lines ``begin NUMBER STATE`` and ``done NUMBER STATE`` of a process that was killed, as what may be there now.

    ``done`` counts the changes. "-" is the state of what is not there.
    """

    expected: dict[int, str]
    under_way: dict[int, str] = field(default_factory=dict)
    done: int = 0

    @classmethod
    def of(cls, lines: str, before: Mapping[int, str]) -> Self:
        """Return what *lines* make of what was there *before*."""
        expected, under_way, done = dict(before), dict[int, str](), 0
        for line in lines.splitlines():
            word, number, state = line.split()
            under_way = {int(number): state} if word == "begin" else {}
            if word == "done":
                expected[int(number)] = state
                done += 1
        return cls(expected, under_way, done)

    def check(self, found: Mapping[int, str]) -> None:
        """Fail if something is missing or there that should not be; the change under way may be done or not."""
        for number in self.expected.keys() | self.under_way.keys() | found.keys():
            before, is_there = self.expected.get(number, "-"), found.get(number, "-")
            assert is_there in {before, self.under_way.get(number, before)}, (number, is_there, before, self.under_way)
