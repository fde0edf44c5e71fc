"""Topic prefixes of one peer, as far as they are allowed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import chain, islice, takewhile

from edged.errors import PeerError

__all__ = ["MAX_SUBSCRIPTIONS", "Subscriptions", "narrowed"]

MAX_SUBSCRIPTIONS = 1000  # of one peer


def narrowed(prefix: bytes, allowed: Sequence[bytes] | None) -> tuple[bytes, ...]:
    """Return prefixes of the topics that begin with *prefix* and with any of *allowed*, sorted; None allows all."""
    if allowed is None or prefix.startswith(tuple(allowed)):
        return (prefix,)
    after = islice(allowed, bisect_left(allowed, prefix), None)
    return tuple(takewhile(lambda each: each.startswith(prefix), after))


class Subscriptions:
    """Subscriptions of one peer. A prefix counts once, however often it is subscribed to, as in libzmq.

    A change costs as much as what it changes, and not as much as the lists together: a peer makes hundreds a second.
    """

    def __init__(self) -> None:
        self._asked: dict[bytes, tuple[bytes, ...]] = {}  # and the allowed part of each
        self._allowed: tuple[bytes, ...] | None = None
        self._effective: tuple[bytes, ...] | None = ()

    def __len__(self) -> int:
        return len(self._asked)

    def add(self, prefix: bytes) -> tuple[bytes, ...]:
        """Subscribe to *prefix*, and return the allowed part of it.

        Raises:
            PeerError: it has too many.
        """
        if prefix not in self._asked:
            if len(self._asked) == MAX_SUBSCRIPTIONS:
                raise PeerError("subscriptions", f"it has more than {MAX_SUBSCRIPTIONS} subscriptions")
            self._asked[prefix] = narrowed(prefix, self._allowed)
            self._effective = None
        return self._asked[prefix]

    def remove(self, prefix: bytes) -> None:
        """Cancel *prefix*; nothing happens if it was never subscribed to."""
        if prefix in self._asked:
            del self._asked[prefix]
            self._effective = None

    def allow(self, prefixes: tuple[bytes, ...] | None) -> None:
        """Allow only topics that begin with one of *prefixes* from now on; None: all topics."""
        self._allowed = None if prefixes is None else tuple(sorted(prefixes))
        self._asked = {prefix: narrowed(prefix, self._allowed) for prefix in self._asked}
        self._effective = None

    @property
    def effective(self) -> tuple[bytes, ...]:
        """A message is for this peer if its topic begins with one of these."""
        if self._effective is None:
            self._effective = tuple(set(chain.from_iterable(self._asked.values())))
        return self._effective
