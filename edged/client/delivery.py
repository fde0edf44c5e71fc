"""A message as it came."""

from __future__ import annotations

from typing import NamedTuple

from edged.wire import Frames, Message

__all__ = ["Delivery"]


class Delivery(NamedTuple):
    """A message and the three frames that it came as."""

    message: Message
    frames: Frames

    @property
    def size(self) -> int:
        """Bytes of the frames."""
        return sum(map(len, self.frames))
