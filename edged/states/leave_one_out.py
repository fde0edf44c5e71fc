"""Examples judged by a head that was learned from all the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edged.states.dual import class_shares, row_weights
from edged.states.head import TrainingSet

__all__ = ["LeftOut", "leave_one_out"]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An example, and the ``guess`` of a head that was learned without it and its variants.

    ``p`` is the probability that this head gives to the example's own ``state``.
    """

    key: str
    state: str
    guess: str
    p: float

    @property
    def is_wrong(self) -> bool:
        """Whether the guess is another state."""
        return self.guess != self.state


def leave_one_out(training: TrainingSet) -> Iterator[LeftOut]:
    """Yield a judgement of each example, one after the other; the last example of its state cannot be judged.

    Each head starts from that of all examples, and all use one Gram matrix. A caller may stop in between.
    """
    count, labels = len(training.states), training.labels
    start = training.solution
    named = [example.state for example in training.examples]
    for number, example in enumerate(training.examples):
        if named.count(example.state) == 1:
            continue
        rows = training.rows_of(number)
        solution = training.problem.solve(row_weights(labels, count, rows), start)
        shares = class_shares(solution.scores[rows.start]).tolist()
        guess = shares.index(max(shares))
        yield LeftOut(example.key, example.state, training.states[guess], shares[training.states.index(example.state)])
