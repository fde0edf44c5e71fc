"""A process that enrolls and forgets references as fast as it can, and another that kills it: is the rest whole?

``python -m tests.enrolling FOLDER ROUNDS`` kills it *ROUNDS* times at random moments, and after each compares the
folder with what was promised: every change that was told as done, and of the one that was under way either nothing or
all. It prints how many changes there were.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import numpy as np

from edged.enrolled import Enrolled, EnrolledStore
from tests.killing import told_until_killed

NAMES = ("gate", "gate-open", "yard")


def enrolled(name: str, number: int = 1) -> Enrolled:
    """The reference *name*, which differs with its *number*."""
    return Enrolled(
        name=name,
        camera="street",
        region="path",
        places=("street/path",),
        rotation=90,
        decode="full",
        space_id="8a1f",
        vector=np.arange(number, number + 1280, dtype=np.float32),
        t_wall_us=1_700_000_000_000_000 + number,
        frames=5,
        similarity=0.99,
        picture=Path(),
    )


def picture(number: int) -> bytes:
    """What stands for the PNG of that number."""
    return b"%d." % number * 20_000


def change_for_ever(folder: Path, told: int, first: int) -> None:
    """Add and remove, and tell of each change on the descriptor *told* that it begins and that it is done."""
    store = EnrolledStore(folder)
    for number in range(first, first + 1_000_000):
        name = random.choice(NAMES)
        removes = random.random() < 0.2
        line = f"{name} {0 if removes else number}\n"
        os.write(told, f"begin {line}".encode())
        if removes:
            store.remove(name)
        else:
            store.add(enrolled(name, number), picture(number))
        os.write(told, f"done {line}".encode())


def round_of(folder: Path, promised: dict[str, int], first: int) -> tuple[dict[str, int], int]:
    """Let a child change the folder, kill it, and return what is there then and how many changes it had done."""
    return compare(folder, promised, told_until_killed(lambda told: change_for_ever(folder, told, first)))


def compare(folder: Path, promised: dict[str, int], told: str) -> tuple[dict[str, int], int]:
    """What the folder holds, and how many changes were *told* as done; fails if one of these is missing."""
    store, changes = EnrolledStore(folder), 0
    expected, under_way = dict(promised), {}
    for line in told.splitlines():
        word, name, number = line.split()
        under_way = {name: int(number)} if word == "begin" else {}
        if word == "done":
            expected[name] = int(number)
            changes += 1
    there = {each.name: each for each in store.load()}
    for name in NAMES:
        found = 0 if name not in there else int(there[name].vector[0])
        if name in there:
            assert store.picture_of(there[name]) == picture(found)
        assert found in {expected[name], under_way.get(name, expected[name])}, (name, found, expected, under_way)
        expected[name] = found
    return expected, changes


def main(folder: Path, rounds: int) -> None:
    promised: dict[str, int] = dict.fromkeys(NAMES, 0)
    changes = 0
    for number in range(rounds):
        promised, done = round_of(folder, promised, 1 + number * 1000)
        changes += done
    leftovers = len(list(folder.iterdir()))
    EnrolledStore(folder).remove("nobody")  # the first change after a kill tidies up
    references = sum(1 for value in promised.values() if value)
    left = sorted(file.name for file in folder.iterdir())
    assert len(left) == 2 * references + 1, left
    print(f"{changes} changes, {rounds} kills, {leftovers - len(left)} leftovers swept")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
