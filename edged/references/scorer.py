"""The comparison of a vector with all references of one place; the best are reported."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edged.values import ReferenceScore
from edged.vision.unit_vectors import Query, UnitRows

if TYPE_CHECKING:
    from edged.references.reference import Reference, ReferenceGroup

__all__ = ["MOST_REPORTED", "Scorer"]

MOST_REPORTED = 100
FEW = 64  # so many vectors, or more, are worth a matrix product of their own


class Scorer:
    """Compares vectors with the references of *groups*, of which it reports the best *top_k*. One thread uses it.

    The best score of each other reference that makes events, or is in *watched*, follows these.

    Every vector of every reference is compared, in one matrix product for each large group and one for all the small
    ones of a dtype, and nothing is guessed. Large groups are not copied. Once it is made it makes no array larger than
    what it reports.
    """

    def __init__(
        self, groups: Sequence[ReferenceGroup], top_k: int = MOST_REPORTED, watched: Collection[str] = ()
    ) -> None:
        parts = list(_parts(groups))
        self._references = [reference for references, _ in parts for reference in references]
        counts = [reference.count for reference in self._references]
        self._starts = np.cumsum([0, *counts[:-1]]) if counts else np.zeros(0, np.intp)
        self._spans = [(start, start + count) for start, count in zip(self._starts.tolist(), counts, strict=True)]
        self._scores = np.zeros(sum(counts), np.float32)
        self._best = np.zeros(len(counts), np.float32)
        self._largest = _Largest(max(len(self._scores), len(self._best)))
        self.top_k = top_k
        """The number of `matches` that are reported; those after them are for events and states only."""
        self._matrices = list(_with_scores([rows for _, rows in parts], self._scores))
        self._query = Query(parts[0][1].size if parts else 0)
        self._watched = [
            index
            for index, reference in enumerate(self._references)
            if reference.makes_events or reference.name in watched
        ]

    @property
    def size(self) -> int:
        """The number that are compared: each vector of a reference with ``top_k``, and any other reference as one."""
        return sum(1 if each.top_k is None else each.count for each in self._references)

    def matches(self, vector: NDArray[np.float32] | NDArray[np.int8]) -> tuple[ReferenceScore, ...]:
        """Return the best `top_k` references with their cosine to *vector*, -1…1, best first; equal ones by name.

        The best score of each other reference that makes events or is watched follows.
        """
        if not self._references:
            return ()
        if self._query.set_direction(vector):
            for rows, scores in self._matrices:
                self._query.cosines(rows, scores)
        else:
            self._scores.fill(0)
        np.maximum.reduceat(self._scores, self._starts, out=self._best)
        found: list[ReferenceScore] = []
        for index in self._largest(self._best, self.top_k):
            found += self._matches_of(index)
        best = sorted(found, key=_rank)[: self.top_k]
        return (*best, *sorted(self._watched_besides(best), key=_rank))

    def _watched_besides(self, best: Sequence[ReferenceScore]) -> Iterator[ReferenceScore]:
        reported = {match.reference for match in best} if self._watched else set()
        for index in self._watched:
            name = self._references[index].name
            if name not in reported:
                yield ReferenceScore(name, float(self._best[index]))

    def _matches_of(self, index: int) -> Iterable[ReferenceScore]:
        """The best of the vectors of a reference, with their labels."""
        reference, (start, stop) = self._references[index], self._spans[index]
        labels = reference.labels
        scores = self._scores[start:stop]
        if reference.top_k is None:
            yield ReferenceScore(
                reference.name, float(self._best[index]), labels[int(scores.argmax())] if labels else None
            )
            return
        best = self._largest(scores, min(reference.top_k, self.top_k))
        found = (ReferenceScore(reference.name, float(scores[each]), labels[each] if labels else None) for each in best)
        yield from sorted(found, key=_rank)[: reference.top_k]


class _Largest:
    """Finds the largest few of many numbers, in memory that is made once for *count* of them."""

    def __init__(self, count: int) -> None:
        self._sorted = np.zeros(count, np.float32)
        self._is_large = np.zeros(count, np.bool_)

    def __call__(self, numbers: NDArray[np.float32], few: int) -> Sequence[int]:
        """Return the indices of the largest *few* of *numbers*, and of all that equal the least of these, unordered."""
        count = len(numbers)
        if few >= count:
            return range(count)
        numbers_sorted, is_large = self._sorted[:count], self._is_large[:count]
        np.copyto(numbers_sorted, numbers)
        numbers_sorted.partition(count - few)
        np.greater_equal(numbers, numbers_sorted[count - few], out=is_large)
        where: list[int] = np.flatnonzero(is_large).tolist()
        return where


def _rank(match: ReferenceScore) -> tuple[float, str, str]:
    return -match.similarity, match.reference, match.label or ""


def _parts(groups: Sequence[ReferenceGroup]) -> Iterator[tuple[tuple[Reference, ...], UnitRows]]:
    """The matrices to compare with: each large group as it is, and the small ones copied together by their dtype.

    Small ones are, for example, those that were enrolled.
    """
    small: dict[str, list[ReferenceGroup]] = {}
    for group in groups:
        if len(group.rows) < FEW:
            small.setdefault(group.rows.dtype, []).append(group)
        else:
            yield group.references, group.rows
    for alike in small.values():
        references = tuple(reference for group in alike for reference in group.references)
        yield references, UnitRows.joined([group.rows for group in alike])


def _with_scores(
    matrices: Sequence[UnitRows], scores: NDArray[np.float32]
) -> Iterator[tuple[UnitRows, NDArray[np.float32]]]:
    """Each of *matrices* with its part of *scores*."""
    start = 0
    for rows in matrices:
        yield rows, scores[start : start + len(rows)]
        start += len(rows)
