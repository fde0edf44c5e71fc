"""Many descriptors that one thread serves, as one that it can wait for."""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Protocol, TypeAlias

__all__ = ["Handler", "Poller"]

MOST_AT_ONCE = 32  # the kernel goes round: whoever does not get a turn now gets one before those that did


class HasDescriptor(Protocol):
    def fileno(self) -> int: ...


Handler: TypeAlias = Callable[[int], None]
"""Called with the events of ``select.epoll`` that happened."""


class Poller:
    """Calls a handler for each descriptor that something happened to. It is itself a descriptor to poll for reading."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}

    def fileno(self) -> int:
        """The descriptor that can be read when `serve` has something to do."""
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
        """Call the handlers of those that something happened to, or of some of them; never waits."""
        for number, events in self._epoll.poll(0, MOST_AT_ONCE):
            if (handler := self._handlers.get(number)) is not None:  # else it was removed by one before it
                handler(events)

    def close(self) -> None:
        """Forget everything. Twice is fine."""
        self._handlers.clear()
        self._epoll.close()
