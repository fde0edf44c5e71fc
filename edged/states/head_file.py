"""A head as bytes, so that a start need not learn it again.

A line of JSON says what it is, and the numbers follow. Nothing in it is trusted: what the line claims must be what the
bytes hold, before anything is allocated.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import numpy as np

from edged.states.example import LENGTH
from edged.states.head import MOST_EXAMPLES, MOST_STATES, SMALLEST_UNIT, StateHead, problem_of_states
from edged.values import NAME_PATTERN

__all__ = ["LONGEST", "dump", "load"]

VERSION = 1
MOST_DIMENSION = 1 << 14
LONGEST_LINE = 1 << 16
LARGEST = 1e6  # of the numbers; learned ones stay below 200
LONGEST = LONGEST_LINE + 4 * MOST_DIMENSION * (MOST_EXAMPLES + MOST_STATES)
"""The most bytes of a head; a file of more need not be read."""


def dump(head: StateHead) -> bytes:
    """Return *head* as bytes: some 5 KiB for each example of 1280 numbers."""
    numbers = head.rows.astype("<f4").tobytes() + head.bias.astype("<f4").tobytes()
    line = {
        "v": VERSION,
        "states": head.states,
        "space_id": head.space_id,
        "dimension": head.dimension,
        "unit": head.unit,
        "keys": head.keys,
        "sha256": hashlib.sha256(numbers).hexdigest(),
    }
    return json.dumps(line).encode() + b"\n" + numbers


def load(content: bytes) -> StateHead:
    """Return the head that `dump` made *content* of.

    Raises:
        ValueError: it is another kind of file, of another version, or not whole.
    """
    try:
        return _parse(content[:LONGEST])
    except (KeyError, TypeError, RecursionError, ValueError) as exc:
        raise ValueError(f"is not a head, or is damaged: {exc}") from exc


def _parse(content: bytes) -> StateHead:
    line, _, numbers = content.partition(b"\n")
    if len(line) > LONGEST_LINE:
        raise ValueError("its first line is too long")
    described = json.loads(line)
    states, keys, dimension, unit, space_id = _checked(described)
    if hashlib.sha256(numbers).hexdigest() != described["sha256"]:
        raise ValueError("it is not whole")
    split = (len(states) + len(keys)) * dimension
    if len(numbers) != 4 * (split + len(states)):
        raise ValueError("it has more numbers than it claims, or fewer")
    values = np.frombuffer(numbers, "<f4").astype(np.float32, copy=False)
    if not -LARGEST <= values.min() <= values.max() <= LARGEST:  # nor is it true of what is no number
        raise ValueError("it has numbers that no head has")
    return StateHead(states, space_id, values[:split].reshape(-1, dimension), values[split:], unit, keys)


def _checked(line: Any) -> tuple[tuple[str, ...], tuple[str, ...], int, float, str]:
    """Return the states, keys, dimension, unit and space of *line*, which may be anything that JSON can be."""
    if not isinstance(line, dict) or line["v"] != VERSION:
        raise ValueError(f"it is not of version {VERSION}")
    states, keys = _texts(line["states"], MOST_STATES), _texts(line["keys"], MOST_EXAMPLES)
    dimension, unit, space_id = line["dimension"], line["unit"], line["space_id"]
    if problem_of_states(states) or not all(re.fullmatch(NAME_PATTERN, state, re.ASCII) for state in states):
        raise ValueError("the states are not those of a set")
    if len(keys) < len(states):
        raise ValueError("a state has no example")
    if type(dimension) is not int or not 0 < dimension <= MOST_DIMENSION:
        raise ValueError(f"the dimension is no number from 1 to {MOST_DIMENSION}")
    if type(unit) is not float or not SMALLEST_UNIT <= unit <= 2 * LENGTH or not isinstance(space_id, str):
        raise ValueError("the unit or the space is wrong")
    return states, keys, dimension, unit, space_id


def _texts(value: Any, most: int) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > most or not all(isinstance(text, str) for text in value):
        raise ValueError("the states or keys are no short list of names")
    if len(set(value)) < len(value):
        raise ValueError("a name is there twice")
    return tuple(value)
