"""The loop over random cases: it counts how they went, keeps those that are findings, and looks for what grows."""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from scripts.soaking.vitals import vitals

__all__ = ["SLACK", "Finding", "Target", "check_text", "in_time", "quiet_libraries", "run"]

SLACK = 5.0  # seconds that a call may take beyond its limit: other programs run too
LONGEST_TEXT = 1000
MOST_MEMORY = 64 << 20
SETTLED_AFTER = 200  # cases: until then caches and buffers fill

C = TypeVar("C")


class Finding(Exception):  # noqa: N818 - it is what these programs look for
    """A case that is not withstood."""


class Target(Protocol[C]):
    """What is attacked."""

    suffix: str
    """Of the file of a case."""
    wanted: tuple[str, ...]
    """Outcomes that a campaign must have: without them it does not test what it seems to."""

    def make(self, chance: random.Random) -> C:
        """Return a case; the same *chance* gives the same one."""
        ...

    def run(self, case: C) -> str:
        """Run *case*, and return how that went, in one word.

        Raises:
            Finding: it went as it must not.
        """
        ...

    def to_bytes(self, case: C) -> bytes:
        """Return *case* as the content of a file."""
        ...

    def settle(self) -> None:
        """End what the cases so far have begun.

        Raises:
            Finding: something of it stays.
        """
        ...


def run(prog: str, doc: str, target: Target[C]) -> int:
    """Run cases until the time is up, by the arguments of the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog=prog, description=doc.partition("\n")[0])
    parser.add_argument("seconds", nargs="?", type=float, default=30.0, help="how long to look (%(default)g)")
    parser.add_argument("--seed", type=int, default=1, help="of the cases (%(default)d)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first case (%(default)d)")
    parser.add_argument("--save", type=Path, help="a folder for the cases that are findings")
    options = parser.parse_args()
    return _campaign(target, options.seconds, options.seed, options.first, options.save)


def check_text(text: str, secret: str | None = None) -> None:
    """Check a text for people that may hold bytes from outside.

    Raises:
        Finding: it is long or not printable, or holds *secret*.
    """
    if not text.isprintable() or len(text) > LONGEST_TEXT:
        raise Finding(f"a text of {len(text)} characters: {text!r:.300}")
    if secret is not None and secret in text:
        raise Finding(f"a text with the password: {text!r:.300}")


@contextmanager
def in_time(call: str, seconds: float) -> Iterator[None]:
    """Raise a finding where the body takes longer than *seconds* and `SLACK`."""
    begin = time.monotonic()
    yield
    took = time.monotonic() - begin
    if took > seconds + SLACK:
        raise Finding(f"{call} takes {took:.1f} s")


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Drop what C libraries write about damage to the standard error; a traceback of Python is still written."""
    kept, stderr = os.dup(2), sys.stderr
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
    try:
        with os.fdopen(kept, "w", closefd=False) as sys.stderr:
            yield
    finally:
        sys.stderr = stderr
        os.dup2(kept, 2)
        os.close(kept)


def _campaign(target: Target[C], seconds: float, seed: int, first: int, save: Path | None) -> int:
    outcomes, findings, number, until = Counter[str](), 0, first, time.monotonic() + seconds
    before = None
    while time.monotonic() < until:
        case = target.make(random.Random(f"{seed}/{number}"))  # noqa: S311 - the same number gives the same case
        try:
            outcomes[target.run(case)] += 1
        except Finding as finding:
            findings += 1
            print(f"case {number} of seed {seed}: {finding}", flush=True)
            if save is not None:
                save.mkdir(exist_ok=True)
                (save / f"{seed}-{number}{target.suffix}").write_bytes(target.to_bytes(case))
        number += 1
        if number == first + SETTLED_AFTER:
            findings += _settle(target)
            before = vitals(os.getpid(), 0.0)
    findings += _settle(target)
    print(f"{number - first} cases of seed {seed}: {dict(outcomes)}, {findings} findings", flush=True)
    if before is not None:
        after = vitals(os.getpid(), 0.0)
        left, grown = after.fds - before.fds, after.own - before.own
        print(f"{grown / 1e6:+.1f} MB, {left:+d} descriptors")
        findings += left > 2 or grown > MOST_MEMORY
    missing = [outcome for outcome in target.wanted if not outcomes[outcome]]
    if missing:
        print(f"no case had the outcome {', '.join(missing)}")
    return int(findings > 0 or bool(missing))


def _settle(target: Target[C]) -> int:
    try:
        target.settle()
    except Finding as finding:
        print(f"after the cases so far: {finding}", flush=True)
        return 1
    return 0
