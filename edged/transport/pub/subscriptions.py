"""Topic prefixes of one peer, as far as they are allowed."""

from __future__ import annotations

from collections.abc import Iterable

from edged.errors import PeerError

__all__ = ["MAX_SUBSCRIPTIONS", "Subscriptions", "narrowed"]

MAX_SUBSCRIPTIONS = 1000  # of one peer


def narrowed(prefix: bytes, allowed: Iterable[bytes] | None) -> list[bytes]:
    """Return prefixes of the topics that begin with *prefix* and with any of *allowed*; None allows all."""
    if allowed is None:
        return [prefix]
    return [max(prefix, each, key=len) for each in allowed if prefix.startswith(each) or each.startswith(prefix)]


class Subscriptions:
    """Subscriptions of one peer. A prefix counts once, however often it is subscribed to, as in libzmq."""

    def __init__(self) -> None:
        self._asked: set[bytes] = set()
        self._allowed: tuple[bytes, ...] | None = None
        self._effective: tuple[bytes, ...] | None = ()

    def __len__(self) -> int:
        return len(self._asked)

    def add(self, prefix: bytes) -> list[bytes]:
        """Subscribe to *prefix*, and return the allowed part of it.

        Raises:
            PeerError: it has too many.
        """
        if prefix not in self._asked:
            if len(self._asked) == MAX_SUBSCRIPTIONS:
                raise PeerError("subscriptions", f"it has more than {MAX_SUBSCRIPTIONS} subscriptions")
            self._asked.add(prefix)
            self._effective = None
        return narrowed(prefix, self._allowed)

    def remove(self, prefix: bytes) -> None:
        """Cancel *prefix*; nothing happens if it was never subscribed to."""
        if prefix in self._asked:
            self._asked.remove(prefix)
            self._effective = None

    def allow(self, prefixes: tuple[bytes, ...] | None) -> None:
        """Allow only topics that begin with one of *prefixes* from now on; None: all topics."""
        self._allowed = prefixes
        self._effective = None

    @property
    def effective(self) -> tuple[bytes, ...]:
        """A message is for this peer if its topic begins with one of these."""
        if self._effective is None:
            self._effective = tuple({each for prefix in self._asked for each in narrowed(prefix, self._allowed)})
        return self._effective
