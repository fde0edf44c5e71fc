"""The decision whether a new head takes over from an old one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edged.states.example import Example
from edged.states.head import StateHead

__all__ = ["errors", "objection"]


def errors(head: StateHead, examples: Sequence[Example]) -> int:
    """Return how many of *examples*, by their own pictures, *head* takes for another state than theirs."""
    if not examples:
        return 0
    guesses = head.all_probabilities(np.stack([example.vectors[0] for example in examples])).argmax(axis=1)
    return sum(head.states[guess] != example.state for guess, example in zip(guesses, examples, strict=True))


def objection(new: StateHead, old: StateHead | None, earlier: Sequence[Example]) -> str | None:
    """Return why *new* must not take over from *old*; None if it may.

    *earlier* are the examples that *old* was learned from and that are still there, as they are labelled now: *new* may
    not be wrong about more of them. Newer examples do not count, because these may be harder.
    """
    if old is None or old.space_id != new.space_id or not set(old.states) <= set(new.states):
        return None
    before, after = errors(old, earlier), errors(new, earlier)
    if after <= before:
        return None
    return (
        f"the head with the new examples would be wrong about {after} of the {len(earlier)} earlier examples, and the "
        f"one in use is wrong about {before}"
    )
