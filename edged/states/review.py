"""The review queue: the frames that a head was least sure of, kept until a person answers them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from edged.values import UNKNOWN, StateAnswer

__all__ = ["APART_SECONDS", "MOST_ENTRIES", "Review", "ReviewEntry", "guess_of"]

MOST_ENTRIES = 50
APART_SECONDS = 60.0

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True, eq=False)
class ReviewEntry(Generic[Kept]):
    """A frame to be answered: ``what`` is kept of it, and the ``guess`` with its probability ``p``."""

    what: Kept
    guess: str
    p: float
    t_us: int


class Review(Generic[Kept]):
    """At most *most* frames of one set, at least *apart_seconds* from each other; one thread uses it.

    What is kept is balanced over the guesses: a full queue gives up the surest entry of the guess that it has most of.
    So a rare state is asked for as well.
    """

    def __init__(
        self,
        most: int = MOST_ENTRIES,
        apart_seconds: float = APART_SECONDS,
        entries: Iterable[ReviewEntry[Kept]] = (),
    ) -> None:
        self._most, self._apart_us = most, round(apart_seconds * 1e6)
        self._entries = list(entries)

    @property
    def entries(self) -> tuple[ReviewEntry[Kept], ...]:
        """Those to be answered, the least sure first."""
        return tuple(sorted(self._entries, key=lambda entry: entry.p))

    def wants(self, answer: StateAnswer, t_us: int) -> bool:
        """Whether the frame of *answer*, captured at *t_us*, would be kept: to be asked before its picture is made."""
        guess, p = guess_of(answer)
        near = [entry for entry in self._entries if abs(entry.t_us - t_us) < self._apart_us]
        if near:
            return all(p < entry.p for entry in near)
        return p < self.below(guess)

    def below(self, guess: str) -> float:
        """Return the probability below which a frame of that guess is wanted, if it is apart from all others."""
        if len(self._entries) < self._most:
            return math.inf
        given_up = self._given_up(guess)
        return given_up.p if given_up.guess == guess else math.inf

    def add(self, what: Kept, answer: StateAnswer, t_us: int) -> tuple[ReviewEntry[Kept], ...]:
        """Keep *what* of a frame that is wanted. Returns the entries that were given up for it."""
        guess, p = guess_of(answer)
        gone = [entry for entry in self._entries if abs(entry.t_us - t_us) < self._apart_us]
        if not gone and len(self._entries) >= self._most:
            gone = [self._given_up(guess)]
        self._entries = [entry for entry in self._entries if entry not in gone]
        self._entries.append(ReviewEntry(what, guess, p, t_us))
        return tuple(gone)

    def _given_up(self, newcomer: str) -> ReviewEntry[Kept]:
        """Return the entry that would go for one with the guess *newcomer*."""
        counts = Counter(entry.guess for entry in self._entries)
        counts[newcomer] += 1
        most = max(counts[entry.guess] for entry in self._entries)
        return max((entry for entry in self._entries if counts[entry.guess] == most), key=lambda entry: entry.p)


def guess_of(answer: StateAnswer) -> tuple[str, float]:
    """Return the most probable state, also where the answer is `UNKNOWN`."""
    return max(((state, p) for state, p in answer.p if state != UNKNOWN), key=lambda pair: pair[1])
