"""A process that keeps, answers and removes pictures to review, and another that kills it: is the rest whole?

``python -m tests.enrolling_reviews FOLDER ROUNDS`` is like `tests.enrolling_examples`.
"""

from __future__ import annotations

import os
import random
import sys
from functools import partial
from pathlib import Path

from edged.enrolled import ReviewPicture, ReviewStore
from tests.enrolling_examples import STATES, picture
from tests.killing import Told, told_until_killed

MOST = 20  # pictures; then one is removed
OPEN = "none"  # of a picture without an answer, in what is told

Promised = dict[int, str]
"""The answer of each picture, by its number."""


def unsure(number: int = 1, set_name: str = "bay") -> ReviewPicture:
    """A picture as it is before it is added."""
    return ReviewPicture(
        id="",
        set=set_name,
        guess="truck",
        p=0.51,
        camera="dock",
        region="bay",
        rotation=90,
        decode="full",
        t_wall_us=number,
        width=4,
        height=3,
    )


def change_for_ever(folder: Path, first: int, told: int) -> None:
    """Change pictures, and tell of each change on the descriptor *told* that it begins and that it is done."""
    store = ReviewStore(folder)
    there = {each.t_wall_us: each for each in store.load()}
    for number in range(first, first + 1_000_000):
        change = (
            random.choice(("add", "answer", "remove")) if 0 < len(there) < MOST else "add" if not there else "remove"
        )
        chosen = number if change == "add" else random.choice(list(there))
        state = {"add": OPEN, "remove": "-", "answer": random.choice(STATES)}[change]
        line = f"{chosen} {state}\n"
        os.write(told, f"begin {line}".encode())
        if change == "add":
            there[chosen] = store.add(unsure(chosen), picture(chosen))
        elif change == "remove":
            store.remove([there.pop(chosen)])
        else:
            there[chosen] = store.answer(there[chosen], state)
        os.write(told, f"done {line}".encode())


def compare(folder: Path, promised: Promised, told: str) -> tuple[Promised, int]:
    """What the folder holds, and how many changes were *told* as done; fails if one of these is missing."""
    store, lines = ReviewStore(folder), Told.of(told, promised)
    there = {each.t_wall_us: each for each in store.load()}
    found = {number: each.answer or OPEN for number, each in there.items()}
    lines.check(found)
    for number, kept in there.items():
        assert store.png_of(kept) == picture(number)
    return found, lines.done


def main(folder: Path, rounds: int) -> None:
    promised: Promised = {}
    changes = 0
    for number in range(rounds):
        told = told_until_killed(partial(change_for_ever, folder, 1 + number * 1000))
        promised, done = compare(folder, promised, told)
        changes += done
    leftovers = len(list(folder.iterdir()))
    ReviewStore(folder).sweep()
    left = sorted(file.name for file in folder.iterdir())
    assert len(left) == 2 * len(promised) + 1, left
    print(f"{changes} changes, {rounds} kills, {leftovers - len(left)} leftovers swept")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
