"""How like the references of one place a vector is: compared with every one of them, the best are told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edged.values import Match
from edged.vision.unit_vectors import Query, UnitRows

if TYPE_CHECKING:
    from edged.references.reference import Reference

__all__ = ["MOST_TOLD", "Scorer"]

MOST_TOLD = 100
FEW = 64  # so many vectors, or more, are worth a matrix product of their own


class Scorer:
    """Compares vectors with *references*, of which it tells the best *top_k*. One thread uses it.

    Every vector of every reference is compared, in a few matrix products, and nothing is guessed. Once it is made it
    makes no array larger than what it tells.
    """

    def __init__(self, references: Sequence[Reference], top_k: int = MOST_TOLD) -> None:
        parts = list(_parts(references))
        self._references = [reference for members, _ in parts for reference in members]
        counts = [len(reference.vectors) for reference in self._references]
        self._starts = np.cumsum([0, *counts[:-1]]) if counts else np.zeros(0, np.intp)
        self._spans = [(start, start + count) for start, count in zip(self._starts.tolist(), counts, strict=True)]
        self._scores = np.zeros(sum(counts), np.float32)
        self._best = np.zeros(len(counts), np.float32)
        self._largest = _Largest(max(len(self._scores), len(self._best)))
        self.top_k = top_k
        """How many of the `matches` are told; what comes after these is for events only."""
        self._rows: list[tuple[UnitRows, NDArray[np.float32]]] = []
        for _, rows in parts:
            start = sum(len(each) for each, _ in self._rows)
            self._rows.append((rows, self._scores[start : start + len(rows)]))
        self._pointer = Query(parts[0][1].size if parts else 0)
        self._watched = [index for index, reference in enumerate(self._references) if reference.makes_events]

    @property
    def size(self) -> int:
        """How many are compared: each vector of a reference with ``top_k``, and any other reference as one."""
        return sum(1 if each.top_k is None else len(each.vectors) for each in self._references)

    def matches(self, vector: NDArray[np.float32] | NDArray[np.int8]) -> tuple[Match, ...]:
        """The cosine of *vector* to the best `top_k` references, -1…1, best first; equal ones in the order of names.

        The best score of each other reference that makes events follows.
        """
        if not self._references:
            return ()
        if self._pointer.point(vector):
            for rows, scores in self._rows:
                self._pointer.cosines(rows, scores)
        else:
            self._scores.fill(0)
        np.maximum.reduceat(self._scores, self._starts, out=self._best)
        found: list[Match] = []
        for index in self._largest(self._best, self.top_k):
            found += self._of(index)
        best = sorted(found, key=_rank)[: self.top_k]
        return (*best, *sorted(self._watched_besides(best), key=_rank))

    def _watched_besides(self, best: Sequence[Match]) -> Iterator[Match]:
        told = {match.reference for match in best} if self._watched else set()
        for index in self._watched:
            name = self._references[index].name
            if name not in told:
                yield Match(name, float(self._best[index]))

    def _of(self, index: int) -> Iterable[Match]:
        """What is told of a reference: the best of its vectors, with their labels."""
        reference, (start, stop) = self._references[index], self._spans[index]
        labels = reference.labels
        scores = self._scores[start:stop]
        if reference.top_k is None:
            yield Match(reference.name, float(self._best[index]), labels[int(scores.argmax())] if labels else None)
            return
        best = self._largest(scores, min(reference.top_k, self.top_k))
        found = (Match(reference.name, float(scores[each]), labels[each] if labels else None) for each in best)
        yield from sorted(found, key=_rank)[: reference.top_k]


class _Largest:
    """Finds the largest few of many numbers, in memory that is made once for *count* of them."""

    def __init__(self, count: int) -> None:
        self._sorted = np.zeros(count, np.float32)
        self._is_large = np.zeros(count, np.bool_)

    def __call__(self, numbers: NDArray[np.float32], few: int) -> Sequence[int]:
        """Where the largest *few* of *numbers* are, in no order, and all that are equal to the least of these."""
        count = len(numbers)
        if few >= count:
            return range(count)
        numbers_sorted, is_large = self._sorted[:count], self._is_large[:count]
        np.copyto(numbers_sorted, numbers)
        numbers_sorted.partition(count - few)
        np.greater_equal(numbers, numbers_sorted[count - few], out=is_large)
        where: list[int] = np.flatnonzero(is_large).tolist()
        return where


def _rank(match: Match) -> tuple[float, str, str]:
    return -match.similarity, match.reference, match.label or ""


def _parts(references: Sequence[Reference]) -> Iterator[tuple[list[Reference], UnitRows]]:
    """*references* in parts, each with its vectors in one piece.

    Those that lie side by side in memory stay where they are. Single ones, such as what is enrolled, are copied
    together.
    """
    loose = [(each, UnitRows.of(each.vectors)) for each in references if not isinstance(each.vectors, UnitRows)]
    kept = [(each, each.vectors) for each in references if isinstance(each.vectors, UnitRows)]
    few: list[tuple[Reference, UnitRows]] = loose
    for run in _runs(kept):
        if sum(len(rows) for _, rows in run) < FEW:
            few += run
        else:
            yield [each for each, _ in run], UnitRows.joined([rows for _, rows in run])
    for _, alike in groupby(sorted(few, key=_dtype), _dtype):
        members = list(alike)
        yield [each for each, _ in members], UnitRows.joined([rows for _, rows in members])


def _runs(kept: Sequence[tuple[Reference, UnitRows]]) -> Iterator[list[tuple[Reference, UnitRows]]]:
    run: list[tuple[Reference, UnitRows]] = []
    for reference, rows in sorted(kept, key=lambda each: each[1].address):
        if run and not run[-1][1].is_before(rows):
            yield run
            run = []
        run.append((reference, rows))
    if run:
        yield run


def _dtype(part: tuple[Reference, UnitRows]) -> str:
    return part[1].dtype
