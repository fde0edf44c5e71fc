"""One endpoint of the publisher: the port there, and what the log reports of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edged.transport.curve import Curve
from edged.transport.poller import Poller
from edged.transport.pub.peers import Peers
from edged.transport.pub.port import Port

if TYPE_CHECKING:
    from edged.config import Endpoint

__all__ = ["PubSocket"]

log = logging.getLogger(__name__)


class PubSocket(Port):
    """The `Port` at *endpoint*.

    Raises:
        PublishError: the endpoint cannot be bound, mostly because another program has it.
    """

    def __init__(
        self, endpoint: Endpoint, *, peers: Peers, poller: Poller, curve: Curve | None, queue_bytes: int
    ) -> None:
        self.endpoint = endpoint
        self._problem: str | None = None
        super().__init__(
            endpoint.mode, endpoint.address, peers=peers, poller=poller, curve=curve, queue_bytes=queue_bytes
        )
        log.info("publishing: %s %s%s", endpoint.mode, self.address, ", with keys" if curve else "")
        self._warn_of_clear_text()

    @property
    def in_clear(self) -> bool:
        """Whether others on the network can read the messages."""
        return self.curve is None and not self.endpoint.is_local

    def attend(self) -> None:
        """Do what `Port.attend` does, and log why a hub refuses the connection."""
        super().attend()
        if self.problem != self._problem:
            self._problem = self.problem
            level = logging.WARNING if self.problem else logging.INFO
            log.log(level, "%s: %s", self.endpoint, self.problem or "connected")

    def secure(self, curve: Curve | None) -> None:
        """Use *curve* from now on, as `Port.secure` does."""
        super().secure(curve)
        log.info("%s: every connection was cut, to go on with the keys of now", self.address)
        self._warn_of_clear_text()

    def _warn_of_clear_text(self) -> None:
        if self.in_clear:
            log.warning("%s is in clear text: everybody on the network can read along", self.address)
