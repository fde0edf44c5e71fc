"""Ways to decide between two states by the vectors of a few examples of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edged.states import Example, StateHead, train
from edged.states.group import SHARPNESS

__all__ = ["Chosen", "Rule", "difference_rule", "examples_of", "group_rule", "head_of", "head_rule", "threshold_rule"]

Vectors = npt.NDArray[np.float32]
Probabilities = npt.NDArray[np.float64]

Rule = Callable[[Vectors], Probabilities]
"""Returns the probability of the second state for each of some vectors; a rule without one returns 0 or 1."""

ENTER = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """Examples of a draw: their *numbers* in the pool, their labels, and their vectors with variants.

    ``vectors`` has the shape ``(examples, 1 + variants, dimension)``.
    """

    numbers: Sequence[int]
    vectors: Vectors
    labels: Sequence[int]

    def own(self, label: int) -> Vectors:
        """Return the pictures' own vectors of one state."""
        return self.vectors[[each == label for each in self.labels], 0]


def threshold_rule(chosen: Chosen) -> Rule:
    """The rule of references: the first state, where the best score of its examples is at least 0.9."""
    return lambda vectors: (_best(vectors, chosen.own(0)) < ENTER).astype(np.float64)


def difference_rule(chosen: Chosen) -> Rule:
    """The state whose best example is more like the picture."""
    return lambda vectors: (_best(vectors, chosen.own(1)) > _best(vectors, chosen.own(0))).astype(np.float64)


def group_rule(chosen: Chosen) -> Rule:
    """Grouped references: the softmax of the best scores."""

    def probabilities(vectors: Vectors) -> Probabilities:
        margin = _best(vectors, chosen.own(1)) - _best(vectors, chosen.own(0))
        return np.asarray(1 / (1 + np.exp(-SHARPNESS * margin)), np.float64)

    return probabilities


def head_of(chosen: Chosen, states: tuple[str, str]) -> StateHead:
    """Return the head that the examples make."""
    return train(examples_of(chosen, states), states)


def examples_of(chosen: Chosen, states: tuple[str, str], times: int = 1) -> list[Example]:
    """Return the examples, all of them so many *times*."""
    pairs = [*zip(chosen.vectors, chosen.labels, strict=True)] * times
    return [Example(states[label], vectors, str(key)) for key, (vectors, label) in enumerate(pairs)]


def head_rule(chosen: Chosen, states: tuple[str, str]) -> Rule:
    """The head of edged."""
    head = head_of(chosen, states)
    return lambda vectors: head.all_probabilities(vectors)[:, 1].astype(np.float64)


def _best(vectors: Vectors, examples: Vectors) -> npt.NDArray[np.float64]:
    """Return the best cosine of each of *vectors* to one of *examples*."""
    one, other = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (vectors, examples))
    return np.asarray((one @ other.T).max(axis=1), np.float64)
