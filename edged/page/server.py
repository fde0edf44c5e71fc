"""The page as a program: puts its parts together and runs them until it is to end."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from edged import __version__
from edged.client import Subscriber
from edged.errors import ControlError
from edged.page.connections import PageConnection, PageConnections
from edged.page.daemon import DaemonLink
from edged.page.feed import MessageFeed
from edged.page.gate import AccessGate, Role
from edged.page.http import PageResponse, Request, text_response
from edged.page.live import Live
from edged.page.operations import Operations, config_file
from edged.page.passwords import SECONDS_EACH, Hash, Passwords
from edged.page.previews import Previews, fetch
from edged.page.protocol import LONGEST_MESSAGE, MOST_CAMERAS, MOST_FPS, MOST_WIDTH, write_message
from edged.page.routes import CheckPassword, OpenWebSocket, Route, Routes, SendPicture
from edged.page.session import ViewerSession
from edged.page.static_files import StaticFiles
from edged.page.viewers import Picture, PictureStream
from edged.page.websocket import CloseCode, WebSocket

__all__ = ["PageServer", "PageSettings"]

log = logging.getLogger(__name__)

MOST_VIEWERS = 16
STATUS_SECONDS = 2.0
TICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class PageSettings:
    """What the page is started with.

    ``idle_seconds``: it ends so long after its last viewer; None: it does not. ``frame_ancestors`` are the sites that
    may show it in a frame of theirs.
    """

    gate: AccessGate
    control: Sequence[str]
    subscribe: Callable[[str], Subscriber] = field(repr=False)
    passwords: Mapping[Role, Hash] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    idle_seconds: float | None = None
    frame_ancestors: str = "'none'"


class PageServer:
    """Serves the page on *listeners*. It belongs to one event loop."""

    def __init__(self, settings: PageSettings, listeners: list[socket.socket]) -> None:
        self._settings = settings
        self._live = Live()
        self._daemon = DaemonLink(settings.control, self._note_presence)
        self._previews = Previews(self._daemon, self._live.viewers, self._offer, self._note_missing)
        self._operations = Operations(self._daemon, self._live, self._ask_status_soon)
        self._passwords = Passwords(settings.passwords) if settings.passwords else None
        self._routes = Routes(settings.gate, StaticFiles(), with_passwords=self._passwords is not None)
        self._usual = _usual_fields(settings)
        self._connections = PageConnections(listeners, settings.tls, self._serve, self._usual)
        self._status_due = asyncio.Event()
        self._feed: MessageFeed | None = None
        self._fed_by = ""
        self._last_viewer = time.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until *stop*, or until nobody has looked for ``idle_seconds``."""
        tasks = [
            asyncio.create_task(work) for work in (self._daemon.run(), self._connections.run(), self._poll_status())
        ]
        ends = [asyncio.create_task(work) for work in (stop.wait(), self._tick())]
        try:
            done, _ = await asyncio.wait({*tasks, *ends}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (*tasks, *ends):
                task.cancel()
            self._previews.close()
            await self._connections.close()
            await asyncio.gather(*tasks, *ends, return_exceptions=True)
            if self._feed is not None:
                self._feed.close()

    async def _serve(self, connection: PageConnection, request: Request) -> None:
        route = self._routes.route(request, connection.local, time.time())
        if isinstance(route, CheckPassword):
            route = await self._check_password(route, request, connection.peer)
        match route:
            case OpenWebSocket(role=role):
                await self._open(connection, role)
            case SendPicture(camera=camera, width=width):
                await connection.respond(await self._picture(camera, width), self._usual)
            case PageResponse():
                await connection.respond(route, self._usual)

    async def _check_password(self, route: CheckPassword, request: Request, peer: str) -> Route:
        assert self._passwords is not None, "there is no such route without passwords"
        try:
            role = await self._passwords.role_of(route.login, peer)
        except TimeoutError:
            fields = {"Retry-After": str(round(SECONDS_EACH))}
            return text_response(HTTPStatus.TOO_MANY_REQUESTS, "too many wrong passwords; try again later", fields)
        if role is None:
            log.warning("a wrong password from %s", peer)
        return self._routes.grant(request, role, time.time())

    async def _open(self, connection: PageConnection, role: Role) -> None:
        websocket = WebSocket(connection.reader, connection.writer)
        if not await websocket.accept(connection.head):
            return
        if len(self._live.sessions) >= MOST_VIEWERS:
            await websocket.close(CloseCode.TRY_AGAIN_LATER, f"{MOST_VIEWERS} tabs look at this page already")
            return
        connection.is_viewer = True
        session = ViewerSession(role, websocket, self._operations.answer, self._previews.review)
        session.put(self._hello(session))
        self._live.join(session)
        log.info("a viewer from %s (%s): %d now", connection.peer, role, len(self._live.sessions))
        self._ask_status_soon()
        try:
            await session.run()
        finally:
            self._live.leave(session)
            self._last_viewer = time.monotonic()
            self._previews.review()
            log.info("a viewer from %s has left: %d now", connection.peer, len(self._live.sessions))

    async def _picture(self, camera: str, width: int) -> PageResponse:
        try:
            picture = await fetch(self._daemon, PictureStream(camera, None, width))
        except ControlError as exc:
            status = HTTPStatus.NOT_FOUND if exc.code == "not-found" else HTTPStatus.SERVICE_UNAVAILABLE
            return text_response(status, str(exc))
        return PageResponse(HTTPStatus.OK, picture.body, "image/jpeg")

    def _offer(self, stream: PictureStream, picture: Picture) -> None:
        for session in self._live.sessions:
            session.viewer.offer(stream, picture)
            session.wake()

    def _note_missing(self, stream: PictureStream, error: ControlError) -> None:
        text = write_message("no-picture", camera=stream.camera, region=stream.region, code=error.code, text=str(error))
        for session in self._live.sessions:
            if stream in session.viewer.streams:
                session.put(text, f"no-picture:{stream}")

    async def _poll_status(self) -> None:
        while True:
            self._status_due.clear()
            if self._live.sessions and self._daemon.trouble is None:
                await self._take_status()
            try:
                async with asyncio.timeout(STATUS_SECONDS):
                    await self._status_due.wait()
            except TimeoutError:
                pass

    async def _take_status(self) -> None:
        was_known = self._live.status is not None
        try:
            reply = await self._daemon.ask("status")
        except ControlError as exc:
            log.debug("no status: %s", exc)
            return
        self._live.take_status(reply.result)
        if not was_known:
            for session in self._live.sessions:
                session.put(self._hello(session))  # goes before what is repeated
                self._live.repeat(session)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            for session in list(self._live.sessions):
                if session.viewer.is_late(now):
                    session.drop("it has not acknowledged a picture for 10 s")
            self._previews.review()
            if self._live.sessions:
                self._last_viewer = now
            idle = self._settings.idle_seconds
            if idle is not None and now - self._last_viewer >= idle:
                log.info("nobody has looked for %g s: the page ends", idle)
                return

    def _note_presence(self) -> None:
        self._live.take_presence(self._daemon.trouble)
        if self._daemon.trouble is None:
            self._follow(self._daemon.address)
            self._ask_status_soon()

    def _follow(self, address: str) -> None:
        """Take the messages of the daemon at *address*, where it was found; another one may run there than before."""
        if self._feed is not None and self._fed_by == address:
            return
        if self._feed is not None:
            asyncio.get_running_loop().run_in_executor(None, self._feed.close)  # waits for its thread
        self._feed, self._fed_by = MessageFeed(self._settings.subscribe(address), self._live.take), address
        self._feed.start()

    def _ask_status_soon(self) -> None:
        self._status_due.set()

    def _hello(self, session: ViewerSession) -> str:
        status: Mapping[str, Any] = self._live.status or {}
        config = config_file(status)
        return write_message(
            "hello",
            role=session.role,
            version=__version__,
            node=status.get("node"),
            daemon=self._daemon.trouble is None,
            writable=config is not None and _is_writable(config),
            limits={
                "cameras": MOST_CAMERAS,
                "fps": MOST_FPS,
                "width": MOST_WIDTH,
                "message_bytes": LONGEST_MESSAGE,
                "viewers": MOST_VIEWERS,
            },
        )


def _is_writable(file: Path) -> bool:
    return os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)


def _usual_fields(settings: PageSettings) -> dict[str, str]:
    return {
        "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {settings.frame_ancestors}",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
