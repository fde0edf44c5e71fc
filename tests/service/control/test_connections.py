"""The connections of the control socket: few, bounded, and none in the way of another."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from edged.bell import Bell
from edged.service.control import connections as bounds
from edged.service.control.connections import MOST_CONNECTIONS, MOST_UNREAD, Connection, Connections
from edged.transport.zmtp.frames import to_bytes

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(16 + 1 + 31)  # ZMTP 3.0, RFC 23
READY = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03REQ"
SOON = 20.0


class Place:
    """A socket file at which callers are heard, by hand: `hear` is one turn."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.listening.bind(str(path))
        self.listening.listen(4 * MOST_CONNECTIONS)
        self.bell = Bell()
        self.callers = Connections(self.listening, self.bell)
        self._opened = ExitStack()

    def call(self, said: bytes = GREETING + READY) -> socket.socket:
        client = self._opened.enter_context(closing(socket.socket(socket.AF_UNIX)))
        client.connect(str(self.path))
        client.sendall(said)
        client.setblocking(False)
        return client

    def hear(self) -> list[tuple[Connection, list[bytes]]]:
        return list(self.callers.wait(0.01))

    def hear_until(self, count: int) -> list[tuple[Connection, list[bytes]]]:
        """Turns until *count* messages have come."""
        heard, end = self.hear(), time.monotonic() + SOON
        while len(heard) < count:
            assert time.monotonic() < end, f"{len(heard)} messages of {count}"
            heard += self.hear()
        return heard

    def close(self) -> None:
        self._opened.close()
        self.callers.close(0.0)
        self.listening.close()
        self.bell.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with closing(Place(tmp_path / "control.sock")) as place:
        yield place


def is_cut(client: socket.socket) -> bool:
    """Whether the other end has hung up, whatever it had said before."""
    try:
        while client.recv(1 << 16):
            pass
    except BlockingIOError:
        return False
    except ConnectionResetError:  # it did not read all that was said
        return True
    return True


def test_of_many_connections_those_that_wait_for_an_answer_stay(place: Place) -> None:
    patient = place.call(GREETING + READY + to_bytes([b"a question"]))
    [(caller, _)] = place.hear_until(1)
    caller.unanswered += 1
    clients = [place.call(said) for _ in range(MOST_CONNECTIONS) for said in (b"", GREETING + READY)]
    for _ in range(20):
        place.hear()
    assert sum(not is_cut(client) for client in clients) == MOST_CONNECTIONS - 1
    assert not is_cut(patient)
    assert caller.is_open


@pytest.mark.parametrize(
    "said",
    [b"", GREETING, GREETING + READY, GREETING + READY + to_bytes([b"nonsense"])],
    ids=["silent", "greeting", "idle", "asking"],
)
def test_many_connections_do_not_keep_new_clients_out(place: Place, said: bytes) -> None:
    for _ in range(3):
        for _ in range(MOST_CONNECTIONS):
            place.call(said)
        while any(not frames[0].startswith(b"a question") for _, frames in place.hear()):
            pass
        newcomer = place.call(GREETING + READY + to_bytes([b"a question"]))
        end = time.monotonic() + SOON
        while [b"a question"] not in [frames for _, frames in place.hear()]:
            assert time.monotonic() < end
            assert not is_cut(newcomer)


def test_silent_clients_put_out_none_with_a_handshake(place: Place) -> None:
    idle = place.call()
    place.hear()
    for _ in range(3 * MOST_CONNECTIONS):
        place.call(b"")
        place.hear()
    assert not is_cut(idle)


def test_a_client_that_does_not_read_gets_no_more_answers_and_is_not_read_until_it_does(place: Place) -> None:
    client = place.call(GREETING + READY + to_bytes([b"first"]))
    [(caller, _)] = place.hear_until(1)
    answer = [bytes(20_000)]
    for _ in range(200):
        place.callers.send(caller, answer)
    assert MOST_UNREAD < caller.unread <= MOST_UNREAD + 2 * len(answer[0])
    client.sendall(to_bytes([b"second"]))
    assert place.hear() == []
    assert not is_cut(client), "and it has read now"
    end = time.monotonic() + SOON
    while not (heard := place.hear()):
        assert time.monotonic() < end
        is_cut(client)
    assert [frames for _, frames in heard] == [[b"second"]]


def test_a_client_that_sends_much_leaves_others_their_turn_and_loses_nothing(place: Place) -> None:
    place.call(GREETING + READY + to_bytes([b"again"]) * 100)
    heard = place.hear_until(1)
    place.call(GREETING + READY + to_bytes([b"a question"]))
    said = [frames[0] for _, frames in [*heard, *place.hear_until(101 - len(heard))]]
    assert said.count(b"again") == 100
    assert said.index(b"a question") < 50


def test_a_client_without_a_handshake_is_cut_off(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    polite = place.call(GREETING + READY + to_bytes([b"first"]))
    place.hear_until(1)  # a pause of the machine is no reason to cut it off any more
    monkeypatch.setattr(bounds, "HANDSHAKE_SECONDS", 0.05)
    silent = place.call(GREETING)
    end = time.monotonic() + SOON
    while not is_cut(silent):
        assert time.monotonic() < end
        place.hear()
    assert not is_cut(polite)


def test_a_client_that_reads_nothing_of_its_answer_is_cut_off(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "STALL_SECONDS", 0.05)
    place.call(GREETING + READY + to_bytes([b"first"]))
    [(caller, _)] = place.hear_until(1)
    place.callers.send(caller, [bytes(8 << 20)])
    assert caller.is_open
    end = time.monotonic() + SOON
    while caller.is_open:
        assert time.monotonic() < end
        place.hear()


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", GREETING + b"\x08", GREETING + to_bytes([b"too early"])])
def test_a_client_of_another_protocol_is_cut_off_at_once(place: Place, said: bytes) -> None:
    client = place.call(said)
    end = time.monotonic() + SOON
    while not is_cut(client):
        assert time.monotonic() < end
        assert place.hear() == []
