"""The publish socket of the daemon, read by a thread of its own and handed to the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress

from edged.client import Subscriber
from edged.wire import Message

__all__ = ["MessageFeed"]

log = logging.getLogger(__name__)

MOST_WAITING = 2000
JOIN_SECONDS = 5.0


class MessageFeed:
    """Calls *take* in the event loop with each message that *subscriber* receives, until it is closed.

    When the loop is busy, messages wait; of more than ``MOST_WAITING`` the oldest are dropped.
    """

    def __init__(self, subscriber: Subscriber, take: Callable[[Message], None]) -> None:
        self._subscriber = subscriber
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Message] = deque(maxlen=MOST_WAITING)
        self._is_due = False
        self._thread = threading.Thread(target=self._receive, name="page-feed", daemon=True)

    @property
    def troubles(self) -> Mapping[str, str]:
        """By endpoint, why no messages come; see `Subscriber.troubles`."""
        return self._subscriber.troubles

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread and the subscription."""
        self._subscriber.close()
        self._thread.join(JOIN_SECONDS)

    def _receive(self) -> None:
        for message in self._subscriber:
            self._waiting.append(message)
            if not self._is_due:  # after the append: what is appended while it is due is handed over with the rest
                self._is_due = True
                with suppress(RuntimeError):  # the loop has ended
                    self._loop.call_soon_threadsafe(self._hand_over)

    def _hand_over(self) -> None:
        self._is_due = False
        while self._waiting:
            self._take(self._waiting.popleft())
