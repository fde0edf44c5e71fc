"""A page in a thread, between a control socket and a publisher that do as a test says, and a browser's end of it."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from edged.client import Subscriber
from edged.errors import ControlError
from edged.page.gate import AccessGate, Role
from edged.page.listening import PageAddress, address_of, listen
from edged.page.server import PageServer, PageSettings
from edged.wire import KINDS
from edged.wire import control_requests as requests
from edged.wire import control_results as results
from tests.publishing import Publisher
from tests.scripted_daemon import Reply, ScriptedDaemon

__all__ = ["TOKENS", "Browser", "Page", "Site", "answers", "page", "status_result"]

TOKENS: dict[Role, str] = {"look": "l" * 43, "change": "c" * 43}
JPEG = b"\xff\xd8\xff" + bytes(2000)


def status_result(**other: Any) -> results.StatusResult:
    """The status of a daemon with the camera street and its region path; arguments replace the usual values."""
    usual: dict[str, Any] = {
        "node": "porch",
        "version": "1",
        "pid": 1,
        "uptime_s": 1.0,
        "config": "/etc/edged/edged.yaml",
        "model": "m",
        "space_id": "8a1f",
        "engine": "e",
        "delegate": "none",
        "cameras": (results.CameraReport(name="street", regions=("path",), state="running", reason=None),),
        "references": 0,
        "enrolled": 0,
    }
    return results.StatusResult(**usual | other)


def answers(request: requests.Request) -> Reply:
    """What a daemon answers that has a camera street; its frames are numbered by the clock."""
    match request:
        case requests.GetStatus():
            return status_result()
        case requests.Preview(camera="street", region=region, width=width):
            now = time.monotonic_ns() // 1000
            result = results.PreviewResult(
                camera="street", region=region, frame_seq=now, t_cap_us=now, t_wall_us=now, width=width, height=480,
                frame_width=640, frame_height=480, media_type="image/jpeg" if region is None else "image/png",
            )  # fmt: skip
            return result, [JPEG]
        case requests.ListStates():
            return results.StatesResult(sets=())
        case requests.ListReferences():
            return results.ReferencesResult(references=())
        case requests.Reload():
            return results.ReloadResult(changes=("street: regions",))
        case _:
            return ControlError("not-found", "there is nothing of that name")


class Site:
    """A page as browsers see it: under the name *host*, by connections that *connect* makes."""

    def __init__(self, host: str, connect: Callable[[], socket.socket]) -> None:
        self.host = host
        self.connect = connect

    def get(self, path: str, method: str = "GET", **fields: str) -> tuple[int, dict[str, str], bytes]:
        """The status, fields (with small letters) and body of the response to a request."""
        connection = http.client.HTTPConnection(self.host)
        connection.sock = self.connect()
        try:
            connection.request(method, path, headers={name.replace("_", "-"): text for name, text in fields.items()})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return response.status, names, response.read()
        finally:
            connection.close()

    def session(self, token: str) -> str:
        """The cookie of a browser that has shown *token*."""
        status, fields, _ = self.get("/session", Authorization=f"Bearer {token}")
        assert status == 200
        return fields["set-cookie"].partition(";")[0]


class Page(Site):
    """A page that is served at *port*; *server* is used in its own thread only."""

    def __init__(self, port: int, publisher: Publisher, daemon: ScriptedDaemon) -> None:
        super().__init__(f"127.0.0.1:{port}", lambda: socket.create_connection(("127.0.0.1", port), timeout=20))
        self.port = port
        self.publisher = publisher
        self.daemon = daemon
        self.has_ended = threading.Event()
        self.stop: Callable[[], object]
        self.loop: asyncio.AbstractEventLoop
        self.server: PageServer

    def cookie(self, role: Role = "change") -> str:
        """The cookie of a browser that has shown the token of *role*."""
        return self.session(TOKENS[role])

    def browser(self, role: Role = "change", **options: Any) -> Browser:
        """A tab with that role."""
        return Browser(self, self.cookie(role), **options)

    def viewers(self) -> int:
        """How many tabs are connected now."""
        return len(self.server._live.sessions)


class Browser:
    """A tab: sends messages, and sorts those that come. It acknowledges pictures unless it is told not to."""

    def __init__(self, page: Site, cookie: str, *, acknowledges: bool = True, origin: str = "") -> None:
        self.pictures: list[dict[str, Any]] = []
        self.messages: list[dict[str, Any]] = []
        self._acknowledges = acknowledges
        self._opened = ExitStack()
        connection = connect(
            f"ws://{page.host}/ws",
            sock=page.connect(),
            additional_headers={"Cookie": cookie},
            origin=Origin(origin or f"http://{page.host}"),
            compression=None,
            max_size=None,
            close_timeout=2,
            ping_interval=None,  # no browser sends pings: it would end a connection on which much waits before the pong
        )
        self.socket: ClientConnection = self._opened.enter_context(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def send(self, kind: str, /, **content: Any) -> None:
        self.socket.send(json.dumps({"type": kind, **content}))

    def receive(self, seconds: float = 20) -> dict[str, Any]:
        """The next message or header of a picture. Raises TimeoutError."""
        came = self.socket.recv(timeout=seconds)
        if isinstance(came, str):
            message: dict[str, Any] = json.loads(came)
            self.messages.append(message)
            return message
        (length,) = struct.unpack(">I", came[:4])
        header: dict[str, Any] = json.loads(came[4 : 4 + length])
        header["body"] = came[4 + length :]
        self.pictures.append(header)
        if self._acknowledges:
            self.send("ack", number=header["number"])
        return header

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 20) -> dict[str, Any]:
        """The next message or header that is *wanted*."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if wanted(message := self.receive(max(0.01, deadline - time.monotonic()))):
                return message
        raise AssertionError(f"only these came: {[str(message)[:80] for message in self.messages]}")

    def wait_for_the_end(self, seconds: float = 20) -> ConnectionClosed:
        """How the page ends the connection, within *seconds* from the last message."""
        try:
            while True:
                self.receive(seconds)
        except ConnectionClosed as closed:
            return closed

    def message(self, kind: str) -> dict[str, Any]:
        """The next message of that type."""
        return self.wait_for(lambda message: message.get("type") == kind)

    def ask(self, op: str, /, **rest: Any) -> dict[str, Any]:
        """The reply to a request."""
        self.send("request", id=op, op=op, **rest)
        return self.wait_for(lambda message: message.get("type") == "reply" and message["id"] == op)


