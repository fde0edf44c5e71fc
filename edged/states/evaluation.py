"""Judgements of labelled pictures by a set of states, and the light of pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edged.values import UNKNOWN, StateAnswer
from edged.vision.pixels.grey_square import grey_square

__all__ = ["LIGHTS", "Judged", "Light", "confusion", "light_of", "suspects"]

Light = Literal["daylight", "dark", "infrared"]
LIGHTS: tuple[Light, ...] = ("daylight", "dark", "infrared")

DARK_LEVEL = 50.0  # the mean of grey levels
GREY_LEVELS = 4.0  # between the largest and the smallest colour of a pixel, on average
SURE = 0.95
SIDE = 32  # pixels


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled picture and the answer about it.

    ``label`` is the state that a person gave it, ``answer`` a state or `UNKNOWN`, and ``guess`` the state of the
    largest probability ``p``.
    """

    name: str
    label: str
    answer: str
    guess: str
    p: float
    light: Light

    @classmethod
    def of(cls, name: str, label: str, answer: StateAnswer, light: Light) -> Judged:
        """Return the judgement that *answer* makes."""
        guess, p = max(answer.p, key=lambda pair: pair[1])
        return cls(name, label, answer.state, guess, p, light)

    @property
    def is_answered(self) -> bool:
        """Whether the answer is a state."""
        return self.answer != UNKNOWN

    @property
    def is_wrong(self) -> bool:
        """Whether the answer is another state than the label; `UNKNOWN` is not wrong."""
        return self.is_answered and self.answer != self.label


def confusion(judged: Iterable[Judged]) -> Counter[tuple[str, str]]:
    """Return how many pictures of each label got each answer: ``{(label, answer): count}``."""
    return Counter((each.label, each.answer) for each in judged)


def suspects(judged: Iterable[Judged]) -> Sequence[Judged]:
    """Return the pictures whose labels may be wrong, the likeliest first: the set is sure of another state."""
    return sorted((each for each in judged if each.guess != each.label and each.p >= SURE), key=lambda each: -each.p)


def light_of(picture: NDArray[np.uint8]) -> Light:
    """Return the light in which *picture* was taken, RGB of shape ``(height, width, 3)``.

    A camera's infrared picture has no colours.
    """
    rows, columns = (np.linspace(0, size - 1, SIDE).astype(int) for size in picture.shape[:2])
    some = picture[np.ix_(rows, columns)].astype(np.int16)
    if float((some.max(axis=2) - some.min(axis=2)).mean()) < GREY_LEVELS:
        return "infrared"
    return "dark" if float(grey_square(picture, SIDE).mean()) < DARK_LEVEL else "daylight"
