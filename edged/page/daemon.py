"""The daemon as the page sees it: there or not, and requests to its control socket, many at once."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from reprlib import repr as short
from typing import Any

from edged.client.control import find_daemon
from edged.client.control_link import ControlLink
from edged.errors import ControlError, EdgedError, WireError
from edged.wire import control as wire

__all__ = ["DaemonLink", "Reply"]

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
REPLY_SECONDS = 60.0
LONG_SECONDS = 630.0  # a picture is kept, a set is learned: see `ControlClient`
LONG_OPS = frozenset({"enroll", "forget", "relabel", "states", "answer", "reload"})


@dataclass(frozen=True, slots=True)
class Reply:
    """The result of a request as the daemon has written it, and its pictures."""

    result: Mapping[str, Any]
    pictures: Sequence[bytes] = field(default=(), repr=False)


class DaemonLink:
    """Finds the daemon at one of *addresses*, and again when it comes back. It belongs to one event loop.

    *on_change* is called whenever it comes or goes.

    Attributes:
        trouble: why there is no daemon; None while there is one.
        address: where it was found last; empty before that.
    """

    def __init__(self, addresses: Sequence[str], on_change: Callable[[], None]) -> None:
        self.trouble: str | None = "the daemon is not found yet"
        self.address = ""
        self._addresses = addresses
        self._on_change = on_change
        self._numbers = itertools.count(1)
        self._asked: dict[str, asyncio.Future[Reply]] = {}
        self._link: ControlLink | None = None
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Connect, and connect again after each loss, until it is cancelled."""
        while True:
            try:
                # A probe connects to a file on this machine, which takes no time worth a thread.
                address = find_daemon(self._addresses)
            except EdgedError as exc:
                self._report(str(exc))
            else:
                await self._serve(address)
            await asyncio.sleep(RETRY_SECONDS)

    async def ask(self, op: str, /, **rest: Any) -> Reply:
        """Return the reply to a request; *rest* may be any keys that a browser sent.

        Raises:
            ControlError: it was refused, before it was sent or by the daemon; or there is no daemon.
        """
        request_id = f"page-{next(self._numbers)}"
        request = wire.Envelope(request_id, op, rest).request()
        text = wire.write_request(request, request_id)
        if len(text) > wire.most_request_bytes(op):
            raise ControlError("malformed", f"{op}: must be at most {wire.most_request_bytes(op)} bytes")
        if self._link is None or self.trouble is not None:
            raise ControlError("no-daemon", self.trouble or "the daemon is not found yet")
        if not self._link.send(text):
            raise ControlError("busy", "too many requests wait for the daemon")
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asked[request_id] = future
        asyncio.get_running_loop().call_soon(self._read)
        seconds = LONG_SECONDS if op in LONG_OPS else REPLY_SECONDS
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            raise ControlError("no-answer", f"the daemon did not answer within {seconds:g} s") from None
        finally:
            self._asked.pop(request_id, None)

    async def _serve(self, address: str) -> None:
        loop = asyncio.get_running_loop()
        link = self._link = ControlLink(address)
        self._wake.clear()
        for descriptor in link.descriptors:
            loop.add_reader(descriptor, self._read)
        try:
            self._read()
            await self._wake.wait()
        finally:
            for descriptor in link.descriptors:
                loop.remove_reader(descriptor)
            link.close()
            self._link = None
            self._report("the daemon has ended, or closed the connection")
            self._refuse_all()

    def _read(self) -> None:
        link = self._link
        if link is None:
            return
        for frames in link.read():
            self._answer(frames)
        if link.is_open and self.trouble is not None and not link.is_lost:
            self.address = link.address
            self._report(None)
        if link.is_lost:
            self._wake.set()

    def _answer(self, frames: list[bytes]) -> None:
        try:
            request_id, content = wire.read_content(frames)
        except WireError as exc:
            log.warning("the daemon sent a reply that is not one: %s", short(str(exc)))
            return
        future = self._asked.get(request_id or "")
        if future is None or future.done():
            return
        if isinstance(content, ControlError):
            future.set_exception(content)
        else:
            future.set_result(Reply(content, frames[1:]))

    def _report(self, trouble: str | None) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            log.info("%s", trouble or f"connected to the daemon at {self.address}")
            self._on_change()

    def _refuse_all(self) -> None:
        for future in self._asked.values():
            if not future.done():
                future.set_exception(ControlError("no-daemon", self.trouble or ""))
