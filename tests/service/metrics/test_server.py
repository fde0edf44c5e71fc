"""The little HTTP server, over real sockets: good clients, slow ones, and too many of them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from edged.config.sections.metrics import HttpAddress
from edged.errors import PublishError
from edged.service.metrics import server
from edged.service.metrics.request import Page, json_page
from edged.service.metrics.server import MOST_CONNECTIONS, Server
from tests.fakes import eventually
from tests.stopwatch import stopwatch

ASK = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
LARGE = 4 << 20


def large_page() -> Page:
    return json_page("x" * LARGE)


@contextmanager
def serving(host: str = "127.0.0.1") -> Iterator[Server]:
    stage = Server(HttpAddress(host, 0), {"/x": lambda: json_page(1), "/large": large_page}, {b"a"})
    stage.start(lambda: None)
    try:
        assert stage.wait_open(10)
        assert stage.error is None
        yield stage
    finally:
        stage.stop()
        assert stage.join(10)
        assert stage.error is None


def connected(stage: Server, host: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection((host, stage.port), 10)


def all_of(client: socket.socket) -> bytes:
    """What comes until the server has closed, or reset, the connection."""
    parts = []
    with suppress(ConnectionResetError):
        while part := client.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_request_is_answered_and_the_connection_ends(host: str) -> None:
    with serving(host) as stage:
        for _ in range(3):
            with connected(stage, host) as client:
                client.sendall(ASK)
                assert all_of(client).endswith(b"\r\n\r\n1\n")


def test_a_request_may_come_in_pieces_and_its_end_with_it() -> None:
    with serving() as stage, connected(stage) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(len(ASK)):
            client.sendall(ASK[number : number + 1])
        client.shutdown(socket.SHUT_WR)
        assert all_of(client).endswith(b"1\n")


def test_an_answer_that_fills_every_buffer_arrives_whole() -> None:
    with serving() as stage, connected(stage) as client:
        client.sendall(ASK.replace(b"/x", b"/large"))
        assert len(all_of(client)) > LARGE


def test_a_request_that_is_too_long_is_refused() -> None:
    with serving() as stage, connected(stage) as client:
        client.sendall(b"GET /x HTTP/1.1\r\n" + b"Cookie: " + b"x" * 100_000 + b"\r\n\r\n")
        assert all_of(client).startswith(b"HTTP/1.1 431 ")


def test_slow_clients_are_cut_off_and_delay_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as stage, ExitStack() as clients:
        with monkeypatch.context() as patch:
            patch.setattr(server, "CLIENT_SECONDS", 0.5)
            silent, reader = (clients.enter_context(connected(stage)) for _ in range(2))
            eventually(lambda: len(stage._clients) == 2, "the limit of both")
        with suppress(ConnectionError):  # where the machine paused for longer than they have
            silent.sendall(b"GET /x")
            reader.sendall(ASK.replace(b"/x", b"/large"))
        with connected(stage) as client:  # its limit is longer than a pause of the machine
            client.sendall(ASK)
            assert all_of(client).endswith(b"1\n")
        assert all_of(silent) == b""
        assert len(all_of(reader)) < LARGE


def test_the_newest_of_many_clients_are_served() -> None:
    with serving() as stage, ExitStack() as clients:
        for _ in range(3 * MOST_CONNECTIONS):
            clients.enter_context(connected(stage)).sendall(b"GET /x")
        with connected(stage) as client:
            client.sendall(ASK)
            assert all_of(client).endswith(b"1\n")
        assert len(stage._clients) <= MOST_CONNECTIONS


def test_clients_that_go_leave_nothing_behind() -> None:
    with serving() as stage:
        for request in (b"", b"GET /x", ASK, ASK * 3, ASK.replace(b"/x", b"/large")):
            connected(stage).close()
            with connected(stage) as client:
                client.sendall(request)
        with connected(stage) as client:
            client.sendall(ASK)
            assert all_of(client).endswith(b"1\n")


def test_it_stops_at_once_with_clients_connected() -> None:
    with serving() as stage, connected(stage) as client:
        client.sendall(b"GET")
        with stopwatch() as watch:
            stage.stop()
            assert stage.join(10)
        assert watch.seconds < 2.0
        assert all_of(client) == b""


def test_an_address_that_cannot_be_bound_is_refused() -> None:
    with serving() as first:
        second = Server(HttpAddress("127.0.0.1", first.port), {}, ())
        second.start(lambda: None)
        assert second.join(10)
        assert isinstance(second.error, PublishError)
        assert str(second.error) == (f"metrics.listen: cannot listen on 127.0.0.1:{first.port}: Address already in use")
