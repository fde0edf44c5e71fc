"""Items that are begun in an order, ended in any, and given out in the order in which they were begun."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

__all__ = ["InOrder"]

T = TypeVar("T")


class InOrder(Generic[T]):
    """The order of the frames of one region, which several workers embed at a time. The caller has a lock for it."""

    def __init__(self) -> None:
        self._begun = 0
        self._given = 0
        self._ended: dict[int, T] = {}

    def begin(self) -> int:
        """Return the number of an item that is begun now."""
        self._begun += 1
        return self._begun - 1

    def end(self, number: int, item: T) -> Iterator[T]:
        """Note the end of *item*, and yield all that have ended and that no earlier one is missing for."""
        self._ended[number] = item
        while self._given in self._ended:
            yield self._ended.pop(self._given)
            self._given += 1