@contextmanager
def page(
    folder: Path, reply: Callable[[requests.Request], Reply] = answers, *, with_daemon: bool = True, **settings: Any
) -> Iterator[Page]:
    """A page that is served, with its daemon; *settings* are those of `PageSettings`."""
    gate = settings.pop("gate", None) or AccessGate(TOKENS, {"localhost", "127.0.0.1"})
    daemon = ScriptedDaemon(folder / "control.sock", reply)
    with listen(PageAddress("127.0.0.1", 0)) as listener, Publisher(f"ipc://{folder}/pub.sock") as publisher:
        served = Page(address_of(listener).port, publisher, daemon)
        ready = threading.Event()

        def subscribe(_: str) -> Subscriber:
            return Subscriber(publisher.address, kinds=KINDS, vectors=False)

        async def run() -> None:
            served.loop, ended = asyncio.get_running_loop(), asyncio.Event()
            served.stop = lambda: served.loop.call_soon_threadsafe(ended.set)
            served.server = PageServer(PageSettings(gate, [f"ipc://{daemon.path}"], subscribe, **settings), [listener])
            ready.set()
            await served.server.run(ended)
            served.has_ended.set()

        thread = threading.Thread(target=lambda: asyncio.run(run()))
        with ExitStack() as ending:
            if with_daemon:
                ending.enter_context(daemon.running())
            thread.start()
            assert ready.wait(20)
            ending.callback(_end, thread, served)
            if with_daemon:
                publisher.wait_for_subscription(4)
            yield served


def _end(thread: threading.Thread, served: Page) -> None:
    if not served.has_ended.is_set():
        served.stop()
    thread.join(20)
    assert not thread.is_alive(), "the page ends when it is asked to"
    assert served.has_ended.is_set()
