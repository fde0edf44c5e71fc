"""ZMTP of the control socket: any bytes become messages or an error, within bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.errors import WireError
from edged.transport.zmtp.frames import to_bytes
from edged.transport.zmtp.greeting import greeting
from edged.transport.zmtp.router_end import MAX_FRAMES, MAX_MESSAGE_BYTES, RouterEnd

GREETING = greeting(b"NULL", minor=0)
HELLO = GREETING + b"\x04\x19" + b"\x05READY\x0bSocket-Type\x00\x00\x00\x03REQ"


def received(*pieces: bytes) -> list[list[bytes]]:
    end = RouterEnd()
    return [message for piece in pieces for message in end.feed(piece)]


@given(st.lists(st.lists(st.binary(max_size=400), min_size=1, max_size=MAX_FRAMES), max_size=4), st.data())
def test_messages_are_read_however_their_bytes_are_split(messages: list[list[bytes]], data: st.DataObject) -> None:
    stream = HELLO + b"".join(map(to_bytes, messages))
    places = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    pieces = [stream[start:end] for start, end in zip([0, *places], [*places, len(stream)], strict=True)]
    assert received(*pieces) == messages


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_messages_or_a_wire_error(content: bytes, greeted: bool) -> None:
    end = RouterEnd()
    try:
        for message in end.feed((HELLO if greeted else b"") + content):
            assert 1 <= len(message) <= MAX_FRAMES
    except WireError:
        return
    assert len(end._reader) <= len(content) + len(HELLO)


@pytest.mark.parametrize(
    "content",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x01\x00",  # ZMTP 1
        b"\xff" + bytes(8) + b"\x7e",
        b"\xff" + bytes(8) + b"\x7f\x01",  # ZMTP 2
        GREETING[:12] + b"CURVE".ljust(20, b"\0"),
        GREETING + to_bytes([b"before READY"]),
        HELLO + b"\x08\x00",
        HELLO + b"\x05\x00",  # a command that goes on
        HELLO + b"\x02" + (MAX_MESSAGE_BYTES + 1).to_bytes(8, "big"),
        HELLO + b"\x02" + b"\xff" * 8,
        HELLO + to_bytes([b""] * (MAX_FRAMES + 1)),
        HELLO + to_bytes([bytes(MAX_MESSAGE_BYTES // 2 + 1)] * 2),
        HELLO + b"\x04\x06\x05ERROR",
    ],
)
def test_bytes_that_are_not_zmtp_or_too_many_are_a_wire_error(content: bytes) -> None:
    with pytest.raises(WireError):
        received(content)


def test_a_message_without_an_end_is_not_kept() -> None:
    end, part = RouterEnd(), b"\x01\xfa" + bytes(250)
    assert list(end.feed(HELLO)) == []
    for _ in range(MAX_FRAMES):
        assert list(end.feed(part)) == []
    with pytest.raises(WireError, match="at most"):
        list(end.feed(part))


def test_it_sends_ready_as_a_router_and_answers_a_ping_with_its_context() -> None:
    end = RouterEnd()
    assert bytes(end.reply).startswith(GREETING)
    assert b"READY" in end.reply
    assert b"ROUTER" in end.reply
    list(end.feed(HELLO))
    assert end.is_ready
    end.reply.clear()
    list(end.feed(b"\x04\x0b\x04PING\x00\x0aabcd"))
    assert bytes(end.reply) == b"\x04\x09\x04PONGabcd"


def test_messages_that_are_not_read_yet_wait() -> None:
    end = RouterEnd()
    messages = end.feed(HELLO + to_bytes([b"one"]) + to_bytes([b"two"]))
    assert next(messages) == [b"one"]
    messages.close()  # type: ignore[attr-defined]  # it is a generator
    assert list(end.feed(b"")) == [[b"two"]]
