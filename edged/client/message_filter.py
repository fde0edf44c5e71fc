"""Frames that arrive to messages, of which those that are malformed, refused or not selected are skipped."""

from __future__ import annotations

from collections.abc import Mapping

from edged.client.continuity import Continuity
from edged.client.delivery import Delivery
from edged.client.senders import Senders
from edged.errors import WireError
from edged.wire import decode

__all__ = ["MessageFilter"]


class MessageFilter:
    """Decodes messages, skips those that are not wanted, and counts both.

    *parts* are the node, camera and region that a message must have, where they are not None; *senders* knows the nodes
    that a key may send for.

    Attributes:
        malformed: the number of messages that are not of the wire format.
        last_malformed: the error of the last of these.
        continuity: losses and restarts between the messages that were decoded.
    """

    def __init__(self, parts: Mapping[str, str | None], senders: Senders) -> None:
        self.malformed = 0
        self.last_malformed: WireError | None = None
        self.continuity = Continuity()
        self._names = {part: name for part, name in parts.items() if name is not None}
        self._senders = senders

    def decode(self, frames: list[bytes], sender: str | None) -> Delivery | None:
        """Return the message that came as *frames* from the key *sender*, which is None without keys; None: skip it."""
        try:
            message = decode(frames)
        except WireError as error:
            self.malformed += 1
            self.last_malformed = error
            return None
        if sender is not None and not self._senders.may_send(sender, message.node):
            return None
        # ZeroMQ filters by prefix and knows nothing of "this camera on any node".
        if any(getattr(message, part, name) != name for part, name in self._names.items()):
            return None
        topic, header, payload = frames
        self.continuity.count_message(topic, message.run, message.seq)
        return Delivery(message, (topic, header, payload))
