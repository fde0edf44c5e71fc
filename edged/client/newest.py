"""Messages that wait for a program that wants the newest of each topic only."""

from __future__ import annotations

from collections import OrderedDict

from edged.client.delivery import Delivery

__all__ = ["NewestDeliveries"]

MAX_TOPICS = 1000  # that may wait,
MAX_BYTES = 64 << 20  # and bytes of their messages


class NewestDeliveries:
    """The newest delivery of each topic, in the order in which the topics began to wait.

    Attributes:
        superseded: the number of deliveries that a newer one of their topic has replaced.
        size: bytes of those that wait.
    """

    def __init__(self) -> None:
        self.superseded = 0
        self.size = 0
        self._by_topic: OrderedDict[bytes, Delivery] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_topic)

    @property
    def is_full(self) -> bool:
        """Whether one has to be taken before the next is put."""
        return len(self) >= MAX_TOPICS or self.size >= MAX_BYTES

    def put(self, delivery: Delivery) -> None:
        """Let *delivery* wait, in the place of the one of its topic that waits, so that no topic starves."""
        topic = delivery.frames[0]
        if (before := self._by_topic.get(topic)) is not None:
            self.superseded += 1
            self.size -= before.size
        self.size += delivery.size
        self._by_topic[topic] = delivery

    def take(self) -> Delivery | None:
        """Return the one whose topic has waited for longest, which waits no longer; None if none waits."""
        if not self._by_topic:
            return None
        _, delivery = self._by_topic.popitem(last=False)
        self.size -= delivery.size
        return delivery
