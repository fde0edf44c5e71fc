"""Hostile clients of the page: they change nothing for the daemon and for other tabs, and the page stays small."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from edged.page.connections import MOST_CONNECTIONS
from edged.page.protocol import LONGEST_MESSAGE
from edged.page.viewers import ACK_SECONDS
from tests.fakes import eventually
from tests.page.serving import Browser, Page, page
from tests.page.test_server import STREET

pytestmark = pytest.mark.timed


def rss_kib() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def works(served: Page, seconds: float = 20) -> None:
    """A picture and a reply come within *seconds*."""
    begin = time.monotonic()
    with served.browser() as browser:
        browser.send("look", cameras=[STREET])
        browser.wait_for(lambda message: "body" in message, seconds)
        assert browser.ask("states")["ok"]
    assert time.monotonic() - begin < seconds


@pytest.mark.parametrize(
    "message",
    [
        "[" * 60_000,
        '{"a":' * 10_000,
        "9" * 60_000,
        "null",
        '{"type":"look","cameras":' + "[" + ",".join(['{"camera":"a"}'] * 33) + "]}",
        '{"type":"look","cameras":[{"camera":"../etc"}]}',
        '{"type":"look","cameras":[{"camera":"a","fps":1e999}]}',
        '{"type":"ack","number":"1"}',
        '{"type":"request","id":"","op":"status"}',
        '{"type":"request","id":"' + "i" * 65 + '","op":"status"}',
        "x" * (LONGEST_MESSAGE + 1),
        b"\x00" * 10,
    ],
    ids=lambda message: str(message)[:30],
)
def test_a_message_that_is_none_ends_that_tab_alone(tmp_path: Path, message: str | bytes) -> None:
    with page(tmp_path) as served, served.browser() as other:
        with served.browser() as browser:
            browser.socket.send(message)
            browser.wait_for_the_end()
        assert other.ask("states")["ok"]


def test_a_frame_that_claims_to_be_long_is_not_waited_for(tmp_path: Path) -> None:
    with page(tmp_path) as served, served.browser() as browser:
        raw = browser.socket.socket
        raw.sendall(struct.pack(">BBQ", 0x81, 0xFF, 1 << 40) + b"mask")
        browser.wait_for_the_end()


def test_a_tab_that_never_acknowledges_is_dropped_and_slows_nobody(tmp_path: Path) -> None:
    with page(tmp_path) as served, served.browser(acknowledges=False) as stuck, served.browser() as other:
        stuck.send("look", cameras=[STREET])
        other.send("look", cameras=[STREET])
        eventually(lambda: served.viewers() == 2, "both look")
        begin = time.monotonic()
        while served.viewers() == 2:
            other.receive()
        lasted = time.monotonic() - begin
        assert ACK_SECONDS - 1 < lasted < ACK_SECONDS + 10
        assert len(other.pictures) > 2 * lasted, "of 10 a second, on a machine that may be busy"
        stuck.wait_for_the_end()
        assert len(stuck.pictures) == 1


@contextmanager
def deaf_tab(served: Page) -> Iterator[socket.socket]:
    """A tab that reads nothing by itself, with little room for what the page sends."""
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", served.port))
        deaf.settimeout(0.2)
        fields = (
            f"Host: {served.host}", f"Origin: http://{served.host}", f"Cookie: {served.cookie('look')}",
            "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        )  # fmt: skip
        before = served.viewers()
        deaf.sendall("\r\n".join(("GET /ws HTTP/1.1", *fields, "", "")).encode())
        eventually(lambda: served.viewers() > before, "it looks")
        yield deaf


def requests_in_frames(count: int) -> bytes:
    """So many requests for the status, with a mask of zeros."""
    asked = b'{"type":"request","id":"h","op":"status"}'
    return (struct.pack(">BBI", 0x81, 0x80 | len(asked), 0) + asked) * count


def test_a_tab_that_reads_nothing_is_dropped(tmp_path: Path) -> None:
    """What it asks for waits, but not for ever, and not without a limit."""
    with page(tmp_path) as served, served.browser() as other, deaf_tab(served) as deaf:
        before, deadline = rss_kib(), time.monotonic() + 80
        while served.viewers() == 2 and time.monotonic() < deadline:
            with suppress(OSError):  # the page reads no more for a while, or has ended the connection
                deaf.send(requests_in_frames(50))
            assert other.ask("states")["ok"]
        assert served.viewers() == 1
        assert rss_kib() - before < 80_000


def test_a_tab_that_reads_nothing_does_not_hold_up_the_end_of_the_page(tmp_path: Path) -> None:
    with page(tmp_path) as served, deaf_tab(served) as deaf:
        (session,) = served.server._live.sessions
        transport = session._websocket._writer.transport

        def is_full() -> bool:
            with suppress(OSError):
                deaf.send(requests_in_frames(50))
            return transport.get_write_buffer_size() > transport.get_write_buffer_limits()[1]

        eventually(is_full, "the page has to wait for it", 60)
        begin = time.monotonic()
        served.stop()
        assert served.has_ended.wait(20)
        assert time.monotonic() - begin < 10, "which systemd waits for"


def test_pings_without_end_are_answered_at_their_share_and_not_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with page(tmp_path) as served, deaf_tab(served) as loud:
        begin, pongs = time.monotonic(), 0
        while time.monotonic() - begin < 4:
            with suppress(OSError):
                loud.send(b"\x89\x80mask" * 2000)
            with suppress(OSError):
                pongs += len(loud.recv(1 << 16)) // 2
        works(served)
        assert pongs < 200 * (time.monotonic() - begin) + 10_000, "what is read at once, and its share"
        loud.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        loud.close()
        eventually(lambda: served.viewers() == 0, "it has gone")
    assert [record for record in caplog.records if record.name == "asyncio"] == []


def test_a_tab_that_sends_without_end_gets_no_more_than_its_share(tmp_path: Path) -> None:
    with page(tmp_path) as served, served.browser() as loud:
        stop = threading.Event()

        def shout() -> None:
            with suppress(ConnectionClosed, OSError):
                while not stop.is_set():
                    loud.send("look", cameras=[{**STREET, "width": 100}])

        thread = threading.Thread(target=shout)
        thread.start()
        try:
            works(served)
        finally:
            stop.set()
            loud.socket.socket.shutdown(socket.SHUT_RDWR)
            thread.join(20)


def test_a_thousand_hostile_clients_change_nothing(tmp_path: Path) -> None:
    """Silent ones, half requests, endless heads, handshakes without a cookie, and noise."""
    beginnings = [
        b"",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: " + b"b" * 20_000,
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nOrigin: http://localhost\r\n\r\n",
        os.urandom(500) + b"\r\n\r\n",
        b"\x16\x03\x01" + os.urandom(200),
    ]
    with page(tmp_path) as served, served.browser() as viewer, ExitStack() as opened:
        viewer.send("look", cameras=[STREET])
        before, descriptors = rss_kib(), len(list(Path("/proc/self/fd").iterdir()))
        asked = len(served.daemon.requests)
        for number in range(1000):
            client = opened.enter_context(socket.create_connection(("127.0.0.1", served.port), 20))
            with suppress(OSError):
                client.sendall(beginnings[number % len(beginnings)])
            if number % 100 == 0:
                viewer.receive()
        assert len(served.server._connections._open) <= MOST_CONNECTIONS
        works(served)
        assert viewer.ask("states")["ok"], "a tab that is connected stays so"
        assert len(list(Path("/proc/self/fd").iterdir())) - descriptors - 1000 <= MOST_CONNECTIONS + 10
        assert rss_kib() - before < 40_000
        others = {request.op for request in served.daemon.requests[asked:]} - {"preview", "status", "states"}
        assert others == set()


def test_a_head_that_does_not_end_is_cut_off(tmp_path: Path) -> None:
    with page(tmp_path) as served, socket.create_connection(("127.0.0.1", served.port), 20) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        begin = time.monotonic()
        assert slow.recv(100) == b""
        assert 3 < time.monotonic() - begin < 15


def test_fragments_without_end_are_refused(tmp_path: Path) -> None:
    with page(tmp_path) as served:
        browser = Browser(served, served.cookie())
        raw = browser.socket.socket
        raw.sendall(b"\x01\x80mask")
        with suppress(OSError):
            for _ in range(200):
                raw.sendall(b"\x00\x80mask" * 1000)
        eventually(lambda: served.viewers() == 0, "nobody looks")
        works(served)
