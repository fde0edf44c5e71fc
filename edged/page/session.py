"""One tab that is connected: what it sends, what waits for it, and what it asks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from edged.errors import ControlError, WireError
from edged.page.arrivals import Arrivals
from edged.page.gate import Role
from edged.page.outbox import TextQueue
from edged.page.protocol import Ack, Ask, LookRequest, picture_frame, read_message, write_message
from edged.page.viewers import Viewer
from edged.page.websocket import CloseCode, WebSocket

__all__ = ["Answer", "ViewerSession"]

log = logging.getLogger(__name__)

MOST_REQUESTS = 8  # of one tab at a time
MESSAGES_A_SECOND = 200  # a tab that sends more waits
BATCH = 16_384  # bytes of texts that newer ones replace, sent at a time: half a second at 256 kbit/s
MOST_AHEAD = 65_536  # bytes of texts that a picture is sent behind

Answer = Callable[["ViewerSession", Ask], Awaitable[dict[str, Any]]]
"""Answers a request with the keys of its reply. Raises ControlError."""


class ViewerSession:
    """A tab with the rights of *role*: *answer* answers its requests; *on_look* is called when it looks elsewhere."""

    def __init__(self, role: Role, websocket: WebSocket, answer: Answer, on_look: Callable[[], None]) -> None:
        self.role = role
        self.viewer = Viewer()
        self._websocket = websocket
        self._answer = answer
        self._on_look = on_look
        self._outbox = TextQueue()
        self._arrivals = Arrivals()
        websocket.on_pong = self._take_pong
        self._bell = asyncio.Event()
        self._dropped = asyncio.Event()
        self._requests: set[asyncio.Task[None]] = set()

    def put(self, text: str, replaces: str | None = None) -> None:
        """Let *text* wait to be sent; see `TextQueue.put`."""
        self._outbox.put(text, replaces)
        self._bell.set()

    def drop(self, reason: str) -> None:
        """End the connection, because the tab breaks a rule."""
        log.info("a viewer is dropped: %s", reason)
        self._dropped.set()

    def wake(self) -> None:
        """Look for something to send: a picture waits."""
        self._bell.set()

    async def run(self) -> None:
        """Receive and send until the tab is closed, breaks a rule, or takes nothing for too long."""
        tasks: set[asyncio.Task[Any]] = {
            asyncio.create_task(self._receive()),
            asyncio.create_task(self._send()),
            asyncio.create_task(self._dropped.wait()),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            tasks |= self._requests
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._websocket.close()
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, OSError):
                raise error

    async def _receive(self) -> None:
        loop = asyncio.get_running_loop()
        allowed_at = loop.time()
        while (text := await self._websocket.receive()) is not None:
            try:
                await self._take(text)
            except WireError as exc:
                await self._websocket.close(
                    CloseCode.POLICY_VIOLATION, str(exc).encode()[:120].decode("utf-8", "ignore")
                )
                return
            allowed_at = max(allowed_at, loop.time() - 1.0) + 1 / MESSAGES_A_SECOND
            await asyncio.sleep(max(0.0, allowed_at - loop.time()))

    async def _take(self, text: str) -> None:
        match read_message(text):
            case LookRequest() as look:
                self.viewer.look(look)
                self._on_look()
            case Ack(number=number):
                self.viewer.acknowledge(number)
                self._bell.set()
            case Ask() as ask if len(self._requests) >= MOST_REQUESTS:
                self._refuse(ask, ControlError("busy", f"this tab has {MOST_REQUESTS} requests under way"))
            case Ask() as ask:
                task = asyncio.create_task(self._reply(ask))
                self._requests.add(task)
                task.add_done_callback(self._requests.discard)

    async def _reply(self, ask: Ask) -> None:
        try:
            result = await self._answer(self, ask)
        except ControlError as exc:
            self._refuse(ask, exc)
        else:
            self.put(write_message("reply", id=ask.id, ok=True, result=result))

    def _refuse(self, ask: Ask, error: ControlError) -> None:
        content = {"code": error.code, "text": str(error)}
        if (yaml := getattr(error, "yaml", None)) is not None:
            content["yaml"] = yaml
        self.put(write_message("reply", id=ask.id, ok=False, error=content))

    async def _send(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            if self._outbox.is_full:
                await self._websocket.close(CloseCode.TRY_AGAIN_LATER, "too much waits for you")
                return
            await self._send_texts()
            await self._send_picture()

    async def _send_texts(self) -> None:
        """Send what is sent in order, and of the rest a batch if the one before has arrived: newer ones replace it."""
        is_behind = self._arrivals.under_way > 0
        sent = 0
        while text := self._outbox.take() or (None if is_behind or sent > BATCH else self._outbox.take_newest()):
            self._arrivals.note_sent(text)
            sent += len(text)
            await self._websocket.send(text)
        if sent:
            await self._websocket.ping(self._arrivals.mark())

    async def _send_picture(self) -> None:
        """Send the next picture, unless it would wait so long behind texts that it were late."""
        if self._arrivals.under_way > MOST_AHEAD or (taken := self.viewer.take(time.monotonic())) is None:
            return
        number, picture = taken
        age_ms = max(0, (time.monotonic_ns() // 1000 - picture.t_cap_us) // 1000)
        header = {"number": number, **picture.facts, "age_ms": age_ms}
        await self._websocket.send(picture_frame(header, picture.body))
        self._bell.set()  # texts may have come meanwhile

    def _take_pong(self, content: bytes) -> None:
        self._arrivals.take_pong(content)
        self._bell.set()
