"""The head of a set of states: learned from examples, it turns a vector into probabilities and a novelty."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edged.states.dual import DualProblem, row_weights, softmax
from edged.states.example import LENGTH, Example, unit_rows
from edged.values import UNKNOWN

__all__ = [
    "MOST_EXAMPLES",
    "MOST_STATES",
    "SMALLEST_UNIT",
    "StateHead",
    "TrainingSet",
    "distance",
    "problem_of_states",
    "train",
]

MOST_STATES = 8
MOST_EXAMPLES = 400
"""The most examples of one set of states."""

NOVELTY_QUANTILE = 0.98
SMALLEST_UNIT = 0.25  # of novelty, where all examples are one picture: a cosine of 0.9995

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class StateHead:
    """A linear classifier of vectors of one embedding space. It never changes, and any thread may use it.

    Attributes:
        states: the names of the states, 2 to 8.
        space_id: the embedding space of the examples.
        rows: of shape ``(states + examples, dimension)``: first the weights of each state, for vectors of length 1, and
            then the examples' own vectors, of length 1.
        bias: of shape ``(states,)``.
        unit: the distance between vectors of length 8 that makes a novelty of 1.
        keys: which examples it was learned from, in the order of their rows.
    """

    states: tuple[str, ...]
    space_id: str
    rows: Floats
    bias: Floats
    unit: float
    keys: tuple[str, ...]

    @property
    def biases(self) -> list[float]:
        """The bias as numbers of Python."""
        numbers: list[float] = self.bias.tolist()
        return numbers

    @property
    def dimension(self) -> int:
        """The numbers of a vector."""
        return int(self.rows.shape[1])

    def probabilities(self, vector: NDArray[Any]) -> Floats:
        """Return the probability of each state for *vector*, of shape ``(dimension,)`` and any length but zero."""
        shares: Floats = self.all_probabilities(vector[np.newaxis])[0]
        return shares

    def all_probabilities(self, vectors: NDArray[Any]) -> Floats:
        """Return the probabilities for many *vectors*, one each row: of shape ``(vectors, states)``."""
        weights = self.rows[: len(self.states)] / np.float32(LENGTH)
        return softmax(unit_rows(vectors) @ weights.T + self.bias)

    def novelty(self, vector: NDArray[Any]) -> float:
        """Return the distance of *vector* from the nearest example, in units of what is usual between examples."""
        cosines = self.rows[len(self.states) :] @ unit_rows(vector[np.newaxis])[0] / np.float32(LENGTH)
        return distance(float(cosines.max())) / self.unit


def distance(cosine: float) -> float:
    """Return the distance of two vectors of the length 8 that have this *cosine*."""
    return LENGTH * math.sqrt(max(0.0, 2 - 2 * cosine))


class TrainingSet:
    """Examples as rows for learning, with their Gram matrix, and the solution for all of them.

    It takes much memory (22 MiB at 200 examples of 1280 numbers) and is to be dropped after use.

    Raises:
        ValueError: there are too many examples, a state is unknown or has none, or the vectors differ in size.
    """

    def __init__(self, examples: Sequence[Example], states: tuple[str, ...]) -> None:
        _check(examples, states)
        self.examples, self.states = tuple(examples), states
        self.rows = np.concatenate([unit_rows(example.vectors) for example in examples])
        self.mean = self.rows.mean(axis=0)
        self.rows -= self.mean
        counts = [len(example.vectors) for example in examples]
        numbers = [states.index(example.state) for example in examples]
        self.labels = np.repeat(np.array(numbers, np.intp), counts)
        self.starts = np.cumsum([0, *counts[:-1]])
        self.problem = DualProblem(self.rows @ self.rows.T, self.labels, len(states))
        self.solution = self.problem.solve(row_weights(self.labels, len(states)))

    def rows_of(self, example: int) -> range:
        """Return the numbers of the rows of the example of that number."""
        start = int(self.starts[example])
        return range(start, start + len(self.examples[example].vectors))

    def head(self, space_id: str) -> StateHead:
        """Return the head that all examples make."""
        solution = self.solution
        weights = solution.coefficients.T @ self.rows
        bias = solution.bias - weights @ self.mean
        if len(self.states) == 2:
            weights, bias = np.pad(weights, ((1, 0), (0, 0))), np.pad(bias, (1, 0))
        own = (self.rows[self.starts] + self.mean) / np.float32(LENGTH)
        rows = np.concatenate([weights * np.float32(LENGTH), own])
        keys = tuple(example.key for example in self.examples)
        return StateHead(self.states, space_id, rows, bias, _novelty_unit(own), keys)


def train(examples: Sequence[Example], states: tuple[str, ...], space_id: str = "") -> StateHead:
    """Return the head that *examples*, whose vectors are of the space *space_id*, make for *states*.

    Raises:
        ValueError: there are too many examples, a state is unknown or has none, or the vectors differ in size.
    """
    return TrainingSet(examples, states).head(space_id)


def problem_of_states(states: Sequence[str]) -> str | None:
    """Return why *states* cannot be the states of a set; None if they can."""
    if not 2 <= len(states) <= MOST_STATES or len(set(states)) < len(states):
        return f"must have 2 to {MOST_STATES} different states (got {', '.join(states)})"
    return f"{UNKNOWN} is no state: it stands for answers that are not sure" if UNKNOWN in states else None


def _check(examples: Sequence[Example], states: tuple[str, ...]) -> None:
    if problem := problem_of_states(states):
        raise ValueError(problem)
    if len(examples) > MOST_EXAMPLES:
        raise ValueError(f"must have at most {MOST_EXAMPLES} examples (got {len(examples)})")
    counts = Counter(example.state for example in examples)
    if unknown := sorted(counts.keys() - set(states)):
        raise ValueError(f"must have the states {', '.join(states)} (got examples of {', '.join(unknown)})")
    if missing := [state for state in states if not counts[state]]:
        raise ValueError(f"must have at least one example of each state ({', '.join(missing)} without)")
    if len(sizes := {example.vectors.shape[1] for example in examples}) > 1:
        raise ValueError(f"must have vectors of one size (got {', '.join(map(str, sorted(sizes)))})")


def _novelty_unit(own: Floats) -> float:
    """Return the 98 % quantile of the distances from each of the vectors *own*, of length 1, to the nearest other."""
    cosines = own @ own.T
    np.fill_diagonal(cosines, -1.0)
    nearest = [distance(float(cosine)) for cosine in cosines.max(axis=1)]
    return max(float(np.quantile(nearest, NOVELTY_QUANTILE)), SMALLEST_UNIT)
