"""Examples made of random numbers, in clusters that overlap as much as a test needs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edged.states import VARIANTS, Example

DIMENSION = 48


class World:
    """Things of some states, as vectors: those of one state are near each other, and more so for less *noise*."""

    def __init__(self, states: Sequence[str], noise: float = 0.3, dimension: int = DIMENSION, seed: int = 1) -> None:
        self.states = tuple(states)
        self._random = np.random.default_rng(seed)
        self._centres = {state: self._random.normal(1, 1, dimension) for state in self.states}
        self._noise = noise
        self._made = 0

    def vector(self, state: str, noise: float | None = None) -> npt.NDArray[np.float32]:
        """A vector of a picture that shows *state*."""
        centre = self._centres[state]
        scatter = self._random.normal(0, self._noise if noise is None else noise, len(centre))
        return (centre + scatter).astype(np.float32)

    def example(self, state: str, rows: int = 1 + VARIANTS) -> Example:
        """An example of *state*, with variants."""
        own = self.vector(state)
        others = [own + self._random.normal(0, 0.1, len(own)).astype(np.float32) for _ in range(rows - 1)]
        self._made += 1
        return Example(state, np.stack([own, *others]), f"example-{self._made}")

    def examples(self, each: int) -> list[Example]:
        """*each* examples of every state."""
        return [self.example(state) for _ in range(each) for state in self.states]
