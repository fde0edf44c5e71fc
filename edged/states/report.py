"""Sentences for people about a set of states: how far its examples prove anything, and what to add next."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from edged.states.leave_one_out import LeftOut

__all__ = ["ASKED", "RECOMMENDED", "advice", "bound", "judgement", "summary", "upper_bound"]

ASKED, RECOMMENDED = 3, 5
"""Examples of each state that are asked for, and that are recommended."""

LEAST_FOR_PERCENT = 30
CONFIDENCE = 0.95


def summary(states: Sequence[str], counts: Counter[str], judged: Sequence[LeftOut]) -> str:
    """Return the examples of a set as a sentence: ``5 empty, 5 truck; tested one by one, 0 of 10 wrong: expect …``."""
    examples = ", ".join(f"{counts[state]} {state}" for state in states)
    return f"{examples}; {judgement(judged)}"


def judgement(judged: Sequence[LeftOut]) -> str:
    """Return how many examples were wrong when each was left out, and what that proves at 95 %."""
    if not judged:
        return "nothing is tested yet: a state needs two examples for that"
    wrong = sum(each.is_wrong for each in judged)
    return f"tested one by one, {wrong} of {len(judged)} wrong: {bound(wrong, len(judged))}"


def bound(wrong: int, count: int) -> str:
    """Return the most errors that *wrong* of *count* leave possible at 95 %, in words: never a percentage from few."""
    most = upper_bound(wrong, count)
    if count >= LEAST_FOR_PERCENT:
        return f"expect at most {math.ceil(100 * most)} % wrong in pictures like these (at 95 %)"
    if most > 0.5:
        is_bad = 2 * wrong >= count and upper_bound(0, count) <= 0.5  # more of such examples would prove no more
        return f"that is too {'many' if is_bad else 'little'} to expect anything from"
    return f"expect at most about 1 in {round(1 / most)} wrong in pictures like these (at 95 %)"


def upper_bound(wrong: int, count: int) -> float:
    """Return the share of errors that would show as few as *wrong* in *count* in one of 20 cases (Clopper-Pearson).

    For none that is nearly 3 / count, the rule of three.
    """
    low, high = wrong / count, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if _at_most(wrong, count, middle) > 1 - CONFIDENCE:
            low = middle
        else:
            high = middle
    return high


def _at_most(wrong: int, count: int, share: float) -> float:
    """Return the probability of at most *wrong* in *count*, where each is so with the probability *share*."""
    return sum(math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(wrong + 1))


def advice(states: Sequence[str], counts: Counter[str], judged: Sequence[LeftOut]) -> str | None:
    """Return what to do next: which state needs more examples, and of which kind. None: nothing is obvious."""
    if len(states) < 2:
        return f"add {ASKED} of another state: a set needs two at least"
    rarest = min(states, key=lambda state: counts[state])
    missing = RECOMMENDED - counts[rarest]
    if counts[rarest] < ASKED:
        return f"add {missing} of {rarest}: {ASKED} of each state are needed, and {RECOMMENDED} are better"
    if missing > 0:
        return f"add {missing} of {rarest} that differ: in other light, in another place"
    wrong = Counter(each.state for each in judged if each.is_wrong)
    if wrong:
        worst = max(states, key=lambda state: wrong[state])
        return f"add {RECOMMENDED} of {worst} that differ: in other light, in another place"
    return None
