"""A process that adds, relabels and removes examples as fast as it can, and another that kills it: is the rest whole?

``python -m tests.enrolling_examples FOLDER ROUNDS`` kills it *ROUNDS* times at random moments, and after each compares
the folder with what was promised: every change that was told as done, and of the one that was under way either nothing
or all. It prints how many changes there were.
"""

from __future__ import annotations

import os
import random
import sys
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edged.enrolled import EnrolledExample, ExampleStore
from tests.killing import Told, told_until_killed

STATES = ("empty", "truck", "blocked")
MADE_BY = "8a1f/1"
VECTORS = np.random.default_rng(1).standard_normal((5, 1280)).astype(np.float32)
MOST = 20  # examples; then one is removed

Promised = dict[int, str]
"""The state of each example, by the number of its picture."""


def example(state: str = "empty", number: int = 1, set_name: str = "bay") -> EnrolledExample:
    """An example as it is before it is added."""
    return EnrolledExample(
        id="",
        number=0,
        set=set_name,
        state=state,
        camera="dock",
        region="bay",
        places=("dock/bay",),
        rotation=90,
        decode="full",
        t_wall_us=number,
    )


def picture(number: int) -> bytes:
    """What stands for the PNG of that number."""
    return b"%d." % number * 20_000


def vectors(number: int) -> NDArray[np.float32]:
    """Five vectors of 1280 numbers."""
    return np.roll(VECTORS, number, axis=1)


def change_for_ever(folder: Path, first: int, told: int) -> None:
    """Change examples, and tell of each change on the descriptor *told* that it begins and that it is done."""
    store = ExampleStore(folder)
    there = {each.t_wall_us: each for each in store.load()}
    for number in range(first, first + 1_000_000):
        change = random.choice(("add", "relabel", "remove", "vectors")) if len(there) < MOST else "remove"
        if change == "add" or not there:
            change, chosen = "add", number
        else:
            chosen = random.choice(list(there))
        state = random.choice(STATES)
        if change in ("remove", "vectors"):
            state = "-" if change == "remove" else there[chosen].state
        line = f"{chosen} {state}\n"
        os.write(told, f"begin {line}".encode())
        if change == "add":
            there[chosen] = store.add(example(state, chosen), picture(chosen), vectors(chosen), MADE_BY)
        elif change == "remove":
            store.remove([there.pop(chosen).id])
        elif change == "relabel":
            there[chosen] = store.relabel(there[chosen].id, state)
        else:
            store.keep_vectors(there[chosen], vectors(chosen), MADE_BY)
        os.write(told, f"done {line}".encode())


def compare(folder: Path, promised: Promised, told: str) -> tuple[Promised, int]:
    """What the folder holds, and how many changes were *told* as done; fails if one of these is missing."""
    store, lines = ExampleStore(folder), Told.of(told, promised)
    there = {each.t_wall_us: each for each in store.load()}
    found = {number: example.state for number, example in there.items()}
    lines.check(found)
    for number, kept in there.items():
        assert store.picture_of(kept) == picture(number)
        assert store.vectors_of(kept, MADE_BY) is not None
    return found, lines.done


def main(folder: Path, rounds: int) -> None:
    promised: Promised = {}
    changes = 0
    for number in range(rounds):
        first = 1 + number * 1000
        told = told_until_killed(partial(change_for_ever, folder, first))
        promised, done = compare(folder, promised, told)
        changes += done
    leftovers = len(list(folder.iterdir()))
    ExampleStore(folder).remove(["nobody"])  # the first change after a kill tidies up
    left = sorted(file.name for file in folder.iterdir())
    assert len(left) == 3 * len(promised) + 1, left
    print(f"{changes} changes, {rounds} kills, {leftovers - len(left)} leftovers swept")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
