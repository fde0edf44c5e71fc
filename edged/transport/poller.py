"""Descriptors that one thread serves, as one descriptor to poll."""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Protocol, TypeAlias

__all__ = ["Handler", "Poller"]

MOST_AT_ONCE = 32  # the kernel reports the others first at the next call


class HasDescriptor(Protocol):
    def fileno(self) -> int: ...


Handler: TypeAlias = Callable[[int], None]
"""Gets the events, as of ``select.epoll``."""


class Poller:
    """Calls a handler for each descriptor with an event. It is itself a descriptor to poll for reading."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}

    def fileno(self) -> int:
        """Return the descriptor that can be read when `serve` has something to do."""
        return self._epoll.fileno()

    def add(self, what: HasDescriptor, events: int, handler: Handler) -> None:
        """Call *handler* whenever one of *events* happens to *what*."""
        self._epoll.register(what.fileno(), events)
        self._handlers[what.fileno()] = handler

    def change(self, what: HasDescriptor, events: int) -> None:
        """Wait for other *events* of *what*."""
        self._epoll.modify(what.fileno(), events)

    def remove(self, what: HasDescriptor) -> None:
        """Forget *what*; before it is closed."""
        if self._handlers.pop(what.fileno(), None) is not None:
            self._epoll.unregister(what.fileno())

    def serve(self) -> None:
        """Call the handlers of descriptors with an event, or of some of them; never waits."""
        for number, events in self._epoll.poll(0, MOST_AT_ONCE):
            if (handler := self._handlers.get(number)) is not None:  # else it was removed by one before it
                handler(events)

    def close(self) -> None:
        """Forget everything. Twice is fine."""
        self._handlers.clear()
        self._epoll.close()
