"""Probabilities of states that are references: of scores alone, with nothing learned."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from edged.values import ReferenceScore

__all__ = ["SHARPNESS", "group_probabilities"]

SHARPNESS = 40.0
"""The factor of scores before the softmax: 0.025 more makes a state e times as probable."""

NOT_REPORTED = -1.0  # the score of a reference that is not among the best: less than all that are


def group_probabilities(sims: Sequence[ReferenceScore], references: Mapping[str, str]) -> tuple[float, ...]:
    """Return the probability of each state in *references*, which maps it to its reference, by the best scores *sims*.

    A reference that is not in *sims* is taken to be like nothing; if none of them is, all are equally probable.
    """
    best: dict[str, float] = {}
    for score in sims:
        best[score.reference] = max(score.similarity, best.get(score.reference, NOT_REPORTED))
    return softmax_of([SHARPNESS * best.get(name, NOT_REPORTED) for name in references.values()])


def softmax_of(scores: Sequence[float]) -> tuple[float, ...]:
    """Return the probabilities of a few *scores*; for so few this is faster than numpy."""
    largest = max(scores)
    powers = [math.exp(score - largest) for score in scores]
    total = sum(powers)
    return tuple(power / total for power in powers)
