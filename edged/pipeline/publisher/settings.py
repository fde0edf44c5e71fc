"""Settings of the publisher, and the queue for a slow subscriber that follows from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edged.board import Board
from edged.pipeline.loading.keyring import Keyring

if TYPE_CHECKING:
    from edged.config import Endpoint

__all__ = ["PublisherSettings"]

MESSAGE_BYTES = 8192  # a header and a vector of 1280 float32, roughly: what the kernel's buffer is sized by


@dataclass(frozen=True, slots=True)
class PublisherSettings:
    """Settings of the publisher.

    ``messages_per_second`` is the highest rate expected; two seconds of it are kept for a slow subscriber.
    ``read_keys`` reads the key files, at the start and at each reload. With ``slow_when_hot`` frame rates are halved
    while the *board* is hot.
    """

    node: str
    endpoints: Sequence[Endpoint]
    messages_per_second: float
    config_hash: str
    max_connections: int
    read_keys: Callable[[], Keyring] = Keyring
    slow_when_hot: bool = False
    board: Board = field(default_factory=Board)

    @property
    def queue(self) -> int:
        """The count of messages that are kept for a slow subscriber."""
        return max(16, round(2 * self.messages_per_second))

    @property
    def queue_bytes(self) -> int:
        """The bytes that are kept for it in the kernel."""
        return self.queue * MESSAGE_BYTES // 2
