"""Names that a job is changing, which no other job may change at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edged.errors import ControlError

__all__ = ["Claims"]


class Claims:
    """The names of references and sets of states that are being changed. Only the control stage's thread uses it."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def check(self, name: str) -> None:
        """Raise ControlError if a job is at *name*."""
        if name in self._names:
            raise ControlError("busy", f"{name} is being enrolled or forgotten at this moment")

    @contextmanager
    def changing(self, name: str) -> Iterator[None]:
        """Inside, no other job gets *name*.

        Raises:
            ControlError: one has it.
        """
        self.check(name)
        self._names.add(name)
        try:
            yield
        finally:
            self._names.discard(name)
