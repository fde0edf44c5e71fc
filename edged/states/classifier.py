"""Sets of states, and the answers that they give for the vectors of one place."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edged.states.group import group_probabilities, softmax_of
from edged.states.head import StateHead, distance, problem_of_states
from edged.values import UNKNOWN, ReferenceScore, StateAnswer

__all__ = ["Classifier", "StateSet"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class StateSet:
    """A set of states, and what tells them apart. It never changes.

    Attributes:
        name: of the set.
        states: 2 to 8 names, in the order in which they are reported; `UNKNOWN` is not one of them.
        head: learned from examples; None where nothing is learned yet.
        references: the reference of each state, where a set groups references; used as long as there is no head.
        unknown_below: an answer whose largest probability is less is `UNKNOWN`.
        min_seconds, unknown_seconds: of its `Decision`.

    Raises:
        ValueError: these are no such states, or the head or the references have others, or another order.
    """

    name: str
    states: tuple[str, ...]
    head: StateHead | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    unknown_below: float = 0.73
    min_seconds: float = 0.5
    unknown_seconds: float = 30.0

    def __post_init__(self) -> None:
        if problem := problem_of_states(self.states):
            raise ValueError(f"{self.name}: {problem}")
        of_head = self.states if self.head is None else self.head.states
        for what, states in (("head", of_head), ("references", tuple(self.references) or self.states)):
            if states != self.states:
                ordered = ", ".join(self.states)
                raise ValueError(f"{self.name}: the {what} must have the states {ordered}, in this order")

    @property
    def is_ready(self) -> bool:
        """Whether it can answer: it has a head, or references."""
        return self.head is not None or bool(self.references)


class Classifier:
    """Answers for the vectors of one place, one of each of *sets* that is ready. One thread uses it.

    Once it is made, it makes no array of more than some hundred bytes.
    """

    def __init__(self, sets: Collection[StateSet]) -> None:
        self.sets = tuple(each for each in sets if each.is_ready)
        self._products = [
            None if each.head is None else np.zeros(len(each.head.rows), np.float32) for each in self.sets
        ]
        sizes = {each.head.dimension for each in self.sets if each.head is not None}
        if len(sizes) > 1:
            raise ValueError(f"The heads of one place must be of one size (got {', '.join(map(str, sorted(sizes)))})")
        self._vector = np.zeros(sizes.pop() if sizes else 0, np.float32)

    def answers(
        self, vector: NDArray[Any], sims: Sequence[ReferenceScore] = (), *, is_blind: bool = False
    ) -> tuple[StateAnswer, ...]:
        """Return the answers for *vector*, float or int8 of any length, whose scores are *sims*.

        While the camera *is_blind* (covered, blurred or dazzled) every answer is `UNKNOWN`.
        """
        if not self.sets:
            return ()
        factor = self._take(vector) if self._vector.size else 0.0
        found = []
        for state_set, products in zip(self.sets, self._products, strict=True):
            novelty = None
            if state_set.head is None or products is None:
                shares = group_probabilities(sims, state_set.references)
            else:
                shares, novelty = self._ask(state_set.head, products, factor)
            found.append(_answer(state_set, shares, novelty, is_blind=is_blind))
        return tuple(found)

    def _take(self, vector: NDArray[Any]) -> float:
        """Copy *vector*, and return the factor that makes its length 1; 0 where there is none."""
        np.copyto(self._vector, vector)
        with np.errstate(over="ignore"):  # numpy 2 warns of it, and infinity is looked for below
            square = float(self._vector.dot(self._vector))
        return 1 / math.sqrt(square) if 0 < square < math.inf else 0.0

    def _ask(
        self, head: StateHead, products: NDArray[np.float32], factor: float
    ) -> tuple[tuple[float, ...], float | None]:
        """Return the probabilities of the states of *head*, and the novelty; all equal for a vector of zeros."""
        count = len(head.states)
        if not factor:
            return (1 / count,) * count, None
        head.rows.dot(self._vector, products)
        scores = [factor * product + bias for product, bias in zip(products[:count].tolist(), head.biases, strict=True)]
        nearest = products.item(count + int(products[count:].argmax()))
        return softmax_of(scores), distance(factor * nearest) / head.unit


def _answer(state_set: StateSet, shares: tuple[float, ...], novelty: float | None, *, is_blind: bool) -> StateAnswer:
    largest = max(shares)
    sure = largest >= state_set.unknown_below and not is_blind
    state = state_set.states[shares.index(largest)] if sure else UNKNOWN
    return StateAnswer(state_set.name, state, tuple(zip(state_set.states, shares, strict=True)), novelty)
