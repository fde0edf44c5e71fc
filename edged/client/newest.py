"""Messages that wait for a program that wants the newest of each subject only."""

from __future__ import annotations

from collections import OrderedDict

from edged.client.delivery import Delivery
from edged.wire import State

__all__ = ["NewestDeliveries"]

MAX_SUBJECTS = 1000  # that may wait,
MAX_BYTES = 64 << 20  # and bytes of their messages


class NewestDeliveries:
    """The newest delivery of each subject, in the order in which the subjects began to wait.

    A subject is a topic; of `State`, where sets share a topic, it is a set.

    Attributes:
        superseded: the number of deliveries that a newer one of their subject has replaced.
        size: bytes of those that wait.
    """

    def __init__(self) -> None:
        self.superseded = 0
        self.size = 0
        self._by_subject: OrderedDict[tuple[bytes, str], Delivery] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_subject)

    @property
    def is_full(self) -> bool:
        """Whether one has to be taken before the next is put."""
        return len(self) >= MAX_SUBJECTS or self.size >= MAX_BYTES

    def put(self, delivery: Delivery) -> None:
        """Let *delivery* wait, in the place of the one of its subject that waits, so that none starves."""
        message = delivery.message
        subject = delivery.frames[0], message.set if isinstance(message, State) else ""
        if (before := self._by_subject.get(subject)) is not None:
            self.superseded += 1
            self.size -= before.size
        self.size += delivery.size
        self._by_subject[subject] = delivery

    def take(self) -> Delivery | None:
        """Return the one whose subject has waited for longest, which waits no longer; None if none waits."""
        if not self._by_subject:
            return None
        _, delivery = self._by_subject.popitem(last=False)
        self.size -= delivery.size
        return delivery
